"""The search: an index of sections in place of Sphinx's, which knows pages only.

Sphinx lists the pages that hold a word, all of equal rank, and puts its index of 170 kB on every page. Here a word
leads to a section (or a term of the glossary), weighted by how much the section is about it. Code and what cells print
count as well, so an error message finds the place that explains it. Only the search page loads the index and the
script (`book/static/search.js`), and no request is made after that: the search works from a disk, too.
"""

import json
import math
import re
import textwrap
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.search.en import english_stopwords

from .local_paths import shorten, shorter_names

SCRIPT = Path(__file__).parents[1] / "static" / "search.js"
WORD = re.compile(r"\w+")
LONGEST_WORD = 40  # what is longer is an address or a hash
HEADING_COUNTS = 5  # a word in a heading counts as often as this many in the text
MOST_PLACES = 40  # of a word that is everywhere, only the places that are most about it help anybody
SHORTEST_LEAD = 40  # a paragraph below this many letters ("Goal 1 · routine · 5 minutes") says little about a section
SAME_IN_EVERY_CHAPTER = {"tag_setup", "tag_data"}
FOR_TEACHERS = "book/teaching/"  # found by their headings: who looks for an error wants the chapter that explains it
NOTES_FOR_TEACHERS = "book/teaching/notes_"  # their headings are those of the chapter: they are found by their titles
UNREAD = (nodes.math, nodes.math_block, nodes.comment)  # LaTeX is no word that anybody searches for


@dataclass
class Place:
    """Where a hit leads: a section or a term, with its words."""

    page: str
    anchor: str
    title: str
    lead: str = ""
    words: Counter[str] = field(default_factory=Counter)


def words_of(text: str) -> Iterator[str]:
    """Yield the words of a text, a name like `zero_grad` whole and in its parts; search.js splits a query alike."""
    for word in WORD.findall(text.lower()):
        parts = [part for part in word.split("_") if part]
        for candidate in [word, *parts] if parts != [word] else parts:
            if len(candidate) <= LONGEST_WORD and not candidate.isdigit() and candidate not in english_stopwords:
                yield candidate


def best_output(bundle: nodes.Element) -> list[nodes.Node]:
    """Return what is read of an output that exists in several formats: a picture's alternative text, else the table."""
    by_type = {child.get("mime_type"): child for child in bundle.children}
    for kind, child in by_type.items():
        if kind and kind.startswith("image/"):
            return [child]
    return [by_type[kind] for kind in ("text/html", "text/plain") if kind in by_type][:1]


def unsayable(node: nodes.Node) -> bool:
    """Say whether a node has no plain words to show in a list of results."""
    return isinstance(node, nodes.math | nodes.raw)


def visible_text(html: str) -> str:
    """Return the text of a piece of HTML."""
    return re.sub(r"<(style|script).*?</\1>|<[^>]+>", " ", html, flags=re.DOTALL)


class Reader:
    """Reads a page into places."""

    def __init__(self, page: str, short: dict[str, str]) -> None:
        self.page = page
        self.short = short
        self.places: list[Place] = []

    def count(self, place: Place, text: str, times: int = 1) -> None:
        """Count the words of a text for a place."""
        for word in words_of(shorten(text, self.short)):
            place.words[word] += times

    def open_place(self, node: nodes.Element, heading: nodes.Node) -> Place:
        """Begin a new place; the first of a page is its top, which needs no anchor."""
        place = Place(self.page, node["ids"][0] if self.places else "", heading.astext())
        self.count(place, place.title, HEADING_COUNTS)
        self.places.append(place)
        return place

    def read(self, node: nodes.Node, place: Place | None) -> None:
        """Read a node of the page into the place that it belongs to."""
        attributes = getattr(node, "attributes", {})  # a text has none
        if isinstance(node, UNREAD) or SAME_IN_EVERY_CHAPTER & set(attributes.get("classes", [])):
            return
        if isinstance(node, nodes.section):
            place = self.open_place(node, node.next_node(nodes.title))
        elif isinstance(node, nodes.definition_list_item) and node[0]["ids"]:
            place = self.open_place(node[0], node[0])
        elif place is not None and not self.page.startswith(FOR_TEACHERS):
            self.read_content(node, place)
        several_formats = attributes.get("nb_element") == "mime_bundle"
        for child in best_output(node) if several_formats else node.children:
            self.read(child, place)

    def read_content(self, node: nodes.Node, place: Place) -> None:
        """Count what a node itself holds."""
        if isinstance(node, nodes.raw):
            self.count(place, visible_text(node.astext()) if "html" in node["format"] else "")
        elif isinstance(node, nodes.image):
            self.count(place, node.get("alt", ""))
        elif isinstance(node, nodes.Text) and not isinstance(node.parent, nodes.raw | nodes.title):
            self.count(place, node.astext())
        elif isinstance(node, nodes.paragraph) and not place.lead and not any(node.findall(unsayable)):
            text = node.astext()
            if len(text) >= SHORTEST_LEAD:
                place.lead = textwrap.shorten(shorten(text, self.short), 60, placeholder=" …")


