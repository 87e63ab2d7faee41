"""Anchors that a notebook sets itself, with `<a id="name"></a>`: MyST learns of them, so that pages can link to them.

A heading's own anchor differs between Jupyter, Colab, GitHub and this book; an explicit one works everywhere. MyST
knows headings only and would call a link to such an anchor broken.
"""

import re

from docutils import nodes
from sphinx.application import Sphinx

ANCHOR = re.compile(r'<a id="([a-z0-9-]+)">')


def add_anchors(app: Sphinx, doctree: nodes.document) -> None:
    """Add a page's own anchors to those that MyST keeps for its headings."""
    slugs = app.env.metadata[app.env.docname].setdefault("myst_slugs", {})
    for raw in doctree.findall(nodes.raw):
        for name in ANCHOR.findall(raw.astext()):
            slugs.setdefault(name, (raw.line, name, name))


def connect(app: Sphinx) -> None:
    """Connect to Sphinx."""
    app.connect("doctree-read", add_anchors)
