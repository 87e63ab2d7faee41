"""Promise 4 and the site: nothing leaves the page, every link leads somewhere, every picture speaks."""

import itertools
import os
import re
import sysconfig
from pathlib import Path
from urllib.parse import unquote

import pytest
from sphinx.errors import ExtensionError

from book_files import NOTEBOOKS, ROOT, chapter_paths, code_cells, exercises, notebook_paths, pages_in_order, read
from bookkit.built_pages import rewrite_pages
from bookkit.launch_links import launch_links
from bookkit.local_paths import shorten, shorter_names
from bookkit.mathml import to_mathml
from bookkit.moved_pages import MOVED
from bookkit.not_found import absolute, base_path
from bookkit.offline_guard import FetchedAddresses, remote_addresses
from bookkit.public_address import PublicAddress, address_from
from bookkit.theme_repairs import repaired
from built_site import page_names
from site_build import expected_pages


@pytest.fixture(scope="module")
def chapters(pages):
    """The pages of the chapters and appendices, by name."""
    return {path.stem: pages[f"notebooks/{path.stem}"] for path in notebook_paths()}


def test_the_pages_are_those_of_the_table_of_contents(pages):
    assert set(pages) == expected_pages(pages_in_order(), MOVED.read_text("utf8"))


def test_a_page_that_a_part_leaves_as_it_is_is_not_written(tmp_path):
    for name in ("a", "b/c"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.html").write_text(name, "utf8")
    files = {name: tmp_path / f"{name}.html" for name in page_names(tmp_path)}
    assert list(files) == ["a", "b/c"]
    for file in files.values():
        os.utime(file, (0, 0))
    rewrite_pages(tmp_path, lambda html, file: html.replace("c", file.name))
    assert [file.read_text("utf8") for file in files.values()] == ["a", "b/c.html"]
    assert [file.stat().st_mtime == 0 for file in files.values()] == [True, False]


def test_no_page_loads_anything_from_another_host(site):
    assert list(remote_addresses(site)) == []


def test_nothing_heavy_that_no_page_needs(site, pages):
    names = {path.name for path in site.rglob("*.js")}
    assert not {name for name in names if re.search(r"fontawesome|thebe|mathjax|require", name, re.IGNORECASE)}
    heavy = re.compile(r"fontawesome\.js|thebe|mathjax(?!_ignore)|unpkg|jsdelivr", re.IGNORECASE)
    for page in pages.values():
        assert not heavy.search(page.html), page.path


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ('<img src="https://example.org/a.png">', True),
        ('<img srcset="a.png 1x, //example.org/b.png 2x">', True),
        ('<script src="//example.org/a.js"></script>', True),
        ('<link rel="stylesheet" href="https://example.org/a.css">', True),
        ('<link rel="preload" href="https://example.org/a.js">', True),
        ("<style>@import 'https://example.org/a.css';</style>", True),
        ('<p style="background: url(https://example.org/a.png)">', True),
        ('<iframe src="https://example.org"></iframe>', True),
        ('<a href="https://example.org">a link waits for a click</a>', False),
        ('<link rel="canonical" href="https://example.org/page">', False),
        ('<img src="../_images/a.png"><script src="a.js"></script>', False),
    ],
)
def test_the_guard_sees_what_a_browser_would_fetch(html, found):
    parser = FetchedAddresses()
    parser.feed(html)
    assert bool(parser.found) == found


def test_internal_links_resolve(pages, site):
    broken = []
    for page in pages.values():
        for target in [*page.links, *page.assets]:
            if re.match(r"https?:|mailto:|javascript:|data:", target):
                continue
            path, _, fragment = target.partition("#")
            start = site if path.startswith("/") else page.path.parent  # the page for dead links names the root
            file = (start / unquote(path.partition("?")[0]).lstrip("/")).resolve() if path else page.path
            if file.is_dir():
                file = file / "index.html"
            if not file.is_file():
                broken.append(f"{page.path.name}: {target}")
            elif fragment and file.suffix == ".html":
                name = file.relative_to(site.resolve()).with_suffix("").as_posix()
                if unquote(fragment) not in pages[name].ids:
                    broken.append(f"{page.path.name}: {target} (no such anchor)")
    assert not broken, broken


