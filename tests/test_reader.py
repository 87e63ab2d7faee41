"""What the site does for a reader in a browser: it finds things, keeps ticks, and is all there for a keyboard."""

import gzip
import json
import re
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe

from bookkit.search_index import words_of
from browser_pages import THEMES, wait_until

# What a reader types or pastes, and where the answer is: one of the first three results begins with this.
QUERIES = {
    "mat1 and mat2 shapes cannot be multiplied": "notebooks/a1_error_gallery.html#mat1-and-mat2",
    "mat1 and mat2 shapes cannot be multiplied (64x784 and 100x10)": "notebooks/a1_error_gallery.html#mat1-and-mat2",
    "expected scalar type Long": "notebooks/a1_error_gallery.html#expected-target-dtype",
    "Expected all tensors to be on the same device": "notebooks/a1_error_gallery.html#expected-all-tensors",
    "element 0 of tensors does not require grad": "notebooks/a1_error_gallery.html#does-not-require-grad",
    "CUDA out of memory": "notebooks/a1_error_gallery.html#cuda-out-of-memory",
    "size mismatch": "notebooks/a1_error_gallery.html#error-s-in-loading",
    "weights_only": "notebooks/a1_error_gallery.html#weights-only",
    "zero_grad": "notebooks/04_linear_regression_pytorch.html#the-optimizer",
    "torch.no_grad": "notebooks/02_autograd.html#clear-the-gradients",
    "retain_graph": "notebooks/05_computation_graphs.html#one-graph",
    "state_dict": "notebooks/06_models.html#what-a-model-has-registered",
    "num_workers": "notebooks/07_datasets_and_dataloaders.html#measure-whether-workers",
    "broadcasting": "notebooks/01_tensors.html#broadcasting",
    "nan": "notebooks/03_linear_regression_numpy.html#what-divergence",
    "gradients": "book/glossary.html#term-gradient",
    "add_": "book/glossary.html#term-in-place",
    "张量": "book/glossary.html#term-tensor",
}
TICKS = "notebooks/01_tensors"
KEY = "exercise-ticks"
# What the theme keeps: light or dark.
THEME_KEYS = {"mode", "theme"}
STORAGE = "JSON.stringify(Object.keys(localStorage).sort())"
# The theme reads and writes its own keys unprotected, so only ours is refused.
REFUSE = """for (const name of [%s]) {
  const original = Storage.prototype[name];
  Storage.prototype[name] = function (key, ...rest) {
    if (key === "exercise-ticks") throw new DOMException("refused", "SecurityError");
    return original.call(this, key, ...rest);
  };
}"""
BROKEN_STORAGE = {"full": REFUSE % '"setItem"', "closed": REFUSE % '"getItem", "setItem", "removeItem"'}
# What another version of the book, another page of the same host, or a broken disk may have left.
UNREADABLE = [
    "{",
    "null",
    "7",
    '{"version": 2, "chapters": 5}',
    '{"version": 1}',
    '{"version": 1, "chapters": "01_tensors"}',
    '{"version": 1, "chapters": {"01_tensors": null}}',
    '{"version": 1, "chapters": {"01_tensors": {}}}',
    '{"version": 1, "chapters": {"01_tensors": {"done": 1, "of": 4}}}',
    '{"version": 1, "chapters": {"01_tensors": {"done": ["1"], "of": 4}, "02_autograd": {"done": [1]}}}',
]

