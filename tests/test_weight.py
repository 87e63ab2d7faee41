"""Light pages, and a policy that keeps them to themselves."""

import io
import re
from http.cookies import SimpleCookie

import matplotlib.pyplot as plt
import numpy as np
import pytest
import tinycss2
from PIL import Image, ImageChops, ImageStat
from sphinx.errors import ExtensionError

from book_files import pages_in_order
from bookkit.page_fonts import signs_of_formulas
from bookkit.page_scripts import POLICY, moved_out, scripts_of
from bookkit.page_styles import is_used, link_bundle, purged, with_paths_from
from bookkit.page_weight import lighter_code, lighter_picture, looks
from browser_pages import wait_until
from site_build import Page
from weigh_pages import Weight, served, weigh

VERSIONS = {"early.js": "1", "site.js": "2", "noscript.css": "4"}
HEAD = '<html data-content_root="../"><head><meta charset="utf-8" />\n'
PYGMENTS = """
html[data-theme="light"] .highlight .hll { background-color: #eee }
html[data-theme="light"] .highlight { background: #fff; color: #080808 }
html[data-theme="light"] .highlight .n { color: #080808 }
html[data-theme="light"] .highlight .k { color: #6730C5 }
html[data-theme="light"] .highlight .kn { color: #6730C5 }
html[data-theme="dark"] .highlight { background: #222; color: #F8F8F2 }
html[data-theme="dark"] .highlight .n { color: #F8F8F2 }
html[data-theme="dark"] .highlight .k { color: #DCC6E0 }
html[data-theme="dark"] .highlight .kn { color: #DCC6E0 }
"""


@pytest.fixture(scope="module")
def packed_address(site):
    """Where the site is served as a host of static pages does, text compressed."""
    with served(site) as address:
        yield address


@pytest.mark.parametrize("name", ["index", *pages_in_order(), "search"])
def test_a_page_is_light_and_does_not_jump(browser, packed_address, name):
    assert weigh(browser, packed_address, name).complaints == []


def test_a_heavy_page_is_named():
    heavy = Weight("a", 1, 900_001, 26, 120_001, 0.06, has_figure=False)
    assert len(heavy.complaints) == 4
    assert Weight("a", 1, 900_000, 25, 320_000, 0.05, has_figure=True).complaints == []


def test_every_page_carries_the_policy_and_nothing_that_it_forbids(site):
    for path in site.rglob("*.html"):
        page = Page(path)
        assert f'http-equiv="Content-Security-Policy" content="{POLICY}"' in page.html, path.name
        assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>", page.html), f"{path.name} holds a script"
        assert not re.search(r"<[a-z][^>]*\son[a-z]+=\"", page.html), f"{path.name} holds an event handler"
        assert not re.search(r"<[a-z][^>]*\sstyle=\"|<style", page.html), f"{path.name} holds a style"


def test_the_policy_works(visit):
    page = visit("index")
    page.evaluate("""() => {
      window.refused = [];
      document.addEventListener("securitypolicyviolation", (event) => window.refused.push(event.effectiveDirective));
      const script = document.createElement("script");
      script.textContent = "window.ran = true";
      document.body.append(script);
      const image = document.createElement("img");
      image.src = "https://example.org/picture.png";
      document.body.append(image);
      fetch("https://example.org").catch(() => {});
    }""")
    wait_until(page, "window.refused.length >= 3")
    assert set(page.evaluate("window.refused")) == {"script-src-elem", "img-src", "connect-src"}
    assert page.evaluate("window.ran") is None


def test_no_cookie_and_nothing_stored_but_the_theme(visit):
    page = visit("notebooks/01_tensors")
    page.locator("button.theme-switch-button:visible").first.click()
    assert page.context.cookies() == []
    assert SimpleCookie(page.evaluate("document.cookie")) == {}
    assert set(page.evaluate("Object.keys(localStorage)")) <= {"mode", "theme"}
    assert page.evaluate("Object.keys(sessionStorage)") == []


def test_the_site_works_from_a_disk(browser, site):
    page = browser.new_page(color_scheme="dark")
    problems = []
    page.on("console", lambda line: problems.append(line.text) if line.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto((site / "notebooks" / "03_linear_regression_numpy.html").as_uri())
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 18, 18)"
    page.locator("button.copybtn").first.wait_for(state="attached")
    assert problems == []
    page.close()


