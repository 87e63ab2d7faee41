"""The figure `descent`: its numbers against NumPy and PyTorch, its controls in a browser."""

import re

import matplotlib as mpl
import numpy as np
import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from browser_pages import SCREENS, THEMES, wait_until
from chromium import two_frames
from figure_data import export_module, read_data

PAGE = "notebooks/03_linear_regression_numpy"
EXACT = 1e-9  # float64 on both sides; only the order of the sums differs
PIXEL = 0.02  # what a pixel of the map is worth in a and b, and a little more
# The rest of a long page, which other tests look at, would cost axe ten seconds.
ALL_BUT_THE_FIGURE = """document.querySelectorAll("article section > :not(section, #figure-descent)")
  .forEach((part) => part.contains(document.querySelector("#figure-descent")) || part.remove())"""
AXE = {"preload": False, "resultTypes": ["violations"]}
OPTIMIZERS = {
    "sgd": torch.optim.SGD,
    "momentum": lambda parameters, lr: torch.optim.SGD(parameters, lr=lr, momentum=0.9),
    "adam": torch.optim.Adam,
}
# Scrolls to the figure, and says whether it stayed there: what comes into sight on the way may push the page about.
CENTRED = """async () => {
  const stage = document.querySelector("#figure-descent .play-stage");
  stage.scrollIntoView({block: "center", behavior: "instant"});
  const top = stage.getBoundingClientRect().top;
  for (let frame = 0; frame < 10; frame++) await new Promise(requestAnimationFrame);
  return stage.getBoundingClientRect().top === top;
}"""
AT_REST = """async () => {
  const top = scrollY;
  for (let frame = 0; frame < 10; frame++) await new Promise(requestAnimationFrame);
  return scrollY === top;
}"""
WALK = """([start, optimizer, size, rate, updates]) => figureModels.descent.walk(
  {x: figureData.descent.x, y: figureData.descent.y}, start, optimizer, size, rate, updates)"""


@pytest.fixture(scope="module")
def chapter_names():
    """What the chapter's cells define."""
    with mpl.rc_context():
        yield export_module("descent").cell_names()


def numbers(page):
    """Return updates, epochs, a, b and loss as the figure shows them."""
    text = page.locator("#figure-descent .play-readout").inner_text().replace("−", "-").replace("\u00a0", " ")
    found = re.match(
        r"After (\d+) updates? \(([\d.]+) epochs?\): a = (\S+), b = (\S+), loss (\S+)( = .+)?\.(\n|$)", text
    )
    assert found, text
    return [float(value) for value in found.groups()[:5]]


def shown(page, name):
    """Return a part of the figure."""
    return page.locator(f"#figure-descent .descent-{name}")


def middle(locator):
    """Return the middle of an element on the screen."""
    locator.scroll_into_view_if_needed()
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_data_are_fresh(chapter_names):
    fresh, stored = export_module("descent").export(chapter_names), read_data("descent")
    assert fresh.keys() == stored.keys()
    assert fresh["colours"] == stored["colours"]
    for key in fresh.keys() - {"colours"}:
        assert np.allclose(fresh[key], stored[key], rtol=0, atol=1e-6), f"{key}: run `make figures`"


def torch_path(data, start, optimizer, rate, batches):
    """Walk the same batches with an optimizer of PyTorch; return where it was after each update."""
    x, y = (torch.tensor(data[name], dtype=torch.float64) for name in "xy")
    parameters = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    steps = OPTIMIZERS[optimizer]([parameters], lr=rate)
    path = [start]
    for rows in batches:
        steps.zero_grad()
        ((parameters[0] + parameters[1] * x[rows] - y[rows]) ** 2).mean().backward()
        steps.step()
        path.append(parameters.tolist())
    return path


