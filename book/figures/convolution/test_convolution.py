"""The figure *convolution* on chapter 8: its numbers against PyTorch, its controls, its fallback."""

import base64
import re
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from axe_playwright_python.sync_playwright import Axe

from browser_pages import remote, wait_until
from chromium import two_frames
from figure_data import export_module, read_data

PAGE = "notebooks/08_mnist_cnn"
MODEL = "figureModels.convolution"
TOLERANCE = 1e-6  # both sides calculate in float64
DATA = read_data("convolution")


def digit_bytes(digit):
    return np.frombuffer(base64.b64decode(DATA["digits"][digit]), np.uint8).reshape(28, 28)


def conv2d(digit, kernel, padding=0, relu=False):
    image = torch.tensor(digit_bytes(digit), dtype=torch.float64).view(1, 1, 28, 28) / 255
    weight = torch.tensor(kernel, dtype=torch.float64).view(1, 1, 3, 3)
    result = F.conv2d(image, weight, padding=padding)[0, 0]  # (26, 26), or (28, 28) with the frame
    return F.relu(result) if relu else result


def javascript_map(page, digit, kernel, padding=0, relu=False):
    code = f"([text, kernel, padding, relu]) => {MODEL}.featureMap({MODEL}.decode(text), 28, kernel, padding, relu)"
    values = page.evaluate(code, [DATA["digits"][digit], kernel, padding, relu])
    size = 26 + 2 * padding
    return torch.tensor(values, dtype=torch.float64).view(size, size)


def figure_on(page):
    figure = page.locator("#figure-convolution")
    figure.scroll_into_view_if_needed()
    return figure


def place(figure):
    found = re.match(r"Row (\d+), column (\d+):", figure.locator(".play-readout").inner_text())
    return int(found[1]), int(found[2])


def number(text):
    return float(text.replace("−", "-"))


def set_kernel(figure, kernel):
    for field, value in zip(figure.locator(".conv-kernel input").all(), kernel, strict=True):
        field.fill(str(value))


def axe_problems(page):
    page.evaluate("document.querySelectorAll('article pre, article math').forEach((other) => other.remove())")  # faster
    found = Axe().run(page, context="#figure-convolution", options={"preload": False, "resultTypes": ["violations"]})
    return [f"{v['id']}: {[node['html'][:160] for node in v['nodes'][:3]]}" for v in found.response["violations"]]


def seen_cells(figure):
    """The number of cells of the map that are shown."""
    return figure.locator('.conv-map g rect:not([fill="none"])').count()


def test_data_is_what_the_cells_make():
    before = sys.modules.get("chapter")
    try:
        assert export_module("convolution").export() == DATA
    finally:
        sys.modules.pop("chapter", None)
        if before:
            sys.modules["chapter"] = before


@pytest.fixture(scope="module")
def model(browser, site):
    """The figure's calculations alone, without the chapter."""
    page = browser.new_page()
    page.add_script_tag(path=site / "_static" / "figures" / "convolution.js")
    yield page
    page.close()


def test_maps_agree_with_pytorch(model):
    generator = np.random.default_rng(8)
    for trial in range(20):
        kernel = generator.normal(size=9).tolist()
        for padding in (0, 1):
            for relu in (False, True):
                digit = trial % 10
                ours = javascript_map(model, digit, kernel, padding, relu)
                assert torch.allclose(ours, conv2d(digit, kernel, padding, relu), rtol=0, atol=TOLERANCE)