# All that Tab should reach, kept in the page as `wanted`; of a group of radio buttons only one is. Says how much it is.
WANTED = """() => {
  const reachable = (e) => e.tabIndex >= 0 && !e.disabled && !e.closest("[inert]")
    && e.checkVisibility({ visibilityProperty: true });
  const all = [...document.querySelectorAll("*")].filter(reachable);
  const groups = new Map();
  for (const e of all.filter((e) => e.type === "radio")) {
    const group = `${e.form?.id} ${e.name}`;
    if (!groups.has(group) || e.checked) groups.set(group, e);
  }
  window.wanted = all.filter((e) => e.type !== "radio" || [...groups.values()].includes(e));
  return window.wanted.length;
}"""
MISSED = "((reached) => wanted.filter((_, i) => !reached.includes(i)).map((e) => e.outerHTML.slice(0, 120)))"
# How the element with the focus looks. An outline or a shadow counts, on it or on the form that holds it; the handle of
# the figure `descent` draws a white ring beside its black edge. `contrast` is that of ring and background.
FOCUS = """() => {
  const now = document.activeElement;
  if (!now || now === document.body) return null;
  const pen = (window.pen ??= Object.assign(document.createElement("canvas"), { width: 1, height: 1 })
    .getContext("2d", { willReadFrequently: true }));
  const light = (colours) => { // relative luminance of colours painted over each other
    for (const colour of colours) (pen.fillStyle = colour), pen.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...pen.getImageData(0, 0, 1, 1).data].map((c) => c / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const form = getComputedStyle(now.closest("form") ?? now);
  // A tab is a label, its input is hidden; the arrow in the contents is a part of a <summary> without a size.
  const shown = now.matches(".sd-tab-set > input") ? now.labels[0] : now.querySelector(".toctree-toggle") ?? now;
  const box = shown.getBoundingClientRect();
  const look = getComputedStyle(shown);
  const outline = look.outlineStyle !== "none" && parseFloat(look.outlineWidth) >= 2 && look.outlineColor;
  const shadows = [look, form].map((style) => style.boxShadow.match(/([a-z]+\\([^()]*\\)) 0px 0px 0px [2-9]/)?.[1]);
  const ring = outline || shadows.find(Boolean);
  const ownRing = now.querySelector(".descent-ring");
  const behind = [];
  for (let e = shown.parentElement; e; e = e.parentElement) behind.unshift(getComputedStyle(e).backgroundColor);
  const lights = [["#fff", ...behind], ["#fff", ...behind, ring || "transparent"]].map(light);
  const [dark, bright] = [Math.min(...lights), Math.max(...lights)];
  let opacity = 1;
  for (let e = shown; e; e = e.parentElement) opacity *= getComputedStyle(e).opacity;
  const inView = box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  const name = now.getAttribute("aria-label") || now.textContent.trim() || now.name || now.type;
  const drawn = ownRing ? getComputedStyle(ownRing).opacity === "1" : ring;
  return { name: `${now.tagName} ${now.getAttribute("class")} ${name.slice(0, 40)}`, tag: now.tagName,
           number: window.wanted.indexOf(now), scrolls: now.scrollWidth > now.clientWidth && now.tabIndex < 0,
           seen: Boolean(drawn) && opacity > 0.5 && inView,
           contrast: ownRing ? 21 : Math.round(10 * (bright + 0.05) / (dark + 0.05)) / 10 };
}"""
LEAST_CONTRAST = 3  # WCAG 2.2, 1.4.11
# One page of each kind, and each page with a figure to play with.
KINDS_OF_PAGE = [
    *("index", "book/setup", TICKS, "notebooks/a3_numpy_phrasebook", "book/glossary", "search", "404"),
    *("notebooks/03_linear_regression_numpy", "notebooks/05_computation_graphs", "notebooks/08_mnist_cnn"),
    "book/draw_a_digit",
]
# The search page puts the focus into its field.
FROM_THE_TOP = "(document.body.tabIndex = -1, document.body.focus(), document.body.removeAttribute('tabindex'))"
# Transitions would show a look that is still on its way.
STILL = "*, *::before, *::after { transition: none !important; scroll-behavior: auto !important }"


def move(page, url):
    """Open another page once this one is complete: what is cut off on the way would count as a problem."""
    page.wait_for_load_state("networkidle")
    return page.goto(url)


def search(page, address, query):
    move(page, f"{address}/search.html?q={quote(query)}")
    page.locator("#search-status:not(:empty)").wait_for()
    return page.locator("#search-results > li > a").evaluate_all("links => links.map(a => a.getAttribute('href'))")


@pytest.mark.parametrize("query", QUERIES)
def test_a_search_leads_to_the_right_section(visit, address, query):
    found = [re.sub(r"\?[^#]*", "", link) for link in search(visit("search"), address, query)[:3]]
    assert any(link.startswith(QUERIES[query]) for link in found), found


