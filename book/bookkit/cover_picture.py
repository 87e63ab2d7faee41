"""The landing page's picture: the figure of the chapter cell tagged `cover`, taken from its output.

The directive `{cover-picture} notebooks/NN_topic` leaves a placeholder that becomes a copy of that figure once all
chapters are read, so the landing page can show nothing that the book did not draw.
"""

from collections.abc import Iterator

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective


class CoverPlaceholder(nodes.General, nodes.Element):
    """Stands where the picture will be."""


class CoverPicture(SphinxDirective):
    """`{cover-picture} docname`: show the figure of the cell tagged `cover` in that notebook."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Leave a placeholder that remembers the notebook."""
        return [CoverPlaceholder(chapter=self.arguments[0])]


def cover_images(doctree: nodes.document) -> Iterator[nodes.image]:
    """Yield the images in the cells tagged `cover`."""
    for cell in doctree.findall(nodes.container):
        if "tag_cover" in cell.get("classes", []):
            yield from cell.findall(nodes.image)


def place_pictures(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Replace each placeholder by the picture, linked to the chapter that drew it."""
    for placeholder in list(doctree.findall(CoverPlaceholder)):
        chapter = placeholder["chapter"]
        chapter_tree = app.env.get_and_resolve_doctree(chapter, app.builder)
        picture = next(cover_images(chapter_tree), None)
        if picture is None:
            raise ExtensionError(f"{chapter} has no figure in a cell tagged 'cover', which {docname} wants to show")
        figure = nodes.figure(classes=["cover-picture"])
        link = nodes.reference(refuri=app.builder.get_relative_uri(docname, chapter), internal=True)
        link += picture.deepcopy()
        figure += link
        placeholder.replace_self(figure)


def pages_with_pictures(app: Sphinx, env: BuildEnvironment, *changes: set[str]) -> list[str]:
    """Read the landing page again in every build, because its picture may have changed."""
    return [env.config.root_doc] if env.config.root_doc in env.all_docs else []


def connect(app: Sphinx) -> None:
    """Register the directive and the replacement."""
    app.add_node(CoverPlaceholder)
    app.add_directive("cover-picture", CoverPicture)
    app.connect("doctree-resolved", place_pictures)
    app.connect("env-get-outdated", pages_with_pictures)
