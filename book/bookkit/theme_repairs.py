"""Repair what the theme gets wrong in the pages it writes: weight and accessibility."""

import re
from pathlib import Path

from sphinx.application import Sphinx

# (what to find, what to put there, why)
REPAIRS: list[tuple[re.Pattern[str], str, str]] = [
    (
        re.compile(
            r"\s*<!-- So that users can add custom icons -->\s*<script[^>]*scripts/fontawesome\.js[^>]*></script>"
        ),
        "",
        "1.5 MB of script that draws the icons which the web font draws already",
    ),
    (
        re.compile(r'<div id="pst-primary-sidebar" class='),
        '<div id="pst-primary-sidebar" role="navigation" aria-label="Book" class=',
        "the book's title stands in this column, outside every landmark a screen reader can jump to",
    ),
]


def repaired(html: str) -> str:
    """Return the page with every repair made."""
    for pattern, replacement, _why in REPAIRS:
        html = pattern.sub(replacement, html)
    return html


def repair_pages(app: Sphinx, exception: Exception | None) -> None:
    """Repair every page of the site and drop the files that no page needs any more."""
    if exception is not None or app.builder.format != "html":
        return
    site = Path(app.outdir)
    for page in site.rglob("*.html"):
        before = page.read_text("utf8")
        after = repaired(before)
        if after != before:
            page.write_text(after, "utf8")
    for leftover in (site / "_static" / "scripts").glob("fontawesome.js*"):
        leftover.unlink()


def connect(app: Sphinx) -> None:
    """Repair the pages when all are written."""
    app.connect("build-finished", repair_pages)
