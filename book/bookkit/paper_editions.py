"""Offer the book as PDF and EPUB on the landing page, when they have been made.

`make pdf` and `make epub` write them beside the site. The directive `{paper-editions}` becomes a line with links to
those that are there, and each build copies them into the site's folder `downloads`. Without them there is no line. An
edition that was made before a page last changed is offered with its date.
"""

import datetime
import shutil
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

NAME = "pytorch-from-the-ground-up"  # tools/make_paper.py calls them so
KINDS = {"pdf": "PDF", "epub": "EPUB"}
FOLDER = "downloads"


class EditionsPlaceholder(nodes.General, nodes.Element):
    """Stands where the line will be."""


class PaperEditions(SphinxDirective):
    """`{paper-editions}`: links to the book on paper and as an e-book."""

    def run(self) -> list[nodes.Node]:
        """Leave a placeholder."""
        return [EditionsPlaceholder()]


def made_editions(app: Sphinx) -> list[Path]:
    """Return the editions that lie beside the site."""
    paths = [Path(app.outdir).parent / f"{NAME}.{suffix}" for suffix in KINDS]
    return [path for path in paths if path.is_file()]


def last_change(app: Sphinx) -> float:
    """Return when a source of a page was last written."""
    sources = [Path(app.srcdir) / "_toc.yml", *(Path(app.env.doc2path(name)) for name in app.env.found_docs)]
    return max((path.stat().st_mtime for path in sources if path.is_file()), default=0.0)


def remark(edition: Path, changed: float) -> str:
    """Return what stands in brackets after an edition: its size, and its date where pages have changed since."""
    size, made = f"{max(1, round(edition.stat().st_size / 1e6))} MB", edition.stat().st_mtime
    if made >= changed:
        return size
    day = datetime.datetime.fromtimestamp(made, datetime.UTC)
    return f"{size}, of {day.day} {day:%B %Y}: some pages have changed since"


def line_of_links(editions: list[Path], to_top: str, changed: float) -> nodes.paragraph:
    """Return the line that the landing page shows; `to_top` leads from the page to the top of the site."""
    line = nodes.paragraph("", "The whole book to read without a browser: ", classes=["paper-editions"])
    for position, path in enumerate(editions):
        line += nodes.Text(" or " if position else "")
        address = f"{to_top}{FOLDER}/{path.name}"
        line += nodes.reference("", KINDS[path.suffix[1:]], refuri=address, internal=True)
        line += nodes.Text(f" ({remark(path, changed)})")
    line += nodes.Text(". The solutions stand at its end.")
    return line


def place_links(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Replace each placeholder by the line, or by nothing."""
    for placeholder in list(doctree.findall(EditionsPlaceholder)):
        editions = made_editions(app) if app.builder.format == "html" else []
        to_top = "../" * docname.count("/")
        placeholder.replace_self(line_of_links(editions, to_top, last_change(app)) if editions else [])


def copy_editions(app: Sphinx, exception: Exception | None) -> None:
    """Put the editions into the site; take away what is no longer there."""
    if exception is not None or app.builder.format != "html":
        return
    folder = Path(app.outdir) / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    for path in made_editions(app):
        folder.mkdir(exist_ok=True)
        shutil.copy2(path, folder)


def connect(app: Sphinx) -> None:
    """Register the directive and the copying; cover_picture.py has the landing page read in every build."""
    app.add_node(EditionsPlaceholder)
    app.add_directive("paper-editions", PaperEditions)
    app.connect("doctree-resolved", place_links)
    app.connect("build-finished", copy_editions)