def test_model_agrees_with_numpy_and_torch(visit, chapter_names):
    page = visit(PAGE)
    data, start = read_data("descent"), list(map(float, chapter_names["start"]))

    for optimizer in OPTIMIZERS:
        for size in (80, 30, 16, 1):
            for begin in (start, [3.0, 0.5]):
                walk = page.evaluate(WALK, [begin, optimizer, size, 0.05, 50])
                assert len(walk["path"]) == 51
                expected = torch_path(data, begin, optimizer, 0.05, walk["batches"])
                assert np.abs(np.subtract(walk["path"], expected)).max() < EXACT, (optimizer, size)

    for size in (80, 16, 30, 1):  # each epoch deals every point once, in an order of its own
        per_epoch = -(-80 // size)
        batches = page.evaluate(WALK, [start, "sgd", size, 0.01, 2 * per_epoch])["batches"]
        epochs = [np.concatenate(part).tolist() for part in (batches[:per_epoch], batches[per_epoch:])]
        assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(80))
        assert epochs[0] != epochs[1]
        assert all(len(rows) == size for rows in batches[: per_epoch - 1])

    chapter = page.evaluate(WALK, [start, "sgd", 80, 0.1, 1000])  # the chapter's thousand epochs
    assert np.abs(np.subtract(chapter["path"], chapter_names["path"])).max() < EXACT
    assert np.allclose(chapter["path"][-1], [chapter_names["a"][0], chapter_names["b"][0]], rtol=0, atol=EXACT)

    bowl = page.evaluate("figureModels.descent.bowl(figureData.descent)")
    assert abs(bowl["a"] - chapter_names["a_best"]) < EXACT
    assert abs(bowl["b"] - chapter_names["b_best"]) < EXACT
    assert abs(bowl["lowest"] - chapter_names["loss_at"](chapter_names["a_best"], chapter_names["b_best"])) < EXACT
    x = np.array(data["x"])
    curvatures, directions = np.linalg.eigh(2 * np.array([[1, x.mean()], [x.mean(), (x**2).mean()]]))
    for axis, curvature, direction in zip(bowl["axes"], curvatures, directions.T, strict=True):
        assert abs(axis["curvature"] - curvature) < EXACT
        assert abs(abs(np.dot(axis["direction"], direction)) - 1) < EXACT

    # The numbers that the caption and the solution name.
    words = page.locator("#figure-descent").text_content()
    assert "402 epochs" in words
    assert chapter["arrived"] == 402
    # places of the slider
    exponents = {"0.1": -1, "0.71": -0.15, "0.79": -0.1, "0.89": -0.05, "1.4": 0.15, "1.6": 0.2}
    for rate, exponent in exponents.items():
        assert rate in words
        assert page.evaluate(f"figureModels.descent.rateAt({exponent})") == float(rate)
    for optimizer, rate, epoch in (("sgd", 0.71, 54), ("momentum", 0.1, 141), ("sgd", 0.79, 188)):
        walk = page.evaluate(WALK, [start, optimizer, 80, rate, 300])
        assert walk["stays"]
        assert walk["arrived"] == epoch
        assert re.search(rf"(from epoch|needs) {epoch}\b", words)
    assert "in epoch 119" in words
    assert not page.evaluate(WALK, [start, "momentum", 80, 0.1, 118])["stays"]
    assert page.evaluate(WALK, [start, "momentum", 80, 0.1, 119])["arrived"] == 119
    assert page.evaluate(WALK, [start, "sgd", 80, 0.89, 100])["diverged"]
    assert "0.79 needs 188 epochs, and 0.89 diverges." in words
    with_momentum = page.evaluate(WALK, [start, "momentum", 80, 1.4, 300])
    assert with_momentum["stays"]
    assert with_momentum["arrived"] == 163
    assert page.evaluate(WALK, [start, "momentum", 80, 1.6, 100])["diverged"]
    assert (
        "Without it, SGD diverges at 0.89. With momentum 0.9 it arrives at 1.4 in epoch 163, and diverges at 1.6."
        in words
    )
    # "Its gradients change their sign each time": along b, towards and away from the star
    jumps = np.diff([b for _, b in page.evaluate(WALK, [start, "sgd", 80, 0.89, 100])["path"]])
    assert (jumps[1:] * jumps[:-1] < 0).all()
    cloud = page.evaluate(WALK, [start, "sgd", 1, 0.5, 8000])
    assert not cloud["stays"]
    assert not cloud["diverged"]
    assert f"{cloud['spread'][1]:.2f}" == "0.12"
    small = page.evaluate(WALK, [start, "sgd", 1, 0.1, 8000])
    assert small["spread"][1] < cloud["spread"][1] / 2
    # The model's spread is what its own path says.
    late = [chapter_names["loss_at"](a, b) - bowl["lowest"] for a, b in cloud["path"][-800:]]
    assert np.allclose(cloud["spread"], [min(late), max(late)], rtol=1e-6, atol=1e-12)
    # One mini-batch that hits the lowest loss by chance does not make the run stay there.
    assert page.evaluate(WALK, [start, "sgd", 80, 0.1, 9])["spread"] is None
    assert page.evaluate(WALK, [start, "sgd", 16, 0.1, 1000])["arrived"] is None

    wild = page.evaluate(WALK, [start, "sgd", 80, 10, 1000])
    assert wild["diverged"]
    assert len(wild["path"]) < 10
    assert np.isfinite(wild["path"]).all()
    assert np.isfinite(wild["loss"])
    assert page.problems == []


