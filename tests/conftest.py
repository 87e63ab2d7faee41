"""Fixtures that several test files share."""

import pytest

from book_files import ROOT, TEMPLATE, notebook_paths
from chapter_runs import ChapterRun
from site_build import build


@pytest.fixture(scope="session")
def site():
    """The folder of the built site, brought up to date."""
    finished = build(ROOT)
    assert finished.returncode == 0, finished.stdout[-6000:] + finished.stderr[-6000:]
    return ROOT / "_build" / "html"


@pytest.fixture(scope="session")
def chapter_runs():
    """The runs of the notebooks so far: each runs once, whichever test file asks first."""
    return {}


@pytest.fixture(scope="module", params=[*notebook_paths(), TEMPLATE], ids=lambda path: path.stem)
def chapter(request, chapter_runs, tmp_path_factory):
    """The run of a chapter or an appendix, alone and without a network, in which every answer was tried."""
    path = request.param
    if path not in chapter_runs:
        chapter_runs[path] = ChapterRun(path, tmp_path_factory.mktemp("alone"))
    run = chapter_runs[path]
    assert run.failure is None, run.failure
    return run
