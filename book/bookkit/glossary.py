"""The glossary: the entries of book/glossary.yml as a list of terms, each with an anchor (#term-…) of its own.

The directive `{glossary-entries}` becomes that list. Where a term is taught is an ordinary link to a heading, so the
build fails when the heading is gone.
"""

from pathlib import Path
from typing import TypedDict

import yaml
from docutils import nodes
from myst_parser.mdit_to_docutils.base import default_slugify
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

ENTRIES = Path(__file__).resolve().parents[1] / "glossary.yml"


class Entry(TypedDict):
    """One term: what it means, its Chinese name, and the chapter and heading under which it is taught."""

    term: str
    chinese: str
    meaning: str
    chapter: str
    heading: str


def entries() -> list[Entry]:
    """Return the entries of book/glossary.yml."""
    return yaml.safe_load(ENTRIES.read_text("utf8"))


def explanation(entry: Entry) -> str:
    """Return an entry's meaning and the link to where it is taught, as Markdown."""
    number = int(entry["chapter"].partition("_")[0])
    target = f"../notebooks/{entry['chapter']}.ipynb#{default_slugify(entry['heading'])}"
    return f"{entry['meaning']} [Chapter {number}: {entry['heading']}]({target})"


class GlossaryEntries(SphinxDirective):
    """`{glossary-entries}`: every entry, in the order of the file."""

    def run(self) -> list[nodes.Node]:
        """Return the definition list."""
        self.env.note_dependency(str(ENTRIES))
        terms = nodes.definition_list(classes=["glossary"])
        for entry in entries():
            name = nodes.term(ids=[f"term-{nodes.make_id(entry['term'])}"])
            name += nodes.Text(entry["term"])
            name += nodes.Text(" ")
            # docutils turns the class language-… into the attribute lang: a screen reader changes its voice
            name += nodes.inline("", entry["chinese"], classes=["chinese", "language-zh-Hans"])
            definition = nodes.definition()
            definition += self.parse_text_to_nodes(explanation(entry))
            terms += nodes.definition_list_item("", name, definition)
        return [terms]


def connect(app: Sphinx) -> None:
    """Register the directive."""
    app.add_directive("glossary-entries", GlossaryEntries)