def test_a_result_leads_to_its_section_where_the_words_are_marked(visit, address):
    page = visit("search")
    search(page, address, "retain_graph")
    page.wait_for_load_state("networkidle")
    page.locator("#search-results a", has_text="One graph, one backward pass").click()
    page.wait_for_url(re.compile("05_computation_graphs.html#one-graph-one-backward-pass$"))
    page.locator("#one-graph-one-backward-pass .highlighted").first.wait_for()
    top = page.locator("#one-graph-one-backward-pass").evaluate("section => section.getBoundingClientRect().top")
    assert abs(top) < 200
    assert page.problems == []


def test_a_search_without_an_answer_says_so(visit, address):
    page = visit("search")
    assert search(page, address, "<xyzzy>") == []
    assert "Nothing found for “<xyzzy>”" in page.locator("#search-status").inner_text()


@pytest.mark.parametrize("query", ["the", "With the", "of 64"])
def test_a_query_of_nothing_but_common_words_is_answered_kindly(visit, address, query):
    page = visit("search")
    assert search(page, address, query) == []
    said = f"leaves out numbers and the most common words, and “{query}” holds nothing else. Add another word."
    assert said in page.locator("#search-status").inner_text()
    assert page.problems == []


def test_common_words_change_no_answer(visit, address):
    page = visit("search")
    for query in ("expected scalar type Long", "mat1 and mat2 shapes cannot be multiplied", "num_workers"):
        assert search(page, address, f"is the {query} not with it") == search(page, address, query)


def test_a_query_is_split_as_the_index_was(visit, address):
    query = "The optimizer.zero_grad() of 64 images and NaN"
    linked = search(visit("search"), address, query)[0]
    asked = parse_qs(urlsplit(linked).query)["highlight"][0].split()
    assert asked == ["optimizer", "zero_grad", "images", "nan"]
    assert set(asked) <= set(words_of(query)), "search.js and search_index.py differ"


def test_a_plural_finds_the_singular(visit, address):
    page = visit("search")
    for plural, singular in (("subprocesses", "subprocess"), ("Jacobians", "Jacobian")):
        places = [[link.partition("?")[0] for link in search(page, address, word)] for word in (plural, singular)]
        assert places[0] == places[1] != []


def test_results_are_accessible(visit, address):
    page = visit("search")
    search(page, address, "state_dict")
    assert Axe().run(page, options={"preload": False, "resultTypes": ["violations"]}).response["violations"] == []


def test_the_search_works_from_a_disk(visit, site):
    page = visit("search")
    found = search(page, site.resolve().as_uri(), "broadcasting")
    assert any("01_tensors.html" in link for link in found)
    page.locator("#search-results a").first.click()
    page.locator(".highlighted").first.wait_for()
    assert page.problems == []


def test_the_form_of_the_search_works_from_a_disk(visit, site):
    page = visit("search")
    move(page, (site / "notebooks" / "02_autograd.html").resolve().as_uri())
    page.keyboard.press("Control+k")
    page.locator("dialog input[name=q]").fill("broadcasting")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"^file:.*/search\.html\?q=broadcasting"))
    page.locator("#search-results a").first.wait_for()
    page.locator("article input[name=q]").fill("retain_graph")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"^file:.*/search\.html\?q=retain_graph"))
    page.locator("#search-results a", has_text="One graph, one backward pass").wait_for()
    assert page.problems == []


def test_the_search_page_alone_loads_the_index(visit, site):
    chapter = visit(TICKS)
    chapter.wait_for_load_state("networkidle")
    assert not [url for url in chapter.traffic if re.search(r"search_?(index|tools)|/search\.js|language_data", url)]
    index = (site / "_static" / "search_index.js").stat().st_size
    print(f"search_index.js: {index} bytes")
    assert index < 350_000


def test_a_dead_link_leads_on(visit, address):
    page = visit("index")
    response = move(page, f"{address}/a/b/c")
    assert response.status == 404
    assert page.locator("h1").inner_text() == "Page not found"
    assert page.locator(".not-found-contents a", has_text="1. Tensors").is_visible()
    assert not [problem for problem in page.problems if "404" not in problem]
    assert len([problem for problem in page.problems if "404" in problem]) == 1, "the page itself, and nothing it loads"
    page.locator("article input[name=q]").fill("broadcasting")
    page.keyboard.press("Enter")
    page.locator("#search-results a").first.wait_for()


