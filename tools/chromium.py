"""The Chromium that is installed on this machine: Chromium itself, or a browser made from it."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

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
