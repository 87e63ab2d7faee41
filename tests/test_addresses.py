"""No bookmark breaks: every address that the book has ever had leads somewhere."""

import re

import pytest

from bookkit.moved_pages import MOVED, moved_pages
from list_addresses import addresses, anchors, listed

REPAIR = (
    'Somebody may have bookmarked it. A heading has changed: put <a id="{anchor}"></a> above the new one. '
    "A page has moved: add a line to book/moved.txt."
)


def now_at(address, moved):
    """Return where an address leads, (page, anchor), once a moved page has led on."""
    page, _, anchor = address.partition("#")
    return moved.get(page, page), anchor


def lost(known, ids, moved):
    """Return those known addresses that lead nowhere; `ids` holds the anchors of each page."""
    leads = {address: now_at(address, moved) for address in known}
    return [a for a, (page, anchor) in leads.items() if page not in ids or (anchor and anchor not in ids[page])]


@pytest.fixture(scope="module")
def ids(pages):
    """The anchors of each page."""
    return {name: page.ids for name, page in pages.items()}


def test_every_known_address_leads_somewhere(ids):
    gone = lost(listed(), ids, moved_pages(MOVED.read_text("utf8")))
    assert not gone, "\n".join(f"{a} is gone. {REPAIR.format(anchor=a.partition('#')[2])}" for a in gone)


def test_every_address_is_known(site):
    missing = set(addresses(site)) - set(listed())
    assert not missing, f"run `make addresses`; book/addresses.txt lacks {sorted(missing)[:5]} and perhaps more"


def test_no_heading_has_an_automatic_number_alone(pages):
    """Of two headings of the same words the second gets a number, which another heading may have tomorrow."""
    heading = re.compile(r'<section[^>]* id="id\d+">\s*(?:<span id="[^"]*"></span>\s*)*<h[23]>(.*?)<')
    own_anchor = re.compile(r'<a id="[^"]+"></a>(?:\s*</(?:p|section)>)*\s*$')
    found = []
    for page in pages.values():
        for match in heading.finditer(page.html):
            if not own_anchor.search(page.html, match.start() - 200, match.start()):
                found.append(f'{page.path.stem}: put <a id="…"></a> above the heading {match[1]!r}')
    assert not found, found
    assert not [address for address in listed() if re.search(r"#id\d+$", address)]


def test_the_list_covers_every_page_and_its_headings():
    known = listed()
    assert len(known) == len(set(known))
    assert "notebooks/01_tensors#exercises" in known
    assert "notebooks/a1_error_gallery" in known
    assert "book/glossary#term-tensor" in known


def test_what_counts_as_an_address():
    html = (
        '<h2 id="no">Contents</h2><article><section id="a"><h1>A</h1><section class="x" id="b">\n<h2>B</h2>'
        '<section id="c">\n<span id="c2"></span><h3>C</h3><a id="kept"></a></section>'
        '<section id="id7"><h2>B</h2></section></section></section></article>'
    )
    assert anchors(html) == ["b", "c", "kept"]


def test_what_is_lost():
    ids = {"new": {"kept"}, "page": {"here"}}
    known = ["page", "page#here", "page#gone", "old", "old#kept", "old#lost", "vanished"]
    assert lost(known, ids, {"old": "new"}) == ["page#gone", "old#lost", "vanished"]