def test_every_image_has_a_meaningful_alternative_text(pages):
    for page in pages.values():
        for image in page.images:
            alt = image.get("alt", "")
            assert len(alt.split()) >= 5, f"{page.path.name}: alt text {alt!r} of {image.get('src')}"
            assert not re.search(r"\.(png|svg|jpe?g)|_images|[0-9a-f]{16}", alt), f"{page.path.name}: {alt!r}"


def test_pictures_have_a_size_and_wait_until_they_are_near(pages):
    pictures = [image for page in pages.values() for image in page.images]
    assert {Path(image["src"]).suffix for image in pictures} == {".png", ".svg"}
    for image in pictures:
        assert int(image["width"]) > 50
        assert int(image["height"]) > 50
        assert image["loading"] == "lazy"


def test_the_landing_page_shows_a_picture_drawn_by_the_book(pages, site):
    index = pages["index"]
    pictures = [image["src"] for image in index.images]
    assert len(pictures) == 1
    assert (site / pictures[0]).is_file()
    drawn = {(page.path.parent / image["src"]).resolve() for name, page in pages.items() if name != "index"
             for image in page.images}  # fmt: skip
    assert (site / pictures[0]).resolve() in drawn


def test_chapters_are_numbered(chapters):
    for number, path in enumerate(chapter_paths(), start=1):
        assert f'<span class="section-number">{number}. </span>' in chapters[path.stem].article, path.stem


def test_previous_and_next_lead_through_the_book(pages):
    order = ["index", *pages_in_order()]
    for before, after in itertools.pairwise(order):
        follow = re.search(r'<a class="right-next"\s+href="([^"]+)"', pages[before].html)
        assert follow, f"{before} has no next page"
        assert (pages[before].path.parent / follow[1]).resolve() == pages[after].path.resolve()
        assert re.search(r'<a class="left-prev"', pages[after].html), f"{after} has no previous page"


def test_each_notebook_can_be_downloaded(chapters, site):
    for name, page in chapters.items():
        target = f"../_sources/notebooks/{name}.ipynb"
        assert target in page.links
        assert (site / f"_sources/notebooks/{name}.ipynb").read_bytes() == (NOTEBOOKS / f"{name}.ipynb").read_bytes()


def test_exercises_on_the_page(chapters):
    for path in notebook_paths():
        html = chapters[path.stem].article
        found = exercises(read(path))
        opening = r'<details class="[^"]*hide[^"]*">\s*<summary>\s*<p class="collapsed[^"]*">Show the solution'
        folded = re.findall(opening, html)
        assert len(folded) == len(found), f"{path.stem}: {len(folded)} folded solutions, {len(found)} exercises"
        assert html.count('class="cell tag_check') == len(found), "each check is shown"
        checks = re.findall(r'<div class="cell tag_check.*?(?=<div class="cell |<section|<p>)', html, flags=re.DOTALL)
        assert not any("cell_output" in check for check in checks), "what a check says to the stub is not"
        assert html.count('class="cell tag_exercise') == len(found)


def test_each_chapter_says_what_ran_and_when(chapters):
    for name, page in chapters.items():
        note = re.search(r'<p class="execution-note">(.*?)</p>', page.article)
        assert note, name
        assert re.search(r"PyTorch \d+\.\d+\S* on \d{1,2} [A-Z][a-z]+ 20\d\d", note[1]), note[1]


def test_claims_are_not_on_the_page(chapters):
    for path in notebook_paths():
        claims = code_cells(read(path), "claim")
        assert claims
        assert "tag_claim" not in chapters[path.stem].html


def test_every_chapter_was_really_executed(chapters):
    for path in notebook_paths():
        cells = [cell for cell in code_cells(read(path)) if "print(" in cell.source and "def " not in cell.source]
        shown = chapters[path.stem].article.count('class="cell_output')
        assert shown >= len(cells) / 2, f"{path.stem}: {len(cells)} cells print, the page shows {shown} outputs"


def test_formulas_are_there_without_a_script(chapters):
    assert any("<math" in page.article for page in chapters.values())
    for page in chapters.values():
        text = re.sub(r"<pre.*?</pre>|<code.*?</code>|<annotation.*?</annotation>", "", page.article, flags=re.DOTALL)
        assert not re.search(r"\\(frac|sum|hat|partial|mathbf|begin)\b", text), page.path.name


