"""The order of the pages, as _toc.yml says it."""

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
