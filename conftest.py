"""Fixtures that the tests in tests/ and those beside the interactive figures share."""

import pickle

import pytest
from filelock import FileLock

from book_files import ROOT, TEMPLATE, code_cells, notebook_paths, read
from built_site import SITE, page_names
from chapter_runs import ChapterRun
from site_build import Page, build, build_cache, hand_over, is_executed

pytest_plugins = ["browser_pages"]


@pytest.fixture(scope="session")
def shared(request, tmp_path_factory):
    """A folder that the processes of one test run share (pytest-xdist gives each a folder of its own inside it)."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if hasattr(request.config, "workerinput") else folder


@pytest.fixture(scope="session")
def one_chapter_at_a_time(shared):
    """A lock for running a chapter: its seconds are measured, so no other one may run beside it."""
    return FileLock(shared / "chapters.lock")


@pytest.fixture(scope="session")
def data_cell():
    """The source of the cell that loads MNIST in every notebook."""
    return next(cell.source for path in notebook_paths() for cell in code_cells(read(path), "data"))


@pytest.fixture(scope="session")
def run_alone(shared, one_chapter_at_a_time, tmp_path_factory):
    """A function that returns the run of a notebook, alone; each notebook runs once, whichever test asks first."""
    runs = {}

    def run_alone(path):
        if path not in runs:
            stored = shared / f"{path.stem}.run"
            with one_chapter_at_a_time:
                if not stored.exists():
                    stored.write_bytes(pickle.dumps(ChapterRun(path, tmp_path_factory.mktemp("alone"))))
            runs[path] = pickle.loads(stored.read_bytes())
        return runs[path]

    return run_alone


@pytest.fixture(scope="session")
def site(shared, run_alone):
    """The folder of the built site, brought up to date.

    What the build would have to execute runs alone first, and the build gets those outputs: to execute all notebooks
    twice would take ten minutes more. That a build executes by itself is shown by a small book, in test_build.py.
    """
    done = shared / "site.built"
    with FileLock(shared / "site.lock"):
        if not done.exists():
            bring_up_to_date(run_alone)
            done.touch()
    return SITE


def bring_up_to_date(run_alone):
    """Build the site, with the outputs of notebooks that ran alone."""
    cache = build_cache()
    for path in notebook_paths():
        if not is_executed(path, cache):
            run = run_alone(path)
            if run.failure is None:  # else the build fails in the same cell, and says so
                hand_over(run.notebook, run.seconds, path, cache)
    finished = build(ROOT)
    assert finished.returncode == 0, finished.stdout[-6000:] + finished.stderr[-6000:]


@pytest.fixture(scope="session")
def pages(site):
    """Every page of the site, by its path without suffix."""
    return {name: Page(site / f"{name}.html") for name in page_names(site)}


@pytest.fixture(scope="module", params=[*notebook_paths(), TEMPLATE], ids=lambda path: path.stem)
def chapter(request, run_alone):
    """The run of a chapter or an appendix, alone and without a network, in which every answer was tried."""
    run = run_alone(request.param)
    assert run.failure is None, run.failure
    return run