def test_a_picture_without_a_size_stops_the_build(tmp_path):
    (tmp_path / "drawing.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>', "utf8")
    with pytest.raises(ExtensionError, match=r"no width and height in drawing\.svg"):
        repaired('<img src="drawing.svg"/>', tmp_path / "page.html")


def test_a_formula_that_cannot_be_translated_fails_the_build():
    with pytest.raises(ExtensionError, match=r"no MathML for \\unknowncommand"):
        to_mathml(r"\unknowncommand{x}", "inline")


def test_a_product_is_not_taken_for_a_length():
    assert to_mathml("2ex", "inline").count("<mi>") == 2


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://github.com/someone/book.git", ("someone", "book")),
        ("git@github.com:someone/my.book.git", ("someone", "my.book")),
        ("ssh://git@github.com/someone/book", ("someone", "book")),
        ("https://github.com/someone/book/", ("someone", "book")),
        ("/home/someone/book", None),
        ("", None),
        ("https://example.org/someone/book.git", None),
    ],
)
def test_public_address(url, expected):
    address = address_from(url)
    assert (address and (address.owner, address.name)) == expected


def test_launch_links_point_at_the_notebook():
    links = launch_links(PublicAddress("someone", "book", "main"), "notebooks/01_tensors.ipynb")
    in_repository = "someone/book/blob/main/notebooks/01_tensors.ipynb"
    assert links == {
        "Colab": f"https://colab.research.google.com/github/{in_repository}",
        "Kaggle": f"https://kaggle.com/kernels/welcome?src=https://github.com/{in_repository}",
        "Binder": "https://mybinder.org/v2/gh/someone/book/main?urlpath=lab/tree/notebooks/01_tensors.ipynb",
    }


def test_no_page_names_a_path_of_the_machine_that_built_it(pages):
    for page in pages.values():
        for path in (str(ROOT), sysconfig.get_paths()["purelib"], sysconfig.get_paths()["stdlib"]):
            assert path not in page.html, f"{page.path.name} names {path}"


def test_paths_in_tracebacks_are_shortened():
    library = sysconfig.get_paths()["purelib"]
    names = shorter_names(ROOT)
    assert shorten(f"File {library}/torch/_tensor.py:630", names) == "File site-packages/torch/_tensor.py:630"
    assert shorten(f"{ROOT}/notebooks/data", names) == "./data"


def test_nothing_shows_where_it_was_built(pages, site):
    library = sysconfig.get_paths()["purelib"]
    texts = {name: re.sub(r"<[^>]+>", "", page.html) for name, page in pages.items()}  # colours cut a path into pieces
    texts["what the search knows"] = (site / "_static" / "search_index.js").read_text("utf8")
    for name, text in texts.items():
        assert f"{ROOT}/" not in text, name
        assert library not in text, name


def test_the_page_for_dead_links_works_at_any_depth(pages):
    page = pages["404"]
    for target in [*page.links, *page.assets, *re.findall(r'action="([^"]*)"', page.html)]:
        assert re.match(r"/|#|https?:", target), target
    assert {f"/{name}.html" for name in pages_in_order()} <= set(page.links)


@pytest.mark.parametrize(("setting", "path"), [("", "/"), ("/", "/"), ("/book", "/book/"), ("a/b/", "/a/b/")])
def test_the_path_of_the_site_on_its_host(setting, path):
    assert base_path(setting) == path


def test_links_become_absolute():
    changed = absolute('<a href="b/c.html#d"><img src="./e.png"><form action="search.html">', "/book/")
    assert changed == '<a href="/book/b/c.html#d"><img src="/book/e.png"><form action="/book/search.html">'
    unchanged = '<a href="#d"><a href="https://x.org/"><a href="/f">'
    assert absolute(unchanged, "/book/") == unchanged


def test_the_fonts_licence_is_beside_the_font(site):
    static = Path(site) / "_static"
    assert (static / "latin-modern-math-subset.woff2").is_file()
    assert "GUST" in (static / "latin-modern-math-licence.txt").read_text("utf8")