def test_contours_lie_where_the_loss_is(visit, chapter_names):
    """Each ellipse of the map, read back from the page, is a line of equal loss."""
    page = visit(PAGE)
    ellipses = page.evaluate("""() => {
      const svg = document.querySelector("#figure-descent .descent-map svg");
      const frame = svg.querySelector(".descent-axes rect").getBBox();
      const place = (ellipse, angle) => {
        const point = svg.createSVGPoint();
        point.x = ellipse.rx.baseVal.value * Math.cos(angle);
        point.y = ellipse.ry.baseVal.value * Math.sin(angle);
        const {x, y} = point.matrixTransform(ellipse.transform.baseVal.consolidate().matrix);
        return [(x - frame.x) / frame.width, 1 - (y - frame.y) / frame.height];
      };
      return [...svg.querySelectorAll("ellipse")].map((ellipse) => [0, 1, 2, 3].map((angle) => place(ellipse, angle)));
    }""")
    data = read_data("descent")
    (a0, a1), (b0, b1) = data["a_view"], data["b_view"]
    assert len(ellipses) == len(data["levels"])
    for level, places in zip(reversed(data["levels"]), ellipses, strict=True):
        for across, up in places:
            loss = chapter_names["loss_at"](a0 + (a1 - a0) * across, b0 + (b1 - b0) * up)
            assert abs(loss / level - 1) < 1e-3  # the page rounds to single precision


def test_keyboard_operates_everything(visit):
    page = visit(PAGE, reduced_motion="reduce")
    shown(page, "rate").focus()
    order = []
    for _ in range(8):
        order.append(
            page.evaluate("document.activeElement.getAttribute('class').split(' ')[0].slice('descent-'.length)")
        )
        page.keyboard.press("Tab")
    assert order == ["rate", "batch", "optimizer", "step", "run", "reset", "chapter", "handle"]

    shown(page, "rate").focus()
    page.keyboard.press("ArrowRight")
    expect(shown(page, "rate-shown")).to_have_text("0.11")
    assert shown(page, "rate").get_attribute("aria-valuetext") == "0.11"
    page.keyboard.press("ArrowLeft")
    shown(page, "step").focus()
    page.keyboard.press("Space")
    assert numbers(page) == pytest.approx([1, 1, 0.8012, 0.0451, 1.6349])  # the chapter's first update
    expect(page.locator(".descent-point.descent-used")).to_have_count(80)
    shown(page, "batch").focus()
    page.keyboard.press("ArrowDown")
    expect(shown(page, "batch")).to_have_value("16")
    assert numbers(page)[:2] == [0, 0]
    expect(page.locator(".play-readout")).to_contain_text(
        "Previous run: SGD, learning rate 0.1, batch size 80. Loss 1.6349 after 1 epoch, not yet within a millionth."
    )
    shown(page, "step").focus()
    page.keyboard.press("Enter")
    assert numbers(page)[:2] == [1, 0.2]
    expect(page.locator(".descent-point.descent-used")).to_have_count(16)
    shown(page, "optimizer").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(shown(page, "optimizer")).to_have_value("adam")
    shown(page, "run").focus()
    page.keyboard.press("Enter")
    assert numbers(page)[:2] == [500, 100]  # less motion: at the end at once
    shown(page, "reset").focus()
    page.keyboard.press("Enter")
    assert numbers(page)[0] == 0

    handle = shown(page, "handle")
    handle.focus()
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("ArrowUp")
    assert numbers(page)[2:4] == pytest.approx([0.75, -0.09])
    assert handle.get_attribute("aria-valuetext") == "a 0.75, b −0.09"
    assert page.evaluate("getComputedStyle(document.querySelector('.descent-ring')).opacity") == "1"
    for _ in range(20):
        page.keyboard.press("Shift+ArrowDown")
    assert numbers(page)[3] == -0.5  # the edge of the map
    shown(page, "chapter").focus()
    page.keyboard.press("Space")
    assert numbers(page)[2:] == pytest.approx([0.4967, -0.1383, 2.7422])
    assert page.problems == []


