"""Collect the built pages of the site in reading order, made ready for paper.

What unfolds, plays or is chosen on a screen is laid open here. Ids become unique in the whole book, links between
pages become links to those ids, and the solutions move out of the chapters, because paper cannot fold them away.
"""

import posixpath
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

import yaml
from bs4 import BeautifulSoup, Tag

from contents import pages_with_captions
from paper import code_colours

HEADINGS = ["h1", "h2", "h3", "h4", "h5", "h6"]
FRONT_TITLE = "About this book"  # the landing page's own heading is the title of the book
SOLUTIONS = "solutions"
# What is of use on a screen only.
SCREEN_ONLY = "a.headerlink, button, script, style, noscript, template, .toctree-wrapper, .paper-editions"
SCREEN_ATTRIBUTES = {"loading", "decoding", "tabindex", "role", "style", "aria-controls"}

# A listing is nine tenths of a page's tags, and nothing in it changes: it is set aside while the page is worked on.
LISTING = re.compile(r"<pre>(.*?)</pre>", re.DOTALL)
ASIDE = re.compile(r'<pre class="(\w+)" id="listing-(\d+)"></pre>')
SHORT = 14  # lines: such a listing is not split over two pages


class PaperError(Exception):
    """Says in one sentence why the book cannot be put on paper."""


@dataclass
class Solution:
    """The model solution of one exercise."""

    identifier: str
    exercise: str  # the id of the exercise's heading
    title: str
    cells: list[Tag] = field(default_factory=list)


@dataclass
class Page:
    """One page of the site."""

    name: str  # as _toc.yml writes it
    part: str | None  # the caption over it in _toc.yml
    title: str
    body: Tag
    sections: list[tuple[str, str]]  # id and title of every section
    solutions: list[Solution]

    @property
    def identifier(self) -> str:
        """The id of the page."""
        return page_id(self.name)


@dataclass
class Book:
    """All pages in reading order."""

    title: str
    site: Path
    pages: list[Page]
    listings: list[str]

    def html(self, tag: Tag) -> str:
        """Return a part of the book as HTML that is also XML."""
        return ASIDE.sub(lambda pre: f'<pre class="{pre[1]}">{self.listings[int(pre[2])]}</pre>', str(tag))

    @property
    def parts(self) -> list[tuple[str | None, list[Page]]]:
        """The pages, grouped under the captions of _toc.yml."""
        groups: list[tuple[str | None, list[Page]]] = []
        for page in self.pages:
            if not groups or groups[-1][0] != page.part:
                groups.append((page.part, []))
            groups[-1][1].append(page)
        return groups


def page_id(name: str) -> str:
    """Return the id of a page; it begins with a letter because ids in an e-book must."""
    return "p-" + name.rpartition("/")[2]


def names_in_order(root: Path) -> list[tuple[str, str | None]]:
    """Return (name, caption of its part) for every page in _toc.yml, the landing page first."""
    root_page = yaml.safe_load((root / "_toc.yml").read_text("utf8"))["root"]
    return [(root_page, None), *pages_with_captions(root)]


def text_of(tag: Tag) -> str:
    """Return the words of a tag with single spaces."""
    return " ".join(tag.get_text().split())


def set_listings_aside(html: str, listings: list[str]) -> str:
    """Replace every listing by an empty one that says where it is kept."""

    def keep(listing: re.Match[str]) -> str:
        listings.append(listing[1].replace("<span></span>", "", 1))
        length = "short" if listing[1].count("\n") <= SHORT else "long"
        return f'<pre class="{length}" id="listing-{len(listings) - 1}"></pre>'

    return LISTING.sub(keep, html)


def lay_open_folded(article: Tag, new: BeautifulSoup) -> None:
    """Turn every <details> into a box that shows what it held, under the words that named it."""
    for details in article.find_all("details"):
        summary = details.find("summary", recursive=False)
        label = summary.select_one(".collapsed") or summary if summary else None
        words = text_of(label).removeprefix("Show ") if label else ""
        if summary:
            summary.extract()
        details.name = "div"
        details["class"] = "unfolded" if "hide" in details.get("class", []) else "hint"
        if words and words != "the code":  # code that stands there needs no line that says so
            title = new.new_tag("p", attrs={"class": "box-title"})
            title.string = words[0].upper() + words[1:] if words.startswith("the ") else words
            details.insert(0, title)


def lay_open_tabs(article: Tag) -> None:
    """Show every tab under its name, one below the other."""
    for tabs in article.select(".sd-tab-set"):
        for switch in tabs.select("input"):
            switch.extract()
        for label in tabs.select("label"):
            label.name, label.attrs = "p", {"class": "box-title"}
            label.string = text_of(label)