def test_what_the_answers_say_is_so(visit):
    page = visit(PAGE)
    figure = figure_on(page)
    maps = {}
    for option in figure.locator(".conv-preset option").all():
        name = option.get_attribute("value")
        figure.locator(".conv-preset").select_option(name)
        kernel = [float(field.input_value()) for field in figure.locator(".conv-kernel input").all()]
        maps[name] = [javascript_map(page, digit, kernel) for digit in range(10)]
    assert set(maps) == {"lower", "upper", "right", "outline", "blur", "sharpen", "identity", "own"}
    pictures = [torch.tensor(digit_bytes(digit) / 255) for digit in range(10)]
    for digit, picture in enumerate(pictures):
        assert torch.equal(maps["upper"][digit], -maps["lower"][digit])
        assert torch.allclose(maps["identity"][digit], picture[1:-1, 1:-1])
        mean = F.avg_pool2d(picture.view(1, 1, 28, 28), 3, stride=1)[0, 0]
        neighbours = (9 * mean - picture[1:-1, 1:-1]) / 8
        assert torch.allclose(maps["outline"][digit], 8 * (picture[1:-1, 1:-1] - neighbours))
        assert maps["blur"][digit].max() <= picture.max()
        assert torch.allclose(maps["blur"][digit], 9 * 0.111 * mean)  # "about the mean of the nine pixels"
        negative = maps["sharpen"][digit] < 0
        assert (picture[1:-1, 1:-1][negative] < 0.5).float().mean() > 0.7  # "mostly just outside the strokes"
        left = javascript_map(page, digit, [0, 0, 0, 0, 0, 1, 0, 0, 0])
        assert torch.allclose(left, picture[1:-1, 2:])
    numbers = torch.tensor(DATA["kernels"]["lower"], dtype=torch.float64).view(3, 3)
    assert numbers.clamp(min=0).sum(dim=1).tolist() == [3, 0, 0]  # "three white pixels above" give 3
    assert numbers.clamp(max=0).sum(dim=1).tolist() == [0, 0, -3]
    bar = slice(5, 10), slice(8, 13)  # the middle of the seven's upper bar, away from its ends
    assert maps["right"][7][bar].abs().sum() < maps["lower"][7][bar].abs().sum() / 10
    assert maps["right"][7][5:10].abs().max() > 5 * maps["right"][7][bar].abs().max()  # "Only the ends remain."
    # The map of the chapter's own seven, and the range that the figure names.
    figure.locator(".conv-preset").select_option("lower")
    chapters = conv2d(7, DATA["kernels"]["lower"])
    words = f"from {chapters.min():.2f} to +{chapters.max():.2f}".replace("-", "−")
    assert words in figure.locator(".conv-range").inner_text()
    assert page.problems == []


def test_the_arithmetic_is_shown(visit):
    page = visit(PAGE)
    figure = figure_on(page)
    kernel = [0.5, -1, 2, 0, 1.25, -0.125, 3, 0, -2]
    figure.locator(".conv-digit").select_option("3")
    set_kernel(figure, kernel)
    assert figure.locator(".conv-preset").input_value() == "own"
    for _ in range(2):
        row, column = place(figure)
        window = digit_bytes(3)[row : row + 3, column : column + 3].flatten() / 255
        products = window * np.array(kernel)
        for part, wanted in (("pixels", window), ("products", products)):
            shown = [number(text) for text in figure.locator(f".conv-{part} > span").all_inner_texts()]
            assert np.allclose(shown, wanted, rtol=0, atol=0.0051)
        assert abs(number(figure.locator(".conv-raw").inner_text()) - products.sum()) < 0.0051
        assert figure.locator(".conv-result").inner_text() == figure.locator(".conv-raw").inner_text()
        figure.locator(".conv-picture").press("ArrowDown")
    # Negative numbers carry a sign, a dash in the map, and become 0 with ReLU.
    values = conv2d(3, kernel)
    figure.locator(".conv-whole").check()
    dashes = "() => [...document.querySelectorAll('.conv-map path')].map(p => p.getAttribute('d')).join('')"
    assert page.evaluate(dashes).count("M") == (values < 0).sum()
    row, column = divmod(int(values.argmin()), 26)
    box = figure.locator(".conv-map svg").bounding_box()
    page.mouse.click(box["x"] + (column + 0.5) / 26 * box["width"], box["y"] + (row + 0.5) / 26 * box["height"])
    assert place(figure) == (row, column)
    assert figure.locator(".conv-result").inner_text() == f"−{-values.min():.2f}"
    figure.locator(".conv-relu").check()
    assert figure.locator(".conv-result").inner_text() == "0"
    assert "ReLU makes it 0" in figure.locator(".play-readout").inner_text()
    assert page.evaluate(dashes) == ""
    # A field without a number counts as 0, and says so.
    field = figure.locator(".conv-kernel input").first
    for text in ("", "1000"):
        field.fill(text)
        assert field.get_attribute("aria-invalid") == "true"
        assert "counts as 0" in figure.locator(".play-readout").inner_text()
        assert figure.locator(".conv-products > span").first.inner_text() == "0"
    field.fill("-1")
    assert field.get_attribute("aria-invalid") is None
    assert "counts as 0" not in figure.locator(".play-readout").inner_text()
    set_kernel(figure, [0] * 9)  # no division by 0 on the scale
    assert "NaN" not in figure.inner_html()
    assert page.problems == []