def boxes(page):
    return page.locator(".exercise-tick input")


def tick_with_the_keyboard(page, number):
    boxes(page).nth(number - 1).focus()
    page.keyboard.press("Space")


def test_ticks_are_kept(visit, address):
    page = visit(TICKS)
    count = boxes(page).count()
    assert count >= 3
    assert page.locator(".exercise-progress [role=status]").inner_text() == f"0 of {count} exercises done."
    assert not page.get_by_role("button", name="Erase all ticks").is_visible()
    tick_with_the_keyboard(page, 1)
    tick_with_the_keyboard(page, 3)
    assert page.locator(".exercise-progress [role=status]").inner_text() == f"2 of {count} exercises done."
    page.reload()
    assert [box.is_checked() for box in boxes(page).all()] == [number in (1, 3) for number in range(1, count + 1)]
    assert page.get_by_role("checkbox", name="Exercise 3 done").is_checked()

    move(page, f"{address}/index.html")
    link = page.get_by_role("link", name=f"1. Tensors 2/{count} exercises done")
    assert link.is_visible()
    assert page.locator(".exercise-count").count() == 1

    keys = set(json.loads(page.evaluate(STORAGE)))
    assert KEY in keys
    assert keys <= THEME_KEYS | {KEY}
    stored = json.loads(page.evaluate(f"localStorage.getItem('{KEY}')"))
    assert stored == {"version": 1, "chapters": {"01_tensors": {"done": [1, 3], "of": count}}}
    assert page.context.cookies() == []
    assert page.problems == []


def test_a_tick_can_be_taken_back_and_all_can_be_erased(visit, address):
    page = visit(TICKS)
    tick_with_the_keyboard(page, 1)
    move(page, f"{address}/notebooks/02_autograd.html")
    tick_with_the_keyboard(page, 2)
    tick_with_the_keyboard(page, 2)
    assert page.locator(".exercise-count").all_inner_texts() == [page.locator(".exercise-count").first.inner_text()]
    tick_with_the_keyboard(page, 2)
    assert page.locator(".exercise-count").count() == 2
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.get_by_role("button", name="Erase all ticks").press("Enter")
    assert page.locator(".exercise-count").count() == 2
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Erase all ticks").press("Enter")
    assert page.locator(".exercise-count").count() == 0
    assert not boxes(page).nth(1).is_checked()
    assert KEY not in json.loads(page.evaluate(STORAGE))
    assert page.evaluate("document.activeElement.type") == "checkbox", "the focus is not lost with the button"


@pytest.mark.parametrize("theme", THEMES)
def test_ticks_are_accessible(visit, theme):
    page = visit(TICKS, theme=theme)
    tick_with_the_keyboard(page, 1)
    parts = [[".exercise-progress"], [".exercise-tick"], ["#pst-primary-sidebar"]]
    options = {"preload": False, "resultTypes": ["violations"]}
    assert Axe().run(page, context={"include": parts}, options=options).response["violations"] == []


def test_two_tabs_agree(visit, address):
    first = visit(TICKS)
    second = first.context.new_page()
    second.goto(f"{address}/{TICKS}.html")
    tick_with_the_keyboard(first, 1)
    second.locator(".exercise-tick input:checked").wait_for()
    tick_with_the_keyboard(second, 2)
    wait_until(first, "document.querySelectorAll('.exercise-tick input:checked').length === 2")


@pytest.mark.parametrize("kind", BROKEN_STORAGE)
def test_ticks_without_storage(visit, kind):
    page = visit("index")
    page.context.add_init_script(BROKEN_STORAGE[kind])
    move(page, page.url.replace("index", TICKS))
    tick_with_the_keyboard(page, 1)
    assert boxes(page).first.is_checked()
    assert "1 of" in page.locator(".exercise-progress").inner_text()
    assert "does not keep your ticks" in page.locator(".exercise-progress").inner_text()
    assert page.problems == []