def test_mouse_and_animation(visit, chapter_names):
    page = visit(PAGE)
    x, y = middle(shown(page, "handle"))
    width = page.locator(".descent-map .descent-axes rect").bounding_box()["width"]
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 50, y - 30, steps=4)
    page.mouse.up()
    page.mouse.move(x, y)  # let go: nothing follows any more
    unit = 4.4 / width  # the map spans 4.4 in a, and has the same scale in b
    assert numbers(page)[2:4] == pytest.approx([0.4967 + 50 * unit, -0.1383 + 30 * unit], abs=PIXEL)
    moved_x, moved_y = middle(shown(page, "handle"))
    assert (moved_x, moved_y) == pytest.approx((x + 50, y - 30), abs=2)
    page.mouse.move(moved_x, moved_y)
    page.mouse.down(button="right")  # another button drags nothing
    page.mouse.move(moved_x + 30, moved_y)
    page.mouse.up(button="right")
    page.mouse.click(moved_x + 60, moved_y)  # beside the handle: the start comes there
    assert numbers(page)[2] == pytest.approx(0.4967 + 110 * unit, abs=PIXEL)

    shown(page, "chapter").click()
    run = shown(page, "run")
    run.click()
    expect(run).to_have_text("Pause")
    expect(page.locator(".play-readout")).to_have_attribute("aria-busy", "true")
    page.mouse.click(moved_x + 60, moved_y)  # a stray click while it moves is passed over
    wait_until(page, "!document.querySelector('#figure-descent .play-readout').textContent.includes('After 0')")
    run.click()
    expect(run).to_have_text("Run 100 more")
    expect(page.locator(".play-readout")).not_to_have_attribute("aria-busy", "true")
    updates, _, a, b, _ = numbers(page)
    assert 0 < updates < 100  # it moves, and waits
    path = chapter_names["path"]
    assert [a, b] == pytest.approx(path[int(updates)], abs=6e-5)
    two_frames(page)
    assert numbers(page)[0] == updates

    page.emulate_media(reduced_motion="reduce")
    run.click()
    updates, _, a, b, _ = numbers(page)
    assert updates > 100
    assert [a, b] == pytest.approx(path[int(updates)], abs=6e-5)
    page.emulate_media(reduced_motion="no-preference")

    view = page.locator(".descent-map svg").get_attribute("viewBox")
    shown(page, "reset").click()
    shown(page, "rate").fill("1")
    run.click()
    expect(page.locator(".play-readout")).to_contain_text("Diverges: the loss is now")
    expect(run).to_have_attribute("aria-disabled", "true")
    expect(shown(page, "away")).to_be_visible()
    stopped = numbers(page)
    shown(page, "step").dispatch_event("click")
    assert numbers(page) == stopped
    assert 1e6 < stopped[4] < 1e12
    expect(shown(page, "outside")).to_be_visible()
    assert page.locator(".descent-map svg").get_attribute("viewBox") == view
    shown(page, "rate").fill("-1")  # a new rate is a new run, also after this
    expect(run).to_have_attribute("aria-disabled", "false")
    expect(shown(page, "away")).to_be_hidden()
    expect(shown(page, "outside")).to_be_hidden()
    expect(run).to_have_text("Run 100 epochs")
    expect(page.locator(".play-readout")).to_contain_text(
        "Previous run: SGD, learning rate 10, batch size 80. It diverged"
    )
    shown(page, "rate").fill("-0.1")  # and before the first update there is nothing to throw away
    expect(page.locator(".play-readout")).to_contain_text("learning rate 10,")
    assert page.problems == []


