"""Light pages, and a policy that keeps them to themselves."""

import base64
import hashlib
import io
import re
import time
from http.cookies import SimpleCookie
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
import tinycss2
from PIL import Image
from sphinx.errors import ExtensionError

from book_files import pages_in_order
from bookkit import moved_pages
from bookkit.moved_pages import PAGE
from bookkit.page_fonts import signs_of_formulas
from bookkit.page_scripts import EARLY, POLICY, SCRIPTS, moved_out, scripts_of, write_scripts
from bookkit.page_styles import is_used, link_bundle, purged, with_paths_from
from bookkit.page_weight import MOST_DIFFERENCE, difference, lighter_code, lighter_picture, looks
from browser_pages import wait_until
from built_site import served
from chromium import SCREENS
from weigh_pages import (
    MOST_SHIFT,
    WATCH_SHIFTS,
    CompressingHandler,
    Weight,
    pages_to_read,
    reader_who_returns,
    shift_at,
    weigh,
)

VERSIONS = {"site.js": "2", "noscript.css": "4"}
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
    with served(site, handler=CompressingHandler) as address:
        yield address


@pytest.fixture(scope="module")
def returning(browser, packed_address):
    context = reader_who_returns(browser, packed_address)
    yield context
    context.close()


@pytest.mark.parametrize("name", ["index", *pages_in_order(), "search"])
def test_a_page_is_light_and_does_not_jump(browser, returning, packed_address, name):
    """At its top; `make weigh` opens every page at its exercises as well, the next test some of them."""
    assert weigh(browser, returning, packed_address, name, with_anchors=False).complaints == []


def test_a_heavy_page_is_named():
    heavy = Weight("a", 1, 900_001, 26, 120_001, {"wide top": 0.06, "narrow #exercises": 0.07}, has_figure=False)
    assert len(heavy.complaints) == 5
    assert "a: layout shift 0.070 (narrow #exercises)" in heavy.complaints
    assert Weight("a", 1, 900_000, 25, 320_000, {"wide top": 0.05}, has_figure=True).complaints == []
    figure = Weight("a", 1, 900_001, 25, 320_000, {"wide top": 0.05}, has_figure=True)
    assert figure.complaints == ["a: first view 900,001 bytes"], "a figure has no allowance in the first view"


JUMPING = {  # what stands above a place decides whether it jumps: the figures, and the note on progress
    "notebooks/01_tensors": ["#exercises"],
    "notebooks/03_linear_regression_numpy": ["#exercises", "#figure-descent"],
    "notebooks/05_computation_graphs": ["#exercises", "#figure-graph"],
    "notebooks/08_mnist_cnn": ["#exercises", "#figure-convolution"],
    "book/draw_a_digit": ["#figure-draw_a_digit"],
}


@pytest.mark.parametrize("name", JUMPING)
def test_a_page_does_not_jump_where_a_search_leads_to(browser, returning, packed_address, name):
    one = weigh(browser, returning, packed_address, name)
    assert set(one.shifts) == {f"{screen} {at}" for screen in ("wide", "narrow") for at in ["top", *JUMPING[name]]}
    assert [complaint for complaint in one.complaints if "shift" in complaint] == []


class LateParts(CompressingHandler):
    """A figure's style and the pictures come late, as over a slow line: nothing may move when they are there."""

    def do_GET(self):
        if "/_images/" in self.path or ("/figures/" in self.path and ".css" in self.path):
            time.sleep(0.5)
        super().do_GET()


@pytest.mark.parametrize("name", JUMPING)
def test_a_page_does_not_jump_where_its_parts_come_late(browser, site, name):
    """Pictures and the style of a figure are late.

    Formulas above the place jump one time in two if their font comes after the style, hence three times.
    """
    shifts = []
    with served(site, handler=LateParts) as address:
        for at in JUMPING[name] * 3:
            context = browser.new_context(viewport=SCREENS["narrow"])
            context.add_init_script(WATCH_SHIFTS)
            shifts.append(shift_at(context, f"{address}/{name}.html{at}"))
            context.close()
    assert max(shifts) <= MOST_SHIFT, shifts


HEIGHTS = "[...document.querySelectorAll('article img')].map((image) => image.getBoundingClientRect().height)"
LOAD_ALL = """Promise.all([...document.querySelectorAll("article img")].map((image) => {
  image.loading = "eager";
  return image.decode();
}))"""


def held_back(page, pattern):
    """Let a page ask for files and get no answer; return the list of those that it has asked for."""
    asked = []
    page.route(re.compile(pattern), lambda route: asked.append(route))
    return asked


