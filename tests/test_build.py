"""How the site is built: what executes again, what fails the build, what depends on the public address.

A small book with the real configuration stands in for the whole one.
"""

import json
import os
import re
import sqlite3
from datetime import UTC, datetime
from importlib.metadata import version

import pytest

from bookkit.execution_cache import cache_path
from bookkit.execution_note import sentence
from built_site import page_names, served
from site_build import Page, build, executed_notebooks, expected_pages, small_book

CHAPTER = "notebooks/01_short.ipynb"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A small book that has been built once."""
    book = small_book(tmp_path_factory.mktemp("small book"))  # the space in the name is on purpose
    first = build(book, BOOK_REPOSITORY_URL="")
    assert first.returncode == 0, first.stdout + first.stderr
    assert executed_notebooks(first) == ["01_short"]
    return book


def change_cell(book, cell_id, change, **metadata):
    path = book / CHAPTER
    notebook = json.loads(path.read_text("utf8"))
    cell = next(cell for cell in notebook["cells"] if cell["id"] == cell_id)
    cell["source"] = change("".join(cell["source"]))
    cell["metadata"] |= metadata
    path.write_text(json.dumps(notebook), "utf8")


def rebuild(book, **environment):
    finished = build(book, **({"BOOK_REPOSITORY_URL": ""} | environment))
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return executed_notebooks(finished)


def test_no_change_executes_nothing(built):
    assert rebuild(built) == []


def test_a_warm_cache_keeps_the_day_and_the_time_of_the_run(built):
    page = built / "_build/html/notebooks/01_short.html"

    def note():
        return re.search(r'<p class="execution-note">(.*?)</p>', page.read_text("utf8"))[1]

    assert re.search(rf"with PyTorch {re.escape(version('torch'))} on .* that took \d+ seconds?\.$", note())
    database = cache_path(built / "_build", built) / "global.db"
    with sqlite3.connect(database) as cache:
        data = json.dumps({"execution_seconds": 83.4})
        cache.execute("UPDATE nbcache SET created = '2025-02-03 10:00:00.000000', data = ?", [data])
    cache.close()
    change_cell(built, "text", lambda text: text + " Read again.")
    assert rebuild(built) == []
    assert note().endswith("on 3 February 2025 that took 83 seconds.")


def test_a_run_of_which_little_is_known():
    day = datetime(2025, 2, 3, tzinfo=UTC)
    opening = "What the cells print and draw on this page comes from a run"
    assert sentence("2.9.0", day, None) == f"{opening} with PyTorch 2.9.0 on 3 February 2025."
    assert sentence(None, None, 0.2) == f"{opening} that took 1 second."


def test_a_page_that_has_moved_leads_on(tmp_path):
    book = small_book(tmp_path)
    moved = "# a comment\nold/place notebooks/01_short\n"
    (book / "book/moved.txt").write_text(moved, "utf8")
    finished = build(book)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert set(page_names(book / "_build/html")) == expected_pages(["notebooks/01_short"], moved)
    page = Page(book / "_build/html/old/place.html")
    assert page.links == ["../notebooks/01_short.html"]
    assert 'content="0; url=../notebooks/01_short.html"' in page.html
    assert (page.path.parent / page.assets[-1]).resolve().name == "moved.js"
    assert (page.path.parent / page.assets[-1]).is_file()
    (book / "book/moved.txt").write_text("old/place notebooks/nowhere\n", "utf8")
    assert build(book).returncode != 0


def test_a_site_below_a_path_of_its_host(tmp_path, browser):
    """A dead link, deep below the path: the page for it is styled, searches, and leads to the chapters."""
    book = small_book(tmp_path)
    finished = build(book, BOOK_BASE_PATH="/book")
    assert finished.returncode == 0, finished.stdout + finished.stderr
    with served(book / "_build/html", below="/book") as address:
        page = browser.new_page()
        answers, fine = {}, (200, 304)
        page.on("response", lambda response: answers.setdefault(response.url.removeprefix(address), response.status))
        assert page.goto(address.removesuffix("/book") + "/elsewhere").status == 404
        answers.clear()
        page.goto(f"{address}/a/b")
        page.wait_for_load_state("networkidle")
        assert [url for url, status in answers.items() if status not in fine] == ["/a/b"], "only the page itself"
        assert any(url.startswith("/_static/site.css") for url in answers)
        assert page.locator("h1").inner_text() == "Page not found"
        assert page.evaluate("getComputedStyle(document.querySelector('.bd-sidebar-primary')).position") == "sticky"
        links = page.locator("article a, nav a").evaluate_all("links => links.map((a) => a.href.split('#')[0])")
        assert f"{address}/notebooks/01_short.html" in links
        for link in {link for link in links if link.startswith("http://127.0.0.1")} - {f"{address}/a/b"}:
            assert page.request.get(link).status == 200, link
        page.locator("article input[name=q]").fill("sum")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{address}/search.html?q=sum")
        page.locator("#search-results a", has_text="A short chapter").click()
        page.wait_for_url(f"{address}/notebooks/01_short.html*")
        assert [url for url, status in answers.items() if status not in fine] == ["/a/b"]
        page.close()


def test_a_change_of_prose_executes_nothing(built):
    change_cell(built, "text", lambda text: text + " One more sentence.")
    assert rebuild(built) == []
    assert "One more sentence." in (built / "_build/html/notebooks/01_short.html").read_text("utf8")


def test_a_change_of_code_executes_again(built):
    change_cell(built, "sum", lambda code: code + "\nprint('changed')")
    assert rebuild(built) == ["01_short"]


@pytest.mark.parametrize("name", ["constraints.txt", "notebooks/data/numbers.csv.gz", "notebooks/helper.py"])
def test_a_change_of_packages_data_or_helpers_executes_again(built, name):
    path = built / name
    path.write_bytes((path.read_bytes() if path.exists() else b"") + b"\n# changed\n")
    assert rebuild(built) == ["01_short"]
    assert rebuild(built) == []


def test_what_a_notebook_unpacks_executes_nothing(built):
    (built / "notebooks/data/numbers.csv").write_bytes(b"unpacked")
    (built / "notebooks/data/mnist.lock").touch()
    assert rebuild(built) == []


def test_launch_links_only_with_a_public_address(built):
    page = built / "_build/html/notebooks/01_short.html"
    rebuild(built)
    assert "colab" not in page.read_text("utf8").lower()
    change_cell(built, "text", lambda text: text + " And another.")
    rebuild(built, BOOK_REPOSITORY_URL="https://github.com/someone/book")
    html = page.read_text("utf8")
    for address in (
        "https://colab.research.google.com/github/someone/book/blob/main/notebooks/01_short.ipynb",
        "https://kaggle.com/kernels/welcome?src=https://github.com/someone/book/blob/main/notebooks/01_short.ipynb",
        "https://mybinder.org/v2/gh/someone/book/main?urlpath=lab/tree/notebooks/01_short.ipynb",
    ):
        assert f'href="{address}"' in html


def test_a_change_of_the_public_address_reaches_every_page(built):
    """Pages that did not change must not keep the links of another address."""
    rebuild(built, BOOK_REPOSITORY_URL="https://github.com/someone/book")
    rebuild(built, BOOK_REPOSITORY_URL="https://github.com/other/book")
    assert "github/other/book" in (built / "_build/html/notebooks/01_short.html").read_text("utf8")


def test_a_change_of_the_extension_reaches_every_page(built):
    repairs = built / "book/bookkit/theme_repairs.py"
    source = repairs.read_text("utf8")
    repairs.write_text(source.replace('aria-label="Book"', 'aria-label="Another name"'), "utf8")
    assert rebuild(built) == []
    assert 'aria-label="Another name"' in (built / "_build/html/notebooks/01_short.html").read_text("utf8")


def test_a_failing_cell_fails_the_build_every_time(tmp_path):
    book = small_book(tmp_path)
    change_cell(book, "sum", lambda code: code + "\n1 / 0")
    for _ in range(2):
        finished = build(book)
        assert finished.returncode != 0
        assert "ZeroDivisionError" in finished.stdout + finished.stderr


def test_a_remote_image_fails_the_build(tmp_path):
    book = small_book(tmp_path)
    text = '# A small book\n\n<img src="https://example.org/a.png" alt="from elsewhere">\n'
    (book / "index.md").write_text(text, "utf8")
    finished = build(book)
    assert finished.returncode != 0
    assert "would load something from another host" in finished.stdout + finished.stderr


def test_a_broken_link_fails_the_build(tmp_path):
    book = small_book(tmp_path)
    (book / "index.md").write_text("# A small book\n\n[nowhere](notebooks/99_nowhere.ipynb)\n", "utf8")
    assert build(book).returncode != 0


def test_nothing_outside_the_table_of_contents_is_built(tmp_path):
    book = small_book(tmp_path)
    for folder in (".venv/lib", "tests", "tools"):
        (book / folder).mkdir(parents=True)
        (book / folder / "stray.md").write_text("# Stray\n", "utf8")
    assert build(book).returncode == 0
    assert not [name for _, _, names in os.walk(book / "_build/html") for name in names if "stray" in name]


def test_a_message_that_is_not_python_fails_nothing(tmp_path):
    book = small_book(tmp_path)
    code = 'raise ValueError("Two ways:\\n\\t(1) a `safe` one\\n\\t(2) an `unsafe` one")'
    change_cell(book, "sum", lambda _: code, tags=["raises-exception"])
    finished = build(book)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    words = re.sub(r"<[^>]+>", "", Page(book / "_build/html/notebooks/01_short.html").article)
    assert "an `unsafe` one" in words
