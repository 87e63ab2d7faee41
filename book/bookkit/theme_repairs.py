"""Repair what the theme gets wrong in the pages it writes: weight and accessibility."""

import re
from pathlib import Path

import imagesize
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from .built_pages import rewrite_pages

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
        re.compile(r'\s*<script src="[^"]*(?:searchtools|language_data|searchindex)\.js[^"]*"></script>'),
        "",
        "Sphinx's search, 200 kB on every page; bookkit/search_index.py has taken its place",
    ),
    (
        re.compile(r'<div id="pst-primary-sidebar" class='),
        '<div id="pst-primary-sidebar" role="navigation" aria-label="Book" class=',
        "the book's title stands in this column, outside every landmark a screen reader can jump to",
    ),
    (
        re.compile(r'<summary aria-label="Toggle hidden content">'),
        "<summary>",
        "the label hides the words that say what is folded: show the solution, show the code",
    ),
    (
        re.compile(r'(>([^<>]+)</a><details[^>]*><summary)>(?=<span class="toctree-toggle")'),
        r'\1 aria-label="Pages below \2">',
        "the arrow that unfolds a part of the contents has no words that a screen reader could say",
    ),
]

# Files that no page loads any more.
LEFTOVERS = [
    "_static/scripts/fontawesome.js*",
    "_static/*webpack-macros.html",
    "_static/searchtools.js",
    "_static/language_data.js",
    "searchindex.js",  # of a build before the book had its own search
]

PICTURE = re.compile(r'<img (?![^>]*\bloading=)(?P<before>[^>]*?)src="(?P<src>(?!\w+:|//)[^"]+\.(?:png|svg))"')


def sized(picture: re.Match[str], page: Path) -> str:
    """Return an <img> that says its size, so the text below does not jump, and loads when the reader comes near.

    Raises ExtensionError where the file does not tell its size.
    """
    file = page.parent / picture["src"]
    width, height = (round(pixels) for pixels in imagesize.get(file))  # a drawing's points count 4/3 of a pixel
    if min(width, height) <= 0:
        raise ExtensionError(f"{page.name}: theme_repairs.py finds no width and height in {file.name}")
    size = f'width="{width}" height="{height}"'
    return f'<img loading="lazy" {size} {picture["before"]}src="{picture["src"]}"'


def repaired(html: str, page: Path) -> str:
    """Return the page with every repair made; `page` is where it lies."""
    for pattern, replacement, _why in REPAIRS:
        html = pattern.sub(replacement, html)
    return PICTURE.sub(lambda picture: sized(picture, page), html)


def repair_pages(app: Sphinx, exception: Exception | None) -> None:
    """Repair every page of the site and drop the files that no page needs any more."""
    if exception is not None or app.builder.format != "html":
        return
    site = Path(app.outdir)
    rewrite_pages(site, repaired)
    for pattern in LEFTOVERS:
        for leftover in site.glob(pattern):
            leftover.unlink()


def connect(app: Sphinx) -> None:
    """Repair the pages when all are written."""
    app.connect("build-finished", repair_pages)
