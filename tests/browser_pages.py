"""A real browser for the tests, and a function that opens pages of the site in it.

Tests that ask for it are skipped where no Chromium is found, unless REQUIRE_BROWSER is set.
"""

import os
import time
from urllib.parse import urlsplit

import pytest

import chromium
from built_site import served
from chromium import SCREENS

THEMES = ("light", "dark")


@pytest.fixture(scope="module")
def address(site):
    """Where the built site is served."""
    with served(site) as address:
        yield address


@pytest.fixture(scope="module")  # not longer: while it runs, make_paper.py cannot start one of its own in this process
def browser():
    """Chromium, without a window."""
    found = chromium.find()
    if found is None and not os.environ.get("REQUIRE_BROWSER"):
        pytest.skip("no Chromium found: install it to test the site in a browser")
    assert found, "REQUIRE_BROWSER is set, but no Chromium is installed"
    with chromium.started() as browser:
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
        page.on("requestfailed", lambda request: page.problems.extend(failure(request)))
        page.on("request", lambda request: page.traffic.append(request.url))
        page.goto(f"{address}/{name}.html")
        return page

    yield open_page
    for context in contexts:
        context.close()


def failure(request):
    """Return what to say of a request that failed.

    The icon is what a browser asks for last. Where a test has left the page by then, that is no fault of the page.
    """
    left = request.failure == "net::ERR_ABORTED" and request.url.endswith("/favicon.svg")
    return [] if left else [f"failed: {request.url}: {request.failure}"]


def wait_until(page, condition, seconds=20):
    """Wait until a JavaScript expression is true.

    Playwright's own `wait_for_function` evaluates text inside the page, which the site's policy refuses.
    """
    end = time.monotonic() + seconds
    while not page.evaluate(condition):
        assert time.monotonic() < end, f"after {seconds} s still not true: {condition}"
        page.wait_for_timeout(50)  # milliseconds


def remote(urls):
    """Return those of some addresses that lead to another host."""
    return [url for url in urls if urlsplit(url).scheme in ("http", "https") and urlsplit(url).hostname != "127.0.0.1"]