def test_keyboard_alone(visit):
    page = visit(PAGE)
    figure = figure_on(page)
    figure.locator(".conv-digit").focus()
    stops = []
    for _ in range(17):
        stops.append(page.evaluate("(document.activeElement.className || document.activeElement.tagName)"))
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", f"{stops[-1]}: the focus is not seen"
        page.keyboard.press("Tab")
    ways = ["conv-digit", "conv-preset", "conv-slide", "conv-whole", "conv-relu", "conv-padding", "SUMMARY"]
    assert stops == [*ways, "conv-picture", *["INPUT"] * 9]
    figure.locator(".conv-digit").focus()
    page.keyboard.press("ArrowDown")
    assert figure.locator(".conv-digit").input_value() == "8"
    for _ in range(7):
        page.keyboard.press("Tab")
    row, column = place(figure)
    for keys, wanted in (
        (["ArrowDown", "ArrowDown", "ArrowRight"], (row + 2, column + 1)),
        (["ArrowUp", "ArrowLeft"], (row + 1, column)),
        (["Home", "ArrowLeft"], (row + 1, 0)),
        (["End", "ArrowRight"], (row + 1, 25)),
        (["ArrowUp"] * 30, (0, 25)),
        (["ArrowDown"] * 30, (25, 25)),
    ):
        for key in keys:
            page.keyboard.press(key)
        assert place(figure) == wanted
    page.keyboard.press("Tab")
    before = figure.locator(".conv-kernel input").first.input_value()
    page.keyboard.press("ArrowUp")
    assert float(figure.locator(".conv-kernel input").first.input_value()) == float(before) + 1
    for name in ("whole", "relu", "padding"):
        figure.locator(f".conv-{name}").focus()
        page.keyboard.press("Space")
        assert figure.locator(f".conv-{name}").is_checked()
    assert place(figure) == (26, 26), "with the frame the window stays on the same pixels"
    assert figure.locator(".conv-picture g rect").count() == 30 * 30
    assert seen_cells(figure) == 28 * 28
    figure.locator(".conv-predict summary").focus()
    page.keyboard.press("Enter")
    assert figure.locator(".conv-predict p").is_visible()
    labels = page.evaluate("[...document.querySelectorAll('.conv-kernel input')].map(i => i.labels[0].textContent)")
    assert labels == [f"kernel, row {row}, column {column}" for row in range(3) for column in range(3)]
    assert page.problems == []


def test_mouse(visit):
    page = visit(PAGE)
    figure = figure_on(page)
    box = figure.locator(".conv-picture svg").bounding_box()
    cell = box["width"] / 28

    def point(row, column):
        return box["x"] + (column + 0.5) * cell, box["y"] + (row + 0.5) * cell

    page.mouse.move(*point(5, 6))
    assert place(figure) == (7, 12), "the window waits for the button"
    page.mouse.down()
    assert place(figure) == (4, 5), "the middle of the window is under the pointer"
    assert seen_cells(figure) == 7 * 26 + 13, "the map keeps what it has shown"
    page.mouse.move(*point(20, 9), steps=4)
    assert place(figure) == (19, 8)
    assert seen_cells(figure) == 19 * 26 + 9, "the map is shown as far as the window has come"
    page.mouse.move(*point(40, -4))  # outside: the nearest place
    assert place(figure) == (25, 0)
    page.mouse.up()
    page.mouse.move(*point(3, 3))
    assert place(figure) == (25, 0)
    assert page.problems == []


def test_touch_on_a_narrow_screen(visit):
    page = visit(PAGE, "narrow", has_touch=True, is_mobile=True)
    figure = figure_on(page)
    figure.locator(".conv-picture").scroll_into_view_if_needed()
    box = figure.locator(".conv-picture svg").bounding_box()
    cell = box["width"] / 28
    touch = page.context.new_cdp_session(page)

    def send(kind, row=0, column=0):
        points = [{"x": box["x"] + (column + 0.5) * cell, "y": box["y"] + (row + 0.5) * cell}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [] if kind == "touchEnd" else points})

    scrolled = page.evaluate("scrollY")
    send("touchStart", 10, 10)
    for row in range(11, 21):
        send("touchMove", row, 10)
    send("touchEnd")
    assert place(figure) == (19, 9)
    assert page.evaluate("scrollY") == scrolled, "a finger that drags does not scroll the page"
    set_kernel(figure, [-0.0625] * 9)
    figure.locator(".conv-padding").check()
    figure.locator(".conv-predict summary").click()
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390
    wide = "f => [...f.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > 390).map(e => e.className)"
    assert figure.evaluate(wide) == []
    for target in figure.locator("button, select, input, summary, .conv-picture, .conv-map").all():
        size = target.bounding_box()
        assert min(size["width"], size["height"]) >= 24, target.evaluate("e => e.outerHTML.slice(0, 90)")
    assert axe_problems(page) == []
    assert page.problems == []


