"""What all interactive figures have in common. What each of them does is tested beside it, in book/figures/."""

import re
from types import SimpleNamespace

import pytest
from bs4 import BeautifulSoup
from docutils import nodes
from docutils.utils import new_document
from PIL import Image
from sphinx.errors import ExtensionError

import chromium
from book_files import ROOT
from bookkit.interactive_figures import FIGURES, KEY, figure_html, figure_script, place_figures
from figure_data import export_module, read_data
from weigh_pages import FIGURE_BYTES

NAMES = sorted(path.parent.name for path in FIGURES.glob("*/figure.html"))
PICTURE_BYTES = 40_000


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_stands_on_one_page_and_loads_its_parts_there_alone(pages, name):
    shown = [page for page in pages.values() if f'data-figure="{name}"' in page.html]
    assert len(shown) == 1, f"figure {name} stands on {[page.path.name for page in shown]}"
    for page in pages.values():
        for suffix in ("js", "css"):
            asks = any(f"_static/figures/{name}.{suffix}" in asset for asset in page.assets)
            assert asks == (page is shown[0]), f"{page.path.name}: {name}.{suffix}"


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_is_complete_and_light(site, name):
    folder = FIGURES / name
    assert (folder / f"test_{name}.py").is_file()
    assert (folder / "export_data.py").is_file()
    assert read_data(name)
    parts = [site / "_static" / "figures" / f"{name}.{suffix}" for suffix in ("js", "css", "png")]
    assert sum(part.stat().st_size for part in parts) <= FIGURE_BYTES
    assert parts[-1].stat().st_size <= PICTURE_BYTES
    assert Image.open(parts[-1]).width >= 500


@pytest.mark.parametrize("name", NAMES)
def test_without_its_script_a_figure_shows_a_picture_and_no_dead_control(name):
    html = figure_html(name, "notebooks/a")
    assert not re.search(r"\s(style|on[a-z]+)=", html), "the policy of the site refuses it"
    assert f'src="../_static/figures/{name}.png"' in html
    assert re.search(r'<figcaption>\s*<span class="play-title">\S', html)
    for part in BeautifulSoup(html, "html.parser").select("button, input, select, .play-stage, .play-readout"):
        live = part.find_parent(attrs={"data-live": True}) or part
        assert live.has_attr("data-live"), f"{part.name} {part.get('class')} is dead without a script"
        assert live.has_attr("hidden"), f"{part.name} {part.get('class')} is seen without a script"


def placed(text):
    """Return the HTML of a page that holds one block of HTML."""
    env = SimpleNamespace(docname="a", metadata={"a": {}}, note_dependency=lambda _path: None)
    doctree = new_document("a")
    doctree += nodes.raw("", text, format="html")
    place_figures(SimpleNamespace(env=env), doctree)
    return [raw.astext() for raw in doctree.findall(nodes.raw)], env.metadata["a"][KEY]


def test_two_figures_may_stand_in_one_block():
    html, names = placed("<!-- figure: graph -->\n<!-- figure: descent -->")
    assert names == ["graph", "descent"]
    assert ['data-figure="graph"' in html[0], 'data-figure="descent"' in html[1]] == [True, True]
    assert placed("<p>none</p>") == (["<p>none</p>"], [])


def test_a_marker_is_alone_and_a_figure_stands_once_on_a_page():
    with pytest.raises(ExtensionError, match="leave an empty line"):
        placed("<!-- figure: graph -->\n<p>This would be lost.</p>")
    with pytest.raises(ExtensionError, match="a shows the figure 'graph' twice"):
        placed("<!-- figure: graph -->\n<!-- figure: graph -->")


def test_two_figures_come_alive_on_one_page(visit, address):
    page = visit("notebooks/03_linear_regression_numpy")
    page.locator("figure.play-running").wait_for()
    page.evaluate("html => document.querySelector('figure.play').insertAdjacentHTML('afterend', html)",
                  figure_html("graph", "notebooks/a"))  # fmt: skip
    page.add_script_tag(url=f"{address}/_static/figures/graph.js")
    page.locator("figure.play-running[data-figure=graph]").wait_for()
    assert page.problems == []


@pytest.mark.parametrize("name", NAMES)
def test_a_figures_script_keeps_its_names_to_itself(name):
    script = figure_script(name)
    assert script.startswith("(() => {\n")
    assert script.endswith("})();\n")


def test_a_figure_whose_script_throws_shows_the_picture_and_no_gap(visit, address):
    page = visit("404")
    page.route("**/figures/convolution.js*", lambda route: route.fulfill(
        body=figure_script("convolution").replace("figureData.convolution =", "figureData.other ="),
        content_type="text/javascript"))  # fmt: skip
    page.goto(f"{address}/notebooks/08_mnist_cnn.html")
    page.locator("figure.play-failed").wait_for()
    assert page.locator(".play-fallback").is_visible()
    assert page.locator("figure.play").bounding_box()["height"] < 600
    without = visit("notebooks/08_mnist_cnn", java_script_enabled=False)
    assert without.locator(".play-fallback").is_visible()
    assert without.locator("figure.play").bounding_box()["height"] < 600, "room for what will never come"


def test_pictures_are_not_taken_without_a_page_or_a_browser(monkeypatch, tmp_path):
    take_picture = export_module("draw_a_digit").take_picture
    with pytest.raises(SystemExit, match=r"There is no page .*draw_a_digit\.html .* Build the book first: make book"):
        take_picture(tmp_path)
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "draw_a_digit.html").touch()
    monkeypatch.setattr(chromium, "find", lambda: None)
    with pytest.raises(SystemExit, match=r"^No Chromium found: install Chromium or Chrome\.$"):
        take_picture(tmp_path)


def test_the_book_is_built_before_its_figures_are_exported():
    makefile = (ROOT / "Makefile").read_text("utf8")
    assert re.search(r"^figures: book\b", makefile, re.MULTILINE)


def test_a_figure_that_is_not_there_stops_the_build():
    with pytest.raises(ExtensionError, match="there is no figure 'nothing'"):
        figure_html("nothing", "notebooks/a")