def test_a_new_rate_on_the_way_and_what_the_readout_says(visit):
    page = visit(PAGE)
    readout, run, rate = page.locator("#figure-descent .play-readout"), shown(page, "run"), shown(page, "rate")
    text = "document.querySelector('#figure-descent .play-readout').textContent"
    started = page.evaluate("performance.now()")
    run.click()
    wait_until(page, f"!/After [0-9] /.test({text})")
    assert page.evaluate("performance.now()") - started > 1000  # the first ten updates are slow enough to watch
    rate.fill("-0.3")  # while it moves: on the way
    expect(run).to_have_text("Pause")
    page.emulate_media(reduced_motion="reduce")
    run.click()
    updates = numbers(page)[0]
    assert updates >= 10
    shown(page, "batch").select_option("16")
    expect(readout).to_contain_text("Previous run: SGD, several learning rates, batch size 80.")

    shown(page, "batch").select_option("80")
    rate.fill("-0.15")
    run.click()
    expect(readout).to_contain_text("Stays within a millionth of the lowest loss from epoch 54.")
    assert re.search(r"loss 0\.0080 = lowest \+ \d\.\de−\d+\.", readout.inner_text())
    rate.fill("-0.3")
    expect(readout).to_contain_text("batch size 80. Loss 0.0080 = lowest + ")
    expect(readout).to_contain_text("after 100 epochs, within a millionth from epoch 54.")
    shown(page, "batch").select_option("1")
    run.click()
    expect(readout).to_contain_text("In the last 10 epochs the loss was 7.2e−7 to 0.12 above the lowest.")
    assert page.problems == []


@pytest.mark.parametrize("screen", SCREENS)
def test_what_is_said_pushes_nothing_about(visit, screen):
    """The readout stands above the map, and has room for the longest that it says."""
    page = visit(PAGE, screen, reduced_motion="reduce")
    rate, run = shown(page, "rate"), shown(page, "run")
    room = """(() => {
      const readout = document.querySelector("#figure-descent .play-readout");
      const map = document.querySelector("#figure-descent .descent-map");
      const top = readout.getBoundingClientRect().top;
      return [map.getBoundingClientRect().top - top, readout.lastChild.getBoundingClientRect().bottom - top];
    })()"""
    heights = [page.evaluate(room)]
    for optimizer, size, exponent in (
        *(("momentum", "80", "-0.3"), ("sgd", "1", "-0.3"), ("sgd", "80", "0.1"), ("momentum", "16", "-0.85")),
        *(("sgd", "1", "0.4"), ("adam", "80", "-0.85"), ("adam", "80", "-0.3")),
    ):
        shown(page, "optimizer").select_option(optimizer)
        shown(page, "batch").select_option(size)
        rate.fill(exponent)
        for button in (shown(page, "step"), run, run):
            button.dispatch_event("click")
            heights.append(page.evaluate(room))
    assert len({round(to_map) for to_map, _ in heights}) == 1, heights
    assert all(used <= to_map for to_map, used in heights)
    boxes = [shown(page, name).bounding_box() for name in ("batch", "optimizer")]
    assert boxes[0]["y"] == boxes[1]["y"]


