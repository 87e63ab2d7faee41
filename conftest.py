"""Fixtures that the tests in tests/ and those beside the interactive figures share."""

import pytest

from book_files import ROOT, TEMPLATE, notebook_paths
from built_site import SITE, page_names
from chapter_runs import ChapterRun
from site_build import Page, build, build_cache, hand_over, is_executed

pytest_plugins = ["browser_pages"]


@pytest.fixture(scope="session")
def run_alone(tmp_path_factory):
    """A function that returns the run of a notebook, alone; each notebook runs once, whichever test asks first."""
    runs = {}

    def run_alone(path):
        if path not in runs:
            runs[path] = ChapterRun(path, tmp_path_factory.mktemp("alone"))
        return runs[path]

    return run_alone


@pytest.fixture(scope="session")
def site(run_alone):
    """The folder of the built site, brought up to date.

    What the build would have to execute runs alone first, and the build gets those outputs: to execute all notebooks
    twice would take ten minutes more. That a build executes by itself is shown by a small book, in test_build.py.
    """
    cache = build_cache()
    for path in notebook_paths():
        if not is_executed(path, cache):
            run = run_alone(path)
            if run.failure is None:  # else the build fails in the same cell, and says so
                hand_over(run.notebook, run.seconds, path, cache)
    finished = build(ROOT)
    assert finished.returncode == 0, finished.stdout[-6000:] + finished.stderr[-6000:]
    return SITE


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
