"""Where slides come from: the chapters' notebooks with the outputs of the last build."""

from pathlib import Path

import nbformat
from jupyter_cache import get_cache
from nbformat import NotebookNode

from bookkit.execution_cache import cache_path

SLIDE_TYPES = {"slide", "subslide", "fragment", "skip", "notes", "-"}


def executed(path: Path, root: Path) -> NotebookNode:
    """Return a notebook with the outputs of the last build.

    Raises ValueError when the build has not executed it as it is now.
    """
    cache = get_cache(cache_path(root / "_build", root))
    notebook = nbformat.read(path, as_version=4)
    try:
        _, notebook = cache.merge_match_into_notebook(notebook)
    except KeyError:
        raise ValueError(f"{path.name} has no outputs yet, or has changed since: run `make book` first.") from None
    return notebook


def tags(cell: NotebookNode) -> set[str]:
    """Return the tags of a cell."""
    return set(cell.metadata.get("tags", []))


def slide_type(cell: NotebookNode) -> str | None:
    """Return what a cell says about slides in its metadata, None if it says nothing.

    Raises ValueError for a word that Jupyter does not know.
    """
    kind = cell.metadata.get("slideshow", {}).get("slide_type")
    if kind is not None and kind not in SLIDE_TYPES:
        known = ", ".join(sorted(SLIDE_TYPES))
        raise ValueError(f"the cell {cell.id} has the slide_type {kind!r}: use one of {known}.")
    return kind


def alt_text(cell: NotebookNode) -> str:
    """Return the alternative text of the pictures that a cell draws, empty if it has none."""
    return cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
