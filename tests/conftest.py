"""Fixtures that several test files share."""

import pytest

from book_files import ROOT
from chapter_runs import ChapterRun
from site_build import build


@pytest.fixture(scope="session")
def site():
    """The folder of the built site, brought up to date."""
    finished = build(ROOT)
    assert finished.returncode == 0, finished.stdout[-6000:] + finished.stderr[-6000:]
    return ROOT / "_build" / "html"


@pytest.fixture(scope="session")
def run_of(tmp_path_factory):
    """A function that returns the run of a notebook; each notebook runs once, whoever asks first."""
    runs = {}

    def run_of(path):
        if path not in runs:
            runs[path] = ChapterRun(path, tmp_path_factory.mktemp("alone"))
        return runs[path]

    return run_of