@pytest.mark.parametrize("stored", UNREADABLE)
def test_what_another_version_has_stored_breaks_nothing(visit, stored):
    page = visit("index")
    page.evaluate("([key, value]) => localStorage.setItem(key, value)", [KEY, stored])
    move(page, page.url.replace("index", TICKS))
    assert page.evaluate(f"localStorage.getItem('{KEY}')") == stored, "looking changes nothing"
    tick_with_the_keyboard(page, 1)
    assert "1 of" in page.locator(".exercise-progress").inner_text()
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Erase all ticks").press("Enter")
    assert KEY not in json.loads(page.evaluate(STORAGE))
    assert page.problems == []


def test_no_ticks_without_a_script(visit):
    page = visit(TICKS, java_script_enabled=False)
    assert page.locator(".exercise-tick, .exercise-progress").count() == 0


def test_the_script_on_every_page_is_small(site):
    bundle = (site / "_static" / "site.js").read_bytes()
    assert b"exercise-ticks" in bundle
    packed = len(gzip.compress(bundle))
    print(f"site.js: {packed} bytes packed")
    assert packed < 48_000


def tab_through(page, most):
    """Press Tab until the focus leaves the page; return what had it, one after another."""
    page.evaluate(FROM_THE_TOP)
    stops = []
    for _ in range(most):
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUS)
        if stop is None:
            return stops
        stops.append(stop)
    raise AssertionError(f"after {most} stops the focus is still in the page: {stops[-4:]}")


@pytest.mark.parametrize(("screen", "theme"), [("wide", "light"), ("wide", "dark"), ("narrow", "light")])
@pytest.mark.parametrize("name", KINDS_OF_PAGE)
def test_the_focus_reaches_everything_and_can_be_seen(visit, name, screen, theme):
    page = visit(name, screen, theme, bypass_csp=True)  # for STILL
    page.wait_for_load_state("networkidle")
    page.add_style_tag(content=STILL)
    wanted = page.evaluate(WANTED)
    assert wanted >= 5
    stops = tab_through(page, wanted + 40)
    assert "Skip to main content" in stops[0]["name"]
    # Chromium itself stops at a box that scrolls and holds nothing to stop at.
    own = [stop for stop in stops if not stop["scrolls"]]
    reached = [stop["number"] for stop in own]
    missed = page.evaluate(f"{MISSED}({reached})")
    assert missed == []
    assert [stop["name"] for stop in own if stop["number"] < 0] == []
    assert len(own) == wanted, "the focus came to something twice"
    assert [stop["name"] for stop in stops if not stop["seen"]] == []
    faint = [(stop["name"], stop["contrast"]) for stop in stops if stop["contrast"] < LEAST_CONTRAST]
    assert faint == []


def test_the_skip_link_leads_to_the_text(visit):
    page = visit(TICKS)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.url.endswith("#main-content")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('#main-content').contains(document.activeElement)")


def test_the_side_bar_of_a_phone_opens_and_closes_with_the_keyboard(visit):
    page = visit("index", "narrow")
    page.locator("button.primary-toggle").focus()
    page.keyboard.press("Enter")
    chapter = page.get_by_role("link", name="1. Tensors")
    chapter.wait_for()
    page.keyboard.press("Escape")
    chapter.wait_for(state="hidden")
    page.locator("button.primary-toggle").press("Enter")
    chapter.press("Enter")
    page.wait_for_url("**/01_tensors.html")


def test_the_search_opens_with_the_keyboard(visit):
    page = visit(TICKS)
    page.keyboard.press("Control+k")
    page.locator("dialog input[name=q]").wait_for()
    page.keyboard.type("zero_grad")
    page.keyboard.press("Enter")
    page.locator("#search-results a").first.wait_for()


def test_a_screen_reader_meets_the_formulas(visit):
    """Each formula is in the accessibility tree as mathematics, with its parts."""
    page = visit("notebooks/03_linear_regression_numpy")
    nodes = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    roles = [node["role"]["value"] for node in nodes if not node["ignored"]]
    shown = page.evaluate("[...document.querySelectorAll('math')].filter(m => m.checkVisibility()).length")
    assert shown > 50
    assert roles.count("MathMLMath") == shown
    assert {"MathMLFraction", "MathMLIdentifier", "MathMLOperator", "MathMLNumber"} <= set(roles)
