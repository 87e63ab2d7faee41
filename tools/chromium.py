"""The Chromium that is installed on this machine, Chromium itself or a browser made from it: found and started."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge", "microsoft-edge")
# macOS and Windows put programs into folders of their own, which are not on the PATH.
MAC_FOLDERS = (Path("/Applications"), Path.home() / "Applications")
MAC_PROGRAMS = (
    "Chromium.app/Contents/MacOS/Chromium",
    "Google Chrome.app/Contents/MacOS/Google Chrome",
    "Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
WINDOWS_FOLDERS = ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")
WINDOWS_PROGRAMS = (
    "Chromium/Application/chrome.exe",
    "Google/Chrome/Application/chrome.exe",
    "Microsoft/Edge/Application/msedge.exe",
)
# Arguments for every start.
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
# The screens on which pages are tested and weighed.
SCREENS = {"wide": {"width": 1280, "height": 900}, "narrow": {"width": 390, "height": 844}}


def usual_places() -> Iterator[Path]:
    """Yield where the installers of this system put such browsers."""
    if sys.platform == "darwin":
        folders, programs = MAC_FOLDERS, MAC_PROGRAMS
    elif sys.platform == "win32":
        # PROGRAMFILES(X86) is a variable's whole name; a machine without 64 bits lacks it.
        folders = tuple(Path(os.environ[name]) for name in WINDOWS_FOLDERS if os.environ.get(name))
        programs = WINDOWS_PROGRAMS
    else:
        return
    yield from (folder / program for program in programs for folder in folders)


def find() -> str | None:
    """Return the path of the first Chromium on the PATH or in the usual places."""
    on_path = next((found for name in NAMES if (found := shutil.which(name))), None)
    return on_path or next((str(place) for place in usual_places() if place.is_file()), None)


def required() -> str:
    """Return the path of the Chromium; raise SystemExit with one sentence where there is none."""
    program = find()
    if program is None:
        raise SystemExit("No Chromium found: install Chromium or Chrome.")
    return program


@contextmanager
def started() -> Iterator[Browser]:
    """Run Chromium, without a window, while the block runs; raise SystemExit where there is none."""
    program = required()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=QUIET)
        yield browser
        browser.close()


def two_frames(page: Page) -> None:
    """Wait until the page has drawn two more pictures: what was asked for by then is on the screen."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
