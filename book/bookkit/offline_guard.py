"""Fail the build when a page would load anything from another host."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

REMOTE = re.compile(r"^\s*(?:https?:)?//", re.IGNORECASE)
REMOTE_IN_STYLE = re.compile(r"""(?:@import\s+|url\(\s*)["']?\s*((?:https?:)?//[^"')\s]+)""", re.IGNORECASE)
# Attributes that make a browser fetch something by itself; <a href> waits for the reader's click.
FETCHING = {"src", "srcset", "poster", "data", "background"}
LINKS_THAT_FETCH_NOTHING = {"canonical", "license", "author", "next", "prev", "index", "search", "alternate"}


class FetchedAddresses(HTMLParser):
    """Collects the remote addresses that a browser would fetch while it shows a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at the attributes of one tag."""
        values = {name: value or "" for name, value in attrs}
        self.in_style = tag == "style"
        for name in FETCHING & values.keys():
            if any(REMOTE.match(part) for part in values[name].split(",")):
                self.found.append(values[name])
        rel = set(values.get("rel", "").split())
        if tag == "link" and not rel & LINKS_THAT_FETCH_NOTHING and REMOTE.match(values.get("href", "")):
            self.found.append(values["href"])
        self.found += REMOTE_IN_STYLE.findall(values.get("style", ""))

    def handle_data(self, data: str) -> None:
        """Look at the text of a <style> element."""
        if self.in_style:
            self.found += REMOTE_IN_STYLE.findall(data)
            self.in_style = False


def remote_addresses(site: Path) -> Iterator[tuple[Path, str]]:
    """Yield (file, address) for everything that a page or style sheet under `site` fetches from elsewhere."""
    for page in sorted(site.rglob("*.html")):
        parser = FetchedAddresses()
        parser.feed(page.read_text("utf8"))
        yield from ((page, address) for address in parser.found)
    for sheet in sorted(site.rglob("*.css")):
        yield from ((sheet, address) for address in REMOTE_IN_STYLE.findall(sheet.read_text("utf8")))


def refuse_remote_addresses(app: Sphinx, exception: Exception | None) -> None:
    """Raise ExtensionError with the list of remote addresses, if there is one."""
    if exception is not None or app.builder.format != "html":
        return
    found = [f"  {path.relative_to(app.outdir)}: {address}" for path, address in remote_addresses(Path(app.outdir))]
    if found:
        raise ExtensionError("these pages would load something from another host:\n" + "\n".join(found))


def connect(app: Sphinx) -> None:
    """Look at the site once everything else has been written."""
    app.connect("build-finished", refuse_remote_addresses, priority=900)