def test_a_script_that_nobody_knows_stops_the_build():
    with pytest.raises(ExtensionError, match=r"does not know the script new\.js"):
        scripts_of('<script src="../_static/new.js?v=1"></script>', "../", "a page")
    with pytest.raises(ExtensionError, match="does not know this script: track"):
        scripts_of("<script>track()</script>", "../", "a page")
    with pytest.raises(ExtensionError, match=r"does not know the style sheet \.\./_static/new\.css"):
        link_bundle('<link rel="stylesheet" href="../_static/new.css" />', "1")


def test_scripts_leave_the_page_in_order():
    inline = "<script>let toggleHintShow = 'Click to show';</script>"
    own = '<script defer src="../_static/figures/descent.js?v=9"></script>\n'
    html = f'{HEAD}{inline}<script src="../_static/doctools.js"></script>{own}</head>'
    moved = moved_out(html, VERSIONS, "a page")
    assert re.findall(r'src="([^"]+)"', moved) == [
        "../_static/early.js?v=1",
        "../_static/site.js?v=2",
        "../_static/figures/descent.js?v=9",
    ]
    assert moved_out(moved, VERSIONS, "a page") == moved


@pytest.mark.parametrize(
    ("selector", "used"),
    [
        ("pre", True),
        (".here", True),
        (".gone", False),
        (".here .gone", False),
        ("#there > .here:hover", True),
        (".here:not(.gone)", True),
        (':is(.gone, .gone-too:not(.x)) a[href=".gone"]', True),
        (".here-not", False),
    ],
)
def test_a_selector_is_kept_if_it_can_match(selector, used):
    assert is_used(selector, {"here", "there"}) == used


def test_rules_are_purged_also_within_media():
    css = '@media print { .here, .gone { color: red } .gone { x: y } } @media (a) { .gone { x: y } } @import "b.css";'
    rules = tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
    assert purged(rules, {"here"}).split() == ["@media", "print{.here{color:", "red}}"]


def test_addresses_follow_a_sheet_that_moves():
    css = "a { b: url(../fonts/c.woff2) } d { e: url('data:image/png;base64,AA') }"
    moved = with_paths_from("styles/theme.css", css)
    assert 'url("fonts/c.woff2")' in moved
    assert "url('data:image/png;base64,AA')" in moved


def test_code_looks_the_same_with_fewer_tags():
    look = looks(PYGMENTS)
    assert look == {"hll": "hll", "n": "", "k": "k", "kn": "k"}
    code = '<pre><span></span><span class="n">a</span> <span class="k">if</span> <span class="kn">in</span></pre>'
    lighter = lighter_code(code, look)
    assert lighter == '<pre>a <span class="k">if in</span></pre>'
    assert lighter_code(lighter, look) == lighter
    assert lighter_code(code.replace("pre", "p"), look) == code.replace("pre", "p"), "only code is touched"


def test_pictures_are_packed_without_a_visible_difference(site):
    fig, ax = plt.subplots()
    ax.scatter(np.arange(200), np.arange(200) % 17, c=np.arange(200), cmap="viridis", alpha=0.5)
    file = io.BytesIO()
    fig.savefig(file)
    plt.close(fig)
    picture = Image.open(file).convert("RGB")
    packed = lighter_picture(file.getvalue())
    assert len(packed) < 0.7 * len(file.getvalue())
    difference = ImageChops.difference(picture, Image.open(io.BytesIO(packed)).convert("RGB"))
    assert max(ImageStat.Stat(difference).mean) < 2
    assert lighter_picture(packed) == packed
    plots = list((site / "_images").glob("*.png"))
    assert sum(Image.open(plot).mode == "P" for plot in plots) > 0.9 * len(plots)


def test_the_font_of_formulas_has_their_letters():
    page = "<p>z</p><math><mi>h</mi><mi>α</mi><mo>&lt;</mo><annotation>w</annotation></math>"
    assert {"h", "ℎ", "α", "𝛼", "<"} <= signs_of_formulas(page)
    assert not {"z", "w"} & signs_of_formulas(page)