@pytest.mark.parametrize("screen", SCREENS)
def test_a_picture_has_its_height_before_it_has_come(browser, address, pages, screen):
    """On one page the pictures never come, on another of the same size all have come: the heights are the same."""
    held = 0
    with_pictures = [name for name, page in pages.items() if page.images]
    assert {"index", "notebooks/05_computation_graphs"} <= set(with_pictures)
    for name in with_pictures:
        before, after = (browser.new_page(viewport=SCREENS[screen]) for _ in range(2))
        asked = held_back(before, r"\.(png|svg)\b")
        before.goto(f"{address}/{name}.html", wait_until="domcontentloaded")
        after.goto(f"{address}/{name}.html")
        after.evaluate(LOAD_ALL)
        # A drawing's size is a fraction of a pixel, what a page states is a whole number: hence not exactly.
        assert before.evaluate(HEIGHTS) == pytest.approx(after.evaluate(HEIGHTS), abs=2), name
        held += len(asked)  # those far below are not asked for
        for route in asked:
            route.abort()
        before.close()
        after.close()
    assert held


def test_a_page_asks_early_for_the_font_of_its_formulas_and_no_other_page_does(visit):
    for name, preloads in {"notebooks/03_linear_regression_numpy": 1, "index": 0}.items():
        page = visit(name)
        links = page.locator("link[rel=preload]").evaluate_all("(links) => links.map((link) => link.href)")
        assert len(links) == preloads, name
        fetched = page.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
        fonts = [address for address in fetched if "maths.woff2" in address]
        assert fonts == links, f"{name}: the font that is used is another one than the font that was asked for early"


def test_every_page_carries_the_policy_and_nothing_that_it_forbids(pages):
    for name, page in pages.items():
        assert f'http-equiv="Content-Security-Policy" content="{POLICY}"' in page.html, name
        inside = re.findall(r"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", page.html, re.DOTALL)
        hashes = [base64.b64encode(hashlib.sha256(code.encode()).digest()).decode() for code in inside]
        assert len(hashes) <= 1, f"{name} holds scripts"
        assert all(f"'sha256-{code}'" in POLICY for code in hashes), f"{name} holds a script"
        assert not re.search(r"<[a-z][^>]*\son[a-z]+=\"", page.html), f"{name} holds an event handler"
        assert not re.search(r"<[a-z][^>]*\sstyle=\"|<style", page.html), f"{name} holds a style"


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


def test_the_policy_allows_files_where_the_site_is_opened_from_a_disk():
    """To Firefox a file is no part of 'self'. No Firefox runs here: this looks at the words."""
    rules = {rule.split()[0]: rule.split()[1:] for rule in POLICY.split(";")}
    for name in ("default-src", "script-src", "img-src", "form-action"):
        assert {"'self'", "file:"} <= set(rules[name]), name
    assert not {"*", "'unsafe-inline'", "'unsafe-eval'", "http:", "https:"} & {
        word for rule in rules.values() for word in rule
    }


@pytest.mark.parametrize("name", ["index", "notebooks/08_mnist_cnn", "search", "404"])
def test_a_page_is_read_before_any_script_has_come(browser, address, name):
    """Every script is asked for and never answered."""
    page = browser.new_page(color_scheme="dark")
    asked = held_back(page, r"\.js\b")
    page.goto(f"{address}/{name}.html", wait_until="commit")
    page.locator("article h1").first.wait_for(state="visible", timeout=3000)
    page.locator("article :is(p, input)").first.wait_for(state="visible", timeout=3000)
    painted = "performance.getEntriesByName('first-contentful-paint').length"
    wait_until(page, painted, seconds=3)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 18, 18)"
    assert asked
    page.close()


def test_a_page_that_has_moved_is_read_before_its_script_has_come():
    assert '<script defer src="{static}/moved.js">' in PAGE


REFUSE_STORAGE = {
    "cookies blocked": """for (const name of ["localStorage", "sessionStorage"])
      Object.defineProperty(window, name, { get() { throw new DOMException("refused", "SecurityError"); } });""",
    "every call": """for (const name of ["getItem", "setItem", "removeItem", "key", "clear"])
      Storage.prototype[name] = () => { throw new DOMException("refused", "SecurityError"); };""",
}


@pytest.mark.parametrize("way", REFUSE_STORAGE)
def test_all_works_where_the_browser_stores_nothing(visit, address, way):
    page = visit("404")
    page.context.add_init_script(REFUSE_STORAGE[way])
    page.goto(f"{address}/notebooks/01_tensors.html")
    page.locator("button.copybtn").first.wait_for(state="attached")
    box = page.locator(".exercise-tick input").first
    box.check()
    assert "1 of" in page.locator(".exercise-progress").inner_text()
    assert "does not keep your ticks" in page.locator(".exercise-progress").inner_text()
    themes = set()
    for _ in range(3):
        themes.add(page.locator("html").get_attribute("data-theme"))
        page.locator("button.theme-switch-button:visible").first.click()
    assert themes == {"light", "dark"}
    page.goto(f"{address}/search.html?q=broadcasting")
    page.locator("#search-results li a").first.wait_for()
    assert [problem for problem in page.problems if "favicon" not in problem] == []  # one was given up on the way


