"""Pages that have moved: at each old address that book/moved.txt names, a small page that leads to the new one.

It works without a script; with one, the part of the page that a link named (#section) is kept.
"""

import posixpath
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from .page_scripts import POLICY

MOVED = Path(__file__).parents[1] / "moved.txt"
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>This page has moved</title>
<link rel="canonical" href="{new}">
<noscript><meta http-equiv="refresh" content="0; url={new}"></noscript>
<script defer src="{static}/moved.js"></script>
</head>
<body><p>This page has moved: <a href="{new}">read it at its new address</a>.</p></body>
</html>
"""


def moved_pages(text: str) -> dict[str, str]:
    """Return the new address of each page that has moved, as the text of moved.txt says."""
    lines = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return {line[0]: line[1] for line in lines}


def write_pages(app: Sphinx, exception: Exception | None) -> None:
    """Write the page for each old address; refuse one that is taken, and one that leads nowhere."""
    if exception is not None or app.builder.format != "html":
        return
    for old, new in moved_pages(MOVED.read_text("utf8")).items():
        if old in app.env.all_docs or new not in app.env.all_docs:
            raise ExtensionError(f"{MOVED.name}: {old} → {new}: the old page must be gone and the new one must exist")
        folder = posixpath.dirname(old) or "."
        page = Path(app.outdir) / f"{old}.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        links = {"new": posixpath.relpath(f"{new}.html", folder), "static": posixpath.relpath("_static", folder)}
        page.write_text(PAGE.format(policy=POLICY, **links), "utf8")


def connect(app: Sphinx) -> None:
    """Write the pages when the others are written."""
    app.connect("build-finished", write_pages)
