"""404.html: what a reader gets who follows a dead link.

A server shows this one file for every missing address, at any depth, so a link in it cannot be relative: seen from
/a/b/c, "index.html" is /a/b/index.html. A script that works out the right links could not be loaded for the same
reason, and the policy (page_scripts.py) allows no script inside the page but one. So every link in it begins at the
root of the host. The environment variable BOOK_BASE_PATH says below which path the site lies there ("/book" on GitHub
Pages, which tells the workflow); without it, the site is taken to be the whole host, as `make serve` shows it.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

PAGE = "404.html"
RELATIVE = re.compile(r'\b(href|src|action|data-content_root)="(?!#|/|[a-z][a-z0-9+.-]*:)(?:\./)?([^"]*)"')


def base_path(setting: str) -> str:
    """Return the path of the site on its host, with a slash at both ends."""
    inner = setting.strip("/")
    return f"/{inner}/" if inner else "/"


def absolute(html: str, base: str) -> str:
    """Return a page of the site's root with every relative link replaced by one that begins with `base`."""
    return RELATIVE.sub(rf'\1="{base}\2"', html)


def page(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield the page, as Sphinx writes it."""
    yield PAGE.removesuffix(".html"), {"title": "Page not found"}, PAGE


def make_links_absolute(app: Sphinx, exception: Exception | None) -> None:
    """Rewrite the links of the finished page."""
    if exception is None and app.builder.format == "html":
        file = Path(app.outdir) / PAGE
        file.write_text(absolute(file.read_text("utf8"), base_path(os.environ.get("BOOK_BASE_PATH", ""))), "utf8")


def connect(app: Sphinx) -> None:
    """Add the page; rewrite it after theme_repairs has repaired what the theme wrote."""
    app.connect("html-collect-pages", page)
    app.connect("build-finished", make_links_absolute, priority=600)
