"""Fixtures that several test files share."""

import pytest

from book_files import ROOT
from site_build import build


@pytest.fixture(scope="session")
def site():
    """The folder of the built site, brought up to date."""
    finished = build(ROOT)
    assert finished.returncode == 0, finished.stdout[-6000:] + finished.stderr[-6000:]
    return ROOT / "_build" / "html"
