"""The site in a real browser: wide and narrow, light and dark, with a keyboard, and for a screen reader."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from book_files import chapter_paths, exercises, pages_in_order, read
from browser_pages import SCREENS, THEMES, remote

PAGES = ["index", *pages_in_order(), "search", "404"]

# preload: axe would fetch style sheets itself, from addresses it gets wrong.
AXE = {"preload": False, "resultTypes": ["violations"]}
# What colours decide: looked at in both themes. The other rules look at structure and size: on both screens.
COLOUR_RULES = ["color-contrast", "link-in-text-block"]
# A chapter holds some ten thousand pieces of text, most of them coloured words of code. Contrast is measured on three
# of each kind (same element, same classes, in the same boxes): measured on all of them it takes half a minute a view.
KEEP_THREE_OF_EACH_KIND = """() => {
  const article = document.querySelector("article");
  const nameOf = (part) => `${part.localName}.${part.className}`;
  const kindOf = (part) => (part === article ? "" : `${kindOf(part.parentElement)} ${nameOf(part)}`);
  const seen = new Map();
  for (const part of article.querySelectorAll("*")) {
    const texts = [...part.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    if (!texts.length || part.closest("figure.play")) continue;
    const kind = kindOf(part);
    seen.set(kind, (seen.get(kind) ?? 0) + 1);
    if (seen.get(kind) > 3) texts.forEach((text) => text.remove());
  }
  for (const part of [...article.querySelectorAll("span, math, math *, p, td, tr, li, dt, dd, code, pre")].reverse()) {
    if (!part.childElementCount && !part.textContent.trim()) part.remove();
  }
}"""


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("name", PAGES)
def test_page(visit, site, name, screen, theme):
    """One view of a page: no error, no request elsewhere, no sideways scrolling, no violation found by axe."""
    page = visit(name, screen, theme)
    page.wait_for_load_state("networkidle")
    assert page.locator("html").get_attribute("data-theme") == theme
    assert page.problems == []
    assert remote(page.traffic) == []
    widths = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert widths[0] <= widths[1], f"the page is {widths[0]} px wide on a screen of {widths[1]} px"
    empty = page.evaluate("[...document.images].filter(i => i.loading != 'lazy' && !i.naturalWidth).map(i => i.src)")
    assert empty == []
    pictures = site.parent / "screens"
    pictures.mkdir(exist_ok=True)
    page.screenshot(path=pictures / f"{name.replace('/', '-')}-{screen}-{theme}.png")
    found = []
    if theme == "light":  # the other theme has the same structure and the same sizes
        without_colour = {rule: {"enabled": False} for rule in COLOUR_RULES}
        found += Axe().run(page, options=AXE | {"rules": without_colour}).response["violations"]
    if screen == "wide":  # the other screen has the same colours
        page.evaluate(KEEP_THREE_OF_EACH_KIND)
        found += Axe().run(page, options=AXE | {"runOnly": COLOUR_RULES}).response["violations"]
    violations = [f"{v['id']}: {v['help']} {[node['html'][:160] for node in v['nodes'][:3]]}" for v in found]
    assert violations == []


def test_axe_can_find_something(visit):
    page = visit("index", bypass_csp=True)  # the policy of the site would refuse the style sheet
    page.evaluate("document.querySelector('article').insertAdjacentHTML('beforeend', '<img src=\"data:,\">')")
    page.add_style_tag(content="article pre, article p { color: #999 !important; background: #aaa !important }")
    page.evaluate(KEEP_THREE_OF_EACH_KIND)
    found = Axe().run(page, options=AXE).response["violations"]
    assert "color-contrast" in [violation["id"] for violation in found]
    assert "image-alt" in [violation["id"] for violation in found]


@pytest.mark.parametrize("path", chapter_paths(), ids=lambda path: path.stem)
def test_solutions_unfold_with_the_keyboard(visit, path):
    page = visit(f"notebooks/{path.stem}")
    folded = page.locator("details.hide:has(summary:has-text('solution'))")
    assert folded.count() == len(exercises(read(path)))
    first = folded.first
    code = first.locator("pre").first
    assert not code.is_visible()
    first.locator("summary").focus()
    page.keyboard.press("Enter")
    code.wait_for(state="visible")
    assert "@title Solution" in code.inner_text()


def test_a_page_can_be_read_without_any_script(visit):
    page = visit(f"notebooks/{chapter_paths()[-1].stem}", java_script_enabled=False)
    assert page.locator("article h1").is_visible()
    assert page.locator("article math").first.is_visible()
    assert page.locator("details.hide summary").first.is_visible()


def test_formulas_are_drawn_with_the_books_font(visit):
    page = visit("notebooks/03_linear_regression_numpy")
    page.evaluate("document.fonts.ready")
    assert page.evaluate("document.fonts.check('16px \"Latin Modern Math\"')")
    heights = page.evaluate("[...document.querySelectorAll('math')].map(m => m.getBoundingClientRect().height)")
    assert min(heights) > 5


def test_search_finds_a_chapter(visit):
    page = visit("search")
    page.goto(page.url + "?q=broadcasting")
    result = page.locator("#search-results li a").first
    result.wait_for()
    assert "01_tensors" in " ".join(page.locator("#search-results li a").evaluate_all("list => list.map(a => a.href)"))


def test_the_theme_can_be_switched(visit):
    page = visit("index")
    themes = []
    for _ in range(3):  # as the system is, then the other, then back
        themes.append(page.locator("html").get_attribute("data-theme"))
        page.locator("button.theme-switch-button:visible").first.click()
    assert set(themes) == {"light", "dark"}


@pytest.mark.parametrize("name", ["index", "notebooks/03_linear_regression_numpy", "notebooks/08_mnist_cnn"])
def test_pictures_keep_their_white_paper_on_a_dark_page(visit, name):
    page = visit(name, theme="dark")
    pictures = page.locator(".cell_output img, .play-fallback, .cover-picture img")
    papers = pictures.evaluate_all("all => all.map((one) => getComputedStyle(one).backgroundColor)")
    assert len(papers) >= 1
    assert set(papers) == {"rgb(255, 255, 255)"}
    if name != "index":
        assert len(papers) >= 3, "a chapter with plots and a figure"


def test_copy_buttons(visit):
    page = visit("notebooks/01_tensors")
    page.locator("button.copybtn").first.wait_for(state="attached")
    assert page.locator("button.copybtn").count() > 10