def share(count: int, relative_length: float) -> float:
    """Return how much a place is about a word, between 0 and 1.

    This is the part of BM25 that belongs to word and place: to repeat a word helps ever less, and it helps less in a
    long section. How rare the word is, search.js works out from the length of its list.
    """
    return count / (count + 1.2 * (0.4 + 0.6 * relative_length))


def packed(found: list[tuple[int, float]]) -> list[int]:
    """Return (number of a place, share) as one number each: ten times the step from the last place, plus 1, 2 or 3."""
    best = sorted(sorted(found, key=lambda entry: -entry[1])[:MOST_PLACES])
    steps = zip([0, *(number for number, _ in best)], best, strict=False)
    return [10 * (number - before) + max(1, math.ceil(3 * about)) for before, (number, about) in steps]


def word_index(places: list[Place]) -> dict[str, list[int]]:
    """Return for each word the places that hold it, packed."""
    # Of the pages for teachers only headings are read: such short places would make every other section a long one.
    read = [place.words.total() for place in places if not place.page.startswith(FOR_TEACHERS)]
    average = sum(read) / len(read)
    found: dict[str, list[tuple[int, float]]] = {}
    for number, place in enumerate(places):
        for word, count in place.words.items():
            found.setdefault(word, []).append((number, share(count, place.words.total() / average)))
    return {word: packed(found[word]) for word in sorted(found)}


def common_words(places: list[Place]) -> dict[str, int]:
    """Return in how many places a word stands, for words that stand in more than the index holds."""
    count = Counter(word for place in places for word in place.words)
    return {word: number for word, number in sorted(count.items()) if number > MOST_PLACES}


def page_title(app: Sphinx, page: str) -> str:
    """Return the title of a page with the chapter's number, as the side bar shows it."""
    number = app.env.toc_secnumbers.get(page, {}).get("")
    title = app.env.titles[page].astext()
    return f"{'.'.join(map(str, number))}. {title}" if number else title


def search_index(app: Sphinx) -> dict[str, Any]:
    """Return what search.js needs to know; every page is read again, so the index is never partly old."""
    short = shorter_names(Path(app.srcdir))
    pages = sorted(app.env.all_docs, key=lambda page: (page != app.config.root_doc, page))
    places = []
    for page in pages:
        reader = Reader(page, short)
        reader.read(app.env.get_doctree(page), None)
        places += reader.places[:1] if page.startswith(NOTES_FOR_TEACHERS) else reader.places
    return {
        "pages": [[f"{page}.html", page_title(app, page)] for page in pages],
        "places": [[pages.index(place.page), place.anchor, place.title, place.lead] for place in places],
        "words": word_index(places),
        "common": common_words(places),
        "unsaid": " ".join(sorted(english_stopwords)),  # search.js leaves them out of a query
    }


def write_search(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Write the index; yield the search page, which asks for index and script by their checksums."""
    text = json.dumps(search_index(app), ensure_ascii=False, separators=(",", ":"))
    index = Path(app.outdir) / "_static" / "search_index.js"
    index.parent.mkdir(parents=True, exist_ok=True)
    index.write_text(f'"use strict";\nwindow.searchIndex = {text};\n', "utf8")
    scripts = [f"_static/{file.name}?v={sha256(file.read_bytes()).hexdigest()[:8]}" for file in (index, SCRIPT)]
    yield "search", {"title": "Search", "search_scripts": scripts}, "search.html"


def without_sphinx_search(app: Sphinx) -> None:
    """Tell Sphinx to make no index and no search page of its own."""
    app.builder.search = False


def connect(app: Sphinx) -> None:
    """Replace Sphinx's search."""
    app.connect("builder-inited", without_sphinx_search)
    app.connect("html-collect-pages", write_search)
