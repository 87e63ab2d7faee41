"""Weigh the built site, page by page, in a real browser: `make weigh`.

For each page: what a reader's first view costs (nothing is cached yet), what the same page costs a reader who has seen
another chapter, and by how much its text jumps while it loads: on a wide and on a narrow screen, at its top and at its
exercises and figures, to which a search leads. Bytes as they travel: text compressed with gzip, as
every host of static pages does; for the first view also unpacked.
"""

import gzip
import sys
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page

import chromium
from built_site import SITE, SiteHandler, page_names, served
from chromium import SCREENS

COMPRESSED = {".html", ".css", ".js", ".svg"}  # pictures and fonts are packed already
VISITED = "notebooks/03_linear_regression_numpy"  # the page that a later view follows: it has maths, so it has the font
LATER_BYTES = 120_000
FIGURE_BYTES = 200_000  # on top of a later view, where the page shows a figure to play with
FIRST_BYTES = 900_000
FIRST_REQUESTS = 25
MOST_SHIFT = 0.05
ANCHORS = "[...document.querySelectorAll('section#exercises, figure.play')].map((part) => part.id)"

WATCH_SHIFTS = """
window.shift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""
# transferSize is 0 for what comes from the cache; the icon of the tab is no part of the page
TRAFFIC = """() => performance.getEntries()
  .filter((e) => ["resource", "navigation"].includes(e.entryType) && e.transferSize && !e.name.endsWith("favicon.svg"))
  .map((e) => [e.encodedBodySize, e.decodedBodySize])"""


class CompressingHandler(SiteHandler):
    """Serve files as a host of static pages does: text compressed, everything cached for ten minutes."""

    def do_GET(self) -> None:
        """Send a file, compressed if it is text."""
        path = Path(self.translate_path(self.path))
        if path.suffix not in COMPRESSED or not path.is_file():
            return super().do_GET()
        body = gzip.compress(path.read_bytes(), mtime=0)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        return None

    def end_headers(self) -> None:
        """Allow the browser to keep what it has got."""
        self.send_header("Cache-Control", "max-age=600")
        super().end_headers()


@dataclass
class Weight:
    """What it costs to open a page."""

    name: str
    first_bytes: int  # as they travel
    first_unpacked: int
    first_requests: int
    later_bytes: int
    shifts: dict[str, float]  # cumulative layout shift while the page loads, by view: "narrow #exercises"
    has_figure: bool

    @property
    def shift(self) -> float:
        """The largest shift of all views."""
        return max(self.shifts.values())

    @property
    def later_limit(self) -> int:
        """The bytes that a later view of this page may cost."""
        return LATER_BYTES + (FIGURE_BYTES if self.has_figure else 0)

    @property
    def complaints(self) -> list[str]:
        """What is too heavy about the page."""
        found = []
        if self.first_unpacked > FIRST_BYTES:
            found.append(f"first view {self.first_unpacked:,} bytes")
        if self.first_requests > FIRST_REQUESTS:
            found.append(f"first view {self.first_requests} requests")
        if self.later_bytes > self.later_limit:
            found.append(f"later view {self.later_bytes:,} bytes, allowed {self.later_limit:,}")
        for view, shift in self.shifts.items():
            if shift > MOST_SHIFT:
                found.append(f"layout shift {shift:.3f} ({view})")
        return [f"{self.name}: {complaint}" for complaint in found]


def opened(page: Page, address: str) -> list[tuple[int, int]]:
    """Open a page and return the bytes of all that was fetched, packed and unpacked."""
    page.goto(address)
    page.wait_for_load_state("networkidle")
    return page.evaluate(TRAFFIC)


def shift_at(context: BrowserContext, address: str) -> float:
    """Open an address in a new page and return by how much it jumped; the context watches with WATCH_SHIFTS."""
    page = context.new_page()
    opened(page, address)
    return page.evaluate("window.shift")


def reader_who_returns(browser: Browser, address: str) -> BrowserContext:
    """Return a browser's memory that holds what pages share, and nothing of a page of its own but VISITED's."""
    context = browser.new_context(viewport=SCREENS["wide"])
    opened(context.new_page(), f"{address}/{VISITED}.html")
    return context


def weigh(browser: Browser, returning: BrowserContext, address: str, name: str, with_anchors: bool = True) -> Weight:
    """Open the page `name` of the site at `address`: with an empty cache, and in that of a reader who returns.

    Each page may be opened once in `returning`; VISITED itself is taken as another reader's. `with_anchors` also opens
    the page at its exercises and figures.
    """
    firsts, shifts = {}, {}
    for screen, size in SCREENS.items():
        context = browser.new_context(viewport=size)
        context.add_init_script(WATCH_SHIFTS)
        page = context.new_page()
        firsts[screen] = opened(page, f"{address}/{name}.html")
        shifts[f"{screen} top"] = page.evaluate("window.shift")
        has_figure = page.locator("figure.play").count() > 0
        for anchor in page.evaluate(ANCHORS) if with_anchors else []:
            shifts[f"{screen} #{anchor}"] = shift_at(context, f"{address}/{name}.html#{anchor}")
        context.close()
    first = firsts["wide"]
    if name == VISITED:
        returning = browser.new_context(viewport=SCREENS["wide"])
        opened(returning.new_page(), f"{address}/index.html")
    page = returning.new_page()
    later = opened(page, f"{address}/{name}.html")
    page.close()
    packed, unpacked = (sum(sizes) for sizes in zip(*first, strict=True))
    return Weight(name, packed, unpacked, len(first), sum(size for size, _ in later), shifts, has_figure)


def pages_to_read(site: Path) -> list[str]:
    """Return the names of the pages that are read; those that lead on to a new address (moved_pages.py) are not."""
    return [name for name in page_names(site) if "_static/moved.js" not in (site / f"{name}.html").read_text("utf8")]


def main() -> int:
    """Weigh every page and print a table; return 1 if one is too heavy."""
    chromium.required()  # before the table begins
    if not (SITE / "index.html").is_file():
        print(f"There is no book in {SITE}. Build it first: make book", file=sys.stderr)
        return 1
    print(f"{'page':42} {'first view':>11} {'unpacked':>9} {'requests':>8} {'later':>9} {'shift':>6}")
    complaints = []
    with served(SITE, handler=CompressingHandler) as address, chromium.started() as browser:
        returning = reader_who_returns(browser, address)
        for name in pages_to_read(SITE):
            one = weigh(browser, returning, address, name)
            sizes = f"{one.first_bytes:11,} {one.first_unpacked:9,} {one.first_requests:8} {one.later_bytes:9,}"
            print(f"{name:42} {sizes} {one.shift:6.3f}", flush=True)
            complaints += one.complaints
    print("\n".join(complaints) or "Every page is light enough.")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
