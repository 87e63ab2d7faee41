"""Keep book/addresses.txt: every address that somebody may have bookmarked, one `page#anchor` a line.

python tools/list_addresses.py    adds the addresses of the built site that the list lacks; it takes none away
"""

import re
import sys
from pathlib import Path

from built_site import SITE, page_names

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / "book" / "addresses.txt"
NO_ADDRESS = {"404", "genindex", "search"}  # nobody bookmarks a place on these pages
ANCHORS = [
    re.compile(r'<section[^>]* id="([^"]+)">\s*(?:<span id="[^"]*"></span>\s*)*<h[23]>'),
    re.compile(r'<dt id="(term-[^"]+)"'),  # the terms of the glossary
    re.compile(r'<a id="([^"]+)"></a>'),  # what a page sets itself
]
AUTOMATIC = re.compile(r"id\d+")  # the number that Sphinx gives to a second heading of the same words; it may change


def anchors(html: str) -> list[str]:
    """Return the anchors of a page that somebody may link to: those of its headings and terms, and its own."""
    article = html.partition("<article")[2].partition("</article>")[0]
    found = [anchor for pattern in ANCHORS for anchor in pattern.findall(article)]
    return [anchor for anchor in found if not AUTOMATIC.fullmatch(anchor)]


def addresses(site: Path) -> list[str]:
    """Return the addresses of a built site: each page, and each of its anchors."""
    found = []
    for page in page_names(site):
        html = (site / f"{page}.html").read_text("utf8")
        if page not in NO_ADDRESS and "<article" in html:  # a page that only leads to another has none
            found += [page, *(f"{page}#{anchor}" for anchor in anchors(html))]
    return found


def listed() -> list[str]:
    """Return the addresses of the list."""
    return [line for line in LIST.read_text("utf8").splitlines() if line and not line.startswith("# ")]


def main() -> int:
    """Add to the list what it lacks."""
    known = set(listed()) if LIST.exists() else set()
    new = set(addresses(SITE)) - known
    if not (known or new):
        print(f"There is no book in {SITE}. Build it first: make book", file=sys.stderr)
        return 1
    lines = [
        "# Addresses that somebody may have bookmarked. A test fails when one of them disappears.",
        "# `make addresses` adds new ones; take none away.",
        *sorted(known | new),
    ]
    LIST.write_text("\n".join(lines) + "\n", "utf8")
    print(f"{len(new)} new addresses, {len(known | new)} in all")
    return 0


if __name__ == "__main__":
    sys.exit(main())
