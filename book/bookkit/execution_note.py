"""The last line of a chapter's page: with which PyTorch its outputs were made, when, and how long the run took.

All of it comes from the record that jupyter-cache keeps of a run, so a build that executes nothing shows the date of
the run and not its own. The installed PyTorch is the one that ran: execution_cache.py looks for outputs in a folder
that is named after the installed versions.
"""

from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import nbformat
from docutils import nodes
from jupyter_cache import get_cache
from jupyter_cache.cache.db import NbCacheRecord
from sphinx.application import Sphinx


def record_of_run(notebook: Path, cache: str) -> NbCacheRecord | None:
    """Return what the cache knows about the run of a notebook, or None where it holds no such run."""
    try:
        return get_cache(cache).match_cache_notebook(nbformat.read(notebook, as_version=4))
    except KeyError:
        return None


def sentence(torch: str | None, day: datetime | None, seconds: float | None) -> str:
    """Return what is known about a run as one sentence."""
    text = "What the cells print and draw on this page comes from a run"
    if torch:
        text += f" with PyTorch {torch}"
    if day:
        text += f" on {day.day} {day:%B %Y}"
    if seconds:
        whole = max(1, round(seconds))
        text += f" that took {whole} second{'s' * (whole > 1)}"
    return f"{text}."


def installed_torch() -> str | None:
    """Return the version of PyTorch that is installed, if it is."""
    try:
        return version("torch")
    except PackageNotFoundError:
        return None


def add_note(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Add the sentence to the end of a notebook's page."""
    path = Path(app.env.doc2path(page))
    if path.suffix != ".ipynb":
        return
    record = record_of_run(path, app.config.nb_execution_cache_path)
    if record is None:  # the page shows no output either, or the build is about to fail
        return
    text = sentence(installed_torch(), record.created, record.data.get("execution_seconds"))
    doctree.next_node(nodes.section).append(nodes.paragraph("", text, classes=["execution-note"]))


def connect(app: Sphinx) -> None:
    """Add the note when a page is about to be written."""
    app.connect("doctree-resolved", add_note)
