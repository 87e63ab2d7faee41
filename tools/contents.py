"""The order of the pages, as _toc.yml says it, and which of them are notebooks."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml


def pages_below(entries: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the pages of some entries of _toc.yml, each followed by the pages of its own sections."""
    for entry in entries:
        yield entry["file"]
        yield from pages_below(entry.get("sections", []))


def pages_with_captions(root: Path) -> list[tuple[str, str | None]]:
    """Return every page of the book in `root` but the landing page, in reading order, with its part's caption.

    Pages are named as _toc.yml names them, without suffix.
    """
    toc = yaml.safe_load((root / "_toc.yml").read_text("utf8"))
    return [(page, part.get("caption")) for part in toc["parts"] for page in pages_below(part["chapters"])]


def notebook_paths(root: Path) -> list[Path]:
    """Return every notebook of the book in `root` in reading order: the chapters, then the appendices."""
    return [root / f"{page}.ipynb" for page, _ in pages_with_captions(root) if page.startswith("notebooks/")]


def chapter_paths(root: Path) -> list[Path]:
    """Return the chapters' notebooks in reading order; their names begin with a number, an appendix's with a letter."""
    return [path for path in notebook_paths(root) if path.name[0].isdigit()]