def keep_fallbacks(article: Tag, new: BeautifulSoup) -> None:
    """Leave of a figure that plays its still picture and, below it, its caption."""
    for figure in article.select("figure.play"):
        pictures = [tag.extract() for tag in figure.select("img.play-fallback")]
        captions = [tag.extract() for tag in figure.select("figcaption")]
        figure.clear()
        figure.extend(pictures + captions)
        for picture in pictures:
            if picture.get("width"):  # they are drawn with two pixels for one, and letters twice as large as the book's
                picture["width"] = str(int(picture["width"]) // 2)
                del picture["height"]
        for caption in captions:
            note = new.new_tag("span", attrs={"class": "play-note"})
            note.string = " It plays on the book’s site; here it stands still."
            title = caption.select_one(".play-title")
            if title:
                title.name = "strong"
                title.append(".")
                title.insert_after(note)
            else:
                caption.append(note)


def take_solutions(article: Tag, new: BeautifulSoup) -> list[Solution]:
    """Move the solutions out, leaving a link to each at its place; the ids are still those of the page."""
    solutions: dict[str, Solution] = {}
    for cell in article.select("div.cell.tag_solution"):
        heading = cell.find_previous(HEADINGS)
        exercise = heading["id"]
        if exercise not in solutions:
            solutions[exercise] = Solution(f"solution-{exercise}", exercise, text_of(heading))
            link = new.new_tag("a", attrs={"href": f"#solution-{exercise}", "class": "to-solution"})
            link.string = "Solution"
            pointer = new.new_tag("p", attrs={"class": "pointer"})
            pointer.append(link)
            cell.insert_before(pointer)
        title = cell.find("p", class_="box-title")
        if title:
            title.extract()  # "The solution": everything is one at its new place
        solutions[exercise].cells.append(cell.extract())
    return list(solutions.values())


def give_headings_their_ids(article: Tag) -> None:
    """Move the id of a section to its heading: it is the heading that a link and a page number mean."""
    for heading in article.find_all(HEADINGS):
        section = heading.find_parent("section")
        if section and section.get("id") and not heading.get("id"):
            heading["id"] = section["id"]
            del section["id"]
        if not heading.get("id"):
            raise PaperError(f"the heading {text_of(heading)!r} has no id")


def target(name: str, href: str, names: set[str]) -> str | None:
    """Return the id in the book that a link on the page `name` leads to; None where that is not in the book."""
    path, fragment = unquote(urlsplit(href).path), unquote(urlsplit(href).fragment)
    to = posixpath.normpath(posixpath.join(posixpath.dirname(name), path)).removesuffix(".html") if path else name
    if to not in names:
        return None
    return f"{page_id(to)}--{fragment}" if fragment else page_id(to)


def make_links_internal(name: str, tags: list[Tag], names: set[str]) -> None:
    """Prefix the ids in `tags` with the page's, and let the links between pages lead to such ids."""
    for top in tags:
        for tag in [top, *top.find_all(True)]:
            if tag.get("id") and tag.name != "pre":
                tag["id"] = f"{page_id(name)}--{tag['id']}"
            if tag.name == "a" and not tag.get("href"):
                tag.name = "span"  # a place that a link leads to, and no link itself
            elif tag.name == "a" and not urlsplit(tag["href"]).scheme:
                identifier = target(name, tag["href"], names)
                if identifier is None:
                    tag.unwrap()  # to a page of the site that is no page of the book
                else:
                    tag["href"] = f"#{identifier}"


def find_pictures(page: Path, site: Path, tags: list[Tag]) -> None:
    """Let every picture's address begin at the folder of the site; raise PaperError for one that is missing."""
    for picture in [picture for tag in tags for picture in tag.find_all("img")]:
        file = (page.parent / unquote(picture["src"])).resolve()
        if not file.is_file():
            raise PaperError(f"{page.name} shows {picture['src']}, which is not there: build the book again")
        picture["src"] = file.relative_to(site.resolve()).as_posix()


def read_page(site: Path, name: str, part: str | None, names: set[str], listings: list[str]) -> Page:
    """Return one page of the site, made ready for paper."""
    path = site / f"{name}.html"
    if not path.is_file():
        raise PaperError(f"There is no {path}. Build the book first: make book")
    html = path.read_text("utf8")
    article = html[html.index("<article") : html.index("</article>")]
    soup = BeautifulSoup(set_listings_aside(article, listings), "html.parser")
    body = soup.find("section")
    keep_fallbacks(body, soup)
    for tag in body.select(SCREEN_ONLY):
        tag.extract()
    lay_open_tabs(body)
    lay_open_folded(body, soup)
    for tag in body.find_all(True):
        tag.attrs = {name: value for name, value in tag.attrs.items() if name not in SCREEN_ATTRIBUTES}
    give_headings_their_ids(body)
    title = text_of(body.find("h1"))
    solutions = take_solutions(body, soup)
    tags = [body, *(cell for solution in solutions for cell in solution.cells)]
    make_links_internal(name, tags, names)
    body["id"] = page_id(name)
    for solution in solutions:
        solution.identifier = f"{page_id(name)}--{solution.identifier}"
        solution.exercise = f"{page_id(name)}--{solution.exercise}"
    find_pictures(path, site, tags)
    sections = [(heading["id"], text_of(heading)) for heading in body.find_all("h2")]
    return Page(name, part, title, body, sections, solutions)


def check_links(book: Book) -> None:
    """Raise PaperError if a link leads to an id that is nowhere, or two things share an id."""
    tags = [page.body for page in book.pages]
    tags += [cell for page in book.pages for solution in page.solutions for cell in solution.cells]
    ids = [tag["id"] for top in tags for tag in [top, *top.find_all(id=True)] if tag.get("id")]
    ids += [solution.identifier for page in book.pages for solution in page.solutions]
    twice = {identifier for identifier in ids if ids.count(identifier) > 1}
    if twice:
        raise PaperError(f"these ids are given twice: {sorted(twice)}")
    hrefs = {link["href"] for top in tags for link in top.find_all("a", href=True)}
    dead = {href for href in hrefs if href.startswith("#")} - {f"#{identifier}" for identifier in ids}
    if dead:
        raise PaperError(f"these links lead nowhere: {sorted(dead)}")


def collect(root: Path) -> Book:
    """Return the book that is built in `root`/_build/html."""
    site = root / "_build" / "html"
    order = names_in_order(root)
    names = {name for name, _part in order}
    listings: list[str] = []
    sheet = code_colours.styles(root)
    pages = [read_page(site, name, part, names, listings) for name, part in order]
    title = pages[0].title
    pages[0].title = FRONT_TITLE
    pages[0].body.find("h1").string = FRONT_TITLE
    book = Book(title, site, pages, [code_colours.lightened(listing, sheet) for listing in listings])
    check_links(book)
    return book
