"""The browser that prints, weighs and tests is found where each system keeps it."""

import re
import sys

import pytest

import chromium
from book_files import ROOT


@pytest.fixture
def bare_path(monkeypatch):
    """No browser on the PATH."""
    monkeypatch.setattr(chromium.shutil, "which", lambda name: None)
    return monkeypatch


def put(folder, place):
    """Put a program at a place below a folder; return its path."""
    program = folder / place
    program.parent.mkdir(parents=True)
    program.write_bytes(b"")
    return str(program)


@pytest.mark.parametrize(
    "place",
    [
        "Google Chrome.app/Contents/MacOS/Google Chrome",
        "Chromium.app/Contents/MacOS/Chromium",
        "Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    ],
)
def test_a_mac_has_its_browsers_among_the_applications(bare_path, tmp_path, place):
    bare_path.setattr(sys, "platform", "darwin")
    bare_path.setattr(chromium, "MAC_FOLDERS", (tmp_path / "nothing", tmp_path))
    assert chromium.find() is None
    program = put(tmp_path, place)
    assert chromium.find() == program
    bare_path.setattr(sys, "platform", "linux")
    assert chromium.find() is None


@pytest.mark.parametrize("variable", ["PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"])
@pytest.mark.parametrize("place", ["Google/Chrome/Application/chrome.exe", "Microsoft/Edge/Application/msedge.exe"])
def test_windows_has_its_browsers_among_the_programs(bare_path, tmp_path, variable, place):
    bare_path.setattr(sys, "platform", "win32")
    for name in chromium.WINDOWS_FOLDERS:
        bare_path.delenv(name, raising=False)
    assert chromium.find() is None
    bare_path.setenv(variable, str(tmp_path))
    assert chromium.find() is None
    program = put(tmp_path, place)
    assert chromium.find() == program


def test_the_path_comes_first(bare_path, tmp_path):
    bare_path.setattr(sys, "platform", "darwin")
    bare_path.setattr(chromium, "MAC_FOLDERS", (tmp_path,))
    put(tmp_path, "Chromium.app/Contents/MacOS/Chromium")
    bare_path.setattr(chromium.shutil, "which", lambda name: f"/bin/{name}" if name == "google-chrome" else None)
    assert chromium.find() == "/bin/google-chrome"


def test_where_there_is_none_one_sentence_says_what_to_do(bare_path):
    bare_path.setattr(sys, "platform", "linux")
    with pytest.raises(SystemExit, match=r"^No Chromium found: install Chromium or Chrome\.$"):
        chromium.required()
    bare_path.setattr(chromium, "find", lambda: "/bin/chromium")
    assert chromium.required() == "/bin/chromium"


def test_the_names_of_browsers_stand_in_one_place():
    files = [path for folder in ("tools", "tests", "book") for path in (ROOT / folder).rglob("*.py")]
    pattern = re.compile(r"google-chrome-(?:stable)|--disable-component-(?:update)")
    assert [path.name for path in files if pattern.search(path.read_text("utf8"))] == ["chromium.py"]