def test_slide_and_stop(visit):
    page = visit(PAGE)
    figure = figure_on(page)
    button = figure.locator(".conv-slide")
    before = seen_cells(figure)
    button.click()
    assert button.inner_text() == "Stop"
    wait_until(page, f"document.querySelectorAll('.conv-map g rect:not([fill=none])').length > {before + 30}")
    button.click()
    assert button.inner_text() == "Slide"
    row, column = place(figure)
    assert seen_cells(figure) == row * 26 + column + 1
    button.click()
    figure.locator(".conv-picture").press("Home")  # who moves the window stops it
    assert button.inner_text() == "Slide"
    two_frames(page)
    assert place(figure)[1] == 0
    for _ in range(30):
        figure.locator(".conv-picture").press("ArrowDown")
    figure.locator(".conv-picture").press("End")
    assert seen_cells(figure) == 26 * 26
    button.click()  # from the end it begins anew
    wait_until(page, "document.querySelectorAll('.conv-map g rect[fill=none]').length > 300")
    assert page.problems == []


def test_less_motion(visit):
    page = visit(PAGE, reduced_motion="reduce")
    figure = figure_on(page)
    button = figure.locator(".conv-slide")
    assert button.inner_text() == "Next row"
    for wanted in ((7, 25), (8, 25)):
        button.click()
        assert place(figure) == wanted
    two_frames(page)
    assert place(figure) == (8, 25)
    assert page.problems == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe(visit, theme):
    page = visit(PAGE, theme=theme)
    figure = figure_on(page)
    assert axe_problems(page) == []
    figure.locator(".conv-preset").select_option("sharpen")
    figure.locator(".conv-predict summary").click()
    figure.locator(".conv-relu").check()
    figure.locator(".conv-padding").check()
    figure.locator(".conv-kernel input").first.fill("")
    figure.locator(".conv-picture").press("ArrowDown")  # the focus is on the picture
    assert axe_problems(page) == []
    assert remote(page.traffic) == []
    assert page.problems == []


def test_numbers_can_be_read_on_every_colour(model):
    colours = model.evaluate(f"Array.from({{length: 401}}, (_, i) => {MODEL}.colourOf((i - 200) / 200, 1))")
    colours += [[grey] * 3 for grey in range(256)]
    blacks = model.evaluate(f"colours => colours.map({MODEL}.wantsBlack)", colours)
    share = np.array(colours) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    contrast = np.where(blacks, (luminance + 0.05) / 0.05, 1.05 / (luminance + 0.05))
    assert contrast.min() >= 4.5


def test_without_script(visit):
    page = visit(PAGE, java_script_enabled=False)
    figure = page.locator("#figure-convolution")
    assert figure.locator(".play-fallback").is_visible()
    assert figure.locator("figcaption").is_visible()
    for control in figure.locator("button, select, input, summary, [tabindex]").all():
        assert not control.is_visible()


def test_a_script_that_throws_leaves_the_picture(browser, address):
    context = browser.new_context()
    page = context.new_page()

    def spoil(route):
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace("figureData.convolution =", "figureData.other ="))

    page.route("**/figures/convolution.js*", spoil)
    page.goto(f"{address}/{PAGE}.html")
    figure = page.locator("#figure-convolution")
    assert figure.locator(".play-fallback").is_visible()
    assert not figure.locator("button, select, input").first.is_visible()
    context.close()


def test_only_this_page_loads_it(pages):
    for name, page in pages.items():
        assert ("figures/convolution." in page.html) == (name == PAGE), name
    html = pages[PAGE].html
    picture = re.search(r'<img [^>]*class="play-fallback"[^>]*>', html)[0]
    assert re.search(r'width="\d+" height="\d+"', picture)
    figure = html.partition('id="figure-convolution"')[2].partition("</figure>")[0]
    assert "style=" not in figure
    assert "<script" not in figure
    assert not re.search(r"\son\w+=", figure)
