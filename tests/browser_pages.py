"""A real browser for the tests, and a function that opens pages of the site in it.

Tests that ask for it are skipped where no Chromium is found, unless REQUIRE_BROWSER is set.
"""

import functools
import http.server
import os
import threading
import time
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import sync_playwright

from chromium import QUIET, find
from serve_book import BookHandler

CHROMIUM = find()
SCREENS = {"wide": {"width": 1280, "height": 900}, "narrow": {"width": 390, "height": 844}}
THEMES = ("light", "dark")


@contextmanager
def chromium():
    """Open Chromium, without a window, while the block runs."""
    if CHROMIUM is None:
        raise SystemExit("No Chromium found: install Chromium or Chrome.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


class QuietHandler(BookHandler):
    """Serves a built site and says nothing."""

    below = ""  # the path on the host below which the site lies, such as "/book"

    def log_message(self, *args):
        pass

    def translate_path(self, path):
        inside = path.startswith(f"{self.below}/")
        return super().translate_path(path.removeprefix(self.below) if inside else "/not-below-that-path")


@contextmanager
def served(site, below=""):
    """Serve a built site on localhost while the block runs, at the root of the host or below a path of it."""
    kind = type("Handler", (QuietHandler,), {"below": below})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(kind, directory=site)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}{below}"
        server.shutdown()


@pytest.fixture(scope="module")
def address(site):
    """Where the built site is served."""
    with served(site) as address:
        yield address


@pytest.fixture(scope="module")  # not longer: while it runs, make_paper.py cannot start one of its own in this process
def browser():
    """Chromium, without a window."""
    if CHROMIUM is None and not os.environ.get("REQUIRE_BROWSER"):
        pytest.skip("no Chromium found: install it to test the site in a browser")
    assert CHROMIUM, "REQUIRE_BROWSER is set, but no Chromium is installed"
    with chromium() as browser:
        yield browser


@pytest.fixture
def visit(browser, address):
    """Return a function that opens a page of the site and records what goes wrong in `page.problems`."""
    contexts = []

    def open_page(name, screen="wide", theme="light", **options):
        context = browser.new_context(viewport=SCREENS[screen], color_scheme=theme, **options)
        contexts.append(context)
        page = context.new_page()
        page.problems, page.traffic = [], []
        page.on("console", lambda line: page.problems.append(line.text) if line.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("requestfailed", lambda request: page.problems.append(f"failed: {request.url}"))
        page.on("request", lambda request: page.traffic.append(request.url))
        page.goto(f"{address}/{name}.html")
        return page

    yield open_page
    for context in contexts:
        context.close()


def wait_until(page, condition, seconds=20):
    """Wait until a JavaScript expression is true.

    Playwright's own `wait_for_function` evaluates text inside the page, which the site's policy refuses.
    """
    end = time.monotonic() + seconds
    while not page.evaluate(condition):
        assert time.monotonic() < end, f"after {seconds} s still not true: {condition}"
        page.wait_for_timeout(50)  # milliseconds


def two_frames(page):
    """Wait until the page has drawn two more pictures: what was asked for by then is on the screen."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def remote(urls):
    """Return those of some addresses that lead to another host."""
    return [url for url in urls if urlsplit(url).scheme in ("http", "https") and urlsplit(url).hostname != "127.0.0.1"]