def test_touch_on_a_narrow_screen(visit):
    page = visit(PAGE, "narrow", has_touch=True, reduced_motion="reduce")
    fits = "document.documentElement.scrollWidth <= window.innerWidth"
    assert page.evaluate(fits)
    page.wait_for_load_state("networkidle")
    wait_until(page, CENTRED)
    finger = page.context.new_cdp_session(page)

    def drag(x, y, down):
        touch = [{"x": x, "y": y}]
        finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": touch})
        for step in range(1, 6):
            touch = [{"x": x, "y": y + down * step / 5}]
            finger.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": touch})
        finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        two_frames(page)

    x, y = middle(shown(page, "handle"))
    top = page.evaluate("scrollY")
    drag(x, y, -60)
    assert page.evaluate("scrollY") == top
    unit = 4.4 / page.locator(".descent-map .descent-axes rect").bounding_box()["width"]
    a, b = numbers(page)[2:4]
    assert [a, b] == pytest.approx([0.4967, -0.1383 + 60 * unit], abs=2 * PIXEL)
    drag(x + 120, y - 20, -60)  # elsewhere on the map a finger scrolls the page
    wait_until(page, f"scrollY > {top + 20}")
    wait_until(page, AT_REST)
    assert numbers(page)[2:4] == [a, b]
    x, y = middle(shown(page, "handle"))
    page.touchscreen.tap(x + 80, y)
    assert numbers(page)[2:4] == pytest.approx([0.4967 + 80 * unit, b], abs=2 * PIXEL)

    for number in (0.3, 1):
        shown(page, "reset").tap()  # a run under way would take the new rate, and might diverge before the tap
        shown(page, "rate").fill(str(number))
        shown(page, "run").tap()
        assert page.evaluate(fits)
    sizes = page.evaluate("""
      [...document.querySelectorAll("#figure-descent :is(button, select, input, .descent-target)")]
      .map((part) => part.getBoundingClientRect()).map(({width, height}) => Math.min(width, height))""")
    assert len(sizes) == 8
    assert min(sizes) >= 24
    page.set_viewport_size(SCREENS["wide"])  # as when a phone is turned: drawn anew, and the run goes on
    wait_until(page, "document.querySelector('.descent-map svg').clientWidth > 360")
    assert page.evaluate(
        "document.querySelector('.descent-map svg').clientWidth <= document.querySelector('.descent-map').clientWidth"
    )
    assert page.problems == []


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing(visit, theme):
    page = visit(PAGE, "wide", theme, reduced_motion="reduce")
    page.evaluate(ALL_BUT_THE_FIGURE)
    shown(page, "run").click()
    shown(page, "batch").select_option("16")
    shown(page, "step").click()
    found = Axe().run(page, context="#figure-descent", options=AXE).response["violations"]
    shown(page, "rate").fill("1")
    shown(page, "run").click()  # diverged: two buttons are dimmed
    shown(page, "solution").locator("summary").click()
    found += Axe().run(page, context="#figure-descent", options=AXE).response["violations"]
    assert [(violation["id"], violation["nodes"][0]["html"][:160]) for violation in found] == []
    assert page.problems == []


def assert_only_the_picture(page):
    """The fallback is seen, and no control that does nothing."""
    figure = page.locator("#figure-descent")
    assert figure.locator(".play-fallback").is_visible()
    assert figure.locator(".play-fallback").bounding_box()["height"] > 200  # of its own: it has arrived
    live = figure.locator("[data-live]")
    assert live.count() == 6
    assert [part.is_visible() for part in live.all()] == [False] * 6


def test_without_script_or_with_a_broken_one_the_picture_stays(visit, browser, address):
    assert_only_the_picture(visit(PAGE, java_script_enabled=False))
    context = browser.new_context(viewport=SCREENS["wide"])
    page = context.new_page()

    def spoil(route):
        reply = route.fetch()
        route.fulfill(
            response=reply, body=reply.text().replace("figureData.descent = {", "figureData.descent = null && {")
        )

    page.route("**/figures/descent.js*", spoil)
    complaints = []
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    page.goto(f"{address}/{PAGE}.html")
    assert_only_the_picture(page)
    assert len(complaints) == 1
    assert "figure descent" in complaints[0]
    context.close()


def test_loaded_on_its_page_only(visit):
    here, elsewhere = visit(PAGE), visit("notebooks/01_tensors")
    pages = [[url for url in page.traffic if "/figures/descent." in url] for page in (here, elsewhere)]
    assert {url.partition("/figures/")[2].partition("?")[0] for url in pages[0]} >= {"descent.js", "descent.css"}
    assert pages[1] == []
    expect(here.locator("#figure-descent.play-running .play-fallback")).to_be_hidden()
    assert here.problems == elsewhere.problems == []