def test_no_cookie_and_nothing_stored_but_the_theme(visit, address):
    page = visit("notebooks/01_tensors")
    page.locator("button.theme-switch-button:visible").first.click()
    page.goto(f"{address}/notebooks/13_scaling_out.html")  # the theme would write when a page is left
    page.goto(f"{address}/notebooks/01_tensors.html")
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
    with pytest.raises(ExtensionError, match="does not know this script: DOC"):
        scripts_of("<script>DOCUMENTATION_OPTIONS.pagename = 'a'; track();</script>", "../", "a page")
    with pytest.raises(ExtensionError, match=r"does not know the style sheet \.\./_static/new\.css"):
        link_bundle('<link rel="stylesheet" href="../_static/new.css" />', "1")


@pytest.mark.parametrize(
    "html",
    [
        "<html><head><meta charset='utf-8' /></head>",
        '<html data-content_root=""><head><meta charset="latin-1" /></head>',
        '<html data-content_root=""><head><meta charset="utf-8" />',
    ],
)
def test_a_page_that_would_get_no_policy_or_no_script_stops_the_build(html):
    with pytest.raises(ExtensionError, match=r"^a page: page_scripts\.py (finds no place|does not find)"):
        moved_out(html, VERSIONS, "a page")


def test_a_theme_that_keeps_the_side_bars_place_elsewhere_stops_the_build(tmp_path):
    theme = 'a;window.addEventListener("beforeunload",()=>{sessionStorage.setItem("sidebar-scroll-top",e.scrollTop)})'
    for name in SCRIPTS:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("b", "utf8")
    with pytest.raises(ExtensionError, match="finds 0 places"):
        write_scripts(tmp_path)
    (tmp_path / "scripts" / "pydata-sphinx-theme.js").write_text(theme, "utf8")
    write_scripts(tmp_path)
    assert "scroll-top" not in (tmp_path / "site.js").read_text("utf8")


def test_scripts_leave_the_page_in_order():
    inline = "<script>let toggleHintShow = 'Click to show';</script>"
    own = '<script defer src="../_static/figures/descent.js?v=9"></script>\n'
    html = f'{HEAD}{inline}<script src="../_static/doctools.js"></script>{own}</head>'
    moved = moved_out(html, VERSIONS, "a page")
    assert re.findall(r'src="([^"]+)"', moved) == [
        "../_static/site.js?v=2",
        "../_static/figures/descent.js?v=9",
    ]
    assert moved.index(POLICY) < moved.index(f"<script>{EARLY}</script>") < moved.index("site.js")
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
    assert difference(picture, Image.open(io.BytesIO(packed)).convert("RGB")) < MOST_DIFFERENCE
    assert lighter_picture(packed) == packed
    plots = list((site / "_images").glob("*.png"))
    assert sum(Image.open(plot).mode == "P" for plot in plots) > 0.8 * len(plots)


def noise(height, width):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3))


def gradient(height, width):
    down, across = np.mgrid[0:height, 0:width]
    return np.stack([across * 255 / width, down * 255 / height, np.full((height, width), 90)], axis=-1) / 255


@pytest.mark.parametrize(
    "pixels", [noise(200, 300), noise(20, 20), gradient(200, 300)], ids=["noise", "spot", "gradient"]
)
def test_a_picture_of_many_colours_stays_as_it_is(pixels):
    fig, ax = plt.subplots()
    ax.imshow(pixels, extent=(0, 3, 0, 2) if len(pixels) > 20 else (0, 0.3, 0, 0.3))
    ax.set(xlim=(0, 3), ylim=(0, 2))
    file = io.BytesIO()
    fig.savefig(file)
    plt.close(fig)
    assert lighter_picture(file.getvalue()) == file.getvalue()


def test_a_difference_in_one_corner_is_seen():
    white, changed = Image.new("RGB", (50, 50), "white"), Image.new("RGB", (50, 50), "white")
    assert difference(white, changed) == 0
    changed.paste((255, 155, 255), (34, 34, 50, 50))
    assert difference(white, changed) > MOST_DIFFERENCE


def test_the_font_of_formulas_has_their_letters():
    page = "<p>z</p><math><mi>h</mi><mi>α</mi><mo>&lt;</mo><annotation>w</annotation></math>"
    assert {"h", "ℎ", "α", "𝛼", "<"} <= signs_of_formulas(page)
    assert not {"z", "w"} & signs_of_formulas(page)


def test_a_page_that_leads_on_is_not_weighed(tmp_path, monkeypatch):
    (tmp_path / "new.html").write_text("<h1>New</h1>", "utf8")
    monkeypatch.setattr(moved_pages, "MOVED", tmp_path / "moved.txt")
    moved_pages.MOVED.write_text("old/page new\n", "utf8")
    app = SimpleNamespace(
        builder=SimpleNamespace(format="html"), env=SimpleNamespace(all_docs={"new": 0}), outdir=tmp_path
    )
    moved_pages.write_pages(app, None)
    assert (tmp_path / "old/page.html").is_file()
    assert pages_to_read(tmp_path) == ["new"]
