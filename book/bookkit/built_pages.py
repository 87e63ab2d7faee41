"""The pages that Sphinx has written, for those parts that change them afterwards."""

from collections.abc import Callable
from pathlib import Path


def rewrite_pages(site: Path, changed: Callable[[str, Path], str]) -> None:
    """Put `changed(html, file)` in place of every page of a built site; a page that stays as it is isn't written."""
    for page in site.rglob("*.html"):
        before = page.read_text("utf8")
        after = changed(before, page)
        if after != before:
            page.write_text(after, "utf8")
