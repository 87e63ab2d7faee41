"""The figure *draw a digit*: its numbers are PyTorch's, its drawing is prepared as MNIST was, everybody can draw."""

import base64
import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import expect
from torch.utils.data import DataLoader

from book_files import ROOT
from browser_pages import THEMES, wait_until
from chromium import two_frames
from figure_data import export_module, read_data
from record_drawing_network import RECORD, SCRIPT, WEIGHTS, script_digest, weights_digest
from recording import RECORDS
from train_drawing_network import from_shipped, train_with_seed

NAME = "draw_a_digit"
PAGE = "book/draw_a_digit"
TOLERANCE = 1e-5
SIDE = 280

# Digits as somebody would draw them, x and y from 0 to 100: lists of points, one for each stroke.
CIRCLE = [(50 + 45 * np.sin(a), 50 - 45 * np.cos(a)) for a in np.linspace(0, 2 * np.pi, 25)]
STROKES = {
    0: [[(50 + (x - 50) * 0.7, y) for x, y in CIRCLE]],
    1: [[(38, 22), (55, 5), (55, 95)]],
    2: [[(22, 28), (30, 12), (50, 5), (70, 12), (75, 30), (65, 50), (20, 94), (80, 94)]],
    3: [[(22, 12), (50, 5), (72, 15), (72, 35), (45, 48), (74, 60), (76, 80), (52, 95), (22, 86)]],
    4: [[(60, 5), (18, 65), (82, 65)], [(64, 35), (62, 96)]],
    5: [[(74, 6), (30, 6), (27, 45), (55, 40), (76, 55), (76, 78), (55, 95), (22, 88)]],
    6: [[(66, 5), (42, 25), (28, 55), (28, 80), (50, 95), (72, 82), (70, 62), (50, 52), (30, 66)]],
    7: [[(20, 8), (80, 8), (55, 50), (42, 96)]],
    8: [[(50, 48), (28, 30), (32, 10), (52, 4), (72, 12), (72, 30), (50, 48), (26, 68), (30, 88), (50, 96), (72, 88),
         (74, 68), (50, 48)]],
    9: [[(72, 28), (60, 8), (36, 10), (28, 30), (40, 48), (62, 44), (72, 28), (70, 60), (64, 96)]],
}  # fmt: skip

# Capital letters with few curves: no digit is right.
LETTERS = {
    "A": [[(50, 5), (15, 95)], [(50, 5), (85, 95)], [(28, 62), (72, 62)]],
    "C": [[(80, 20), (55, 5), (25, 25), (20, 55), (30, 85), (60, 95), (82, 82)]],
    "E": [[(75, 5), (25, 5), (25, 95), (78, 95)], [(25, 48), (65, 48)]],
    "F": [[(75, 5), (25, 5), (25, 95)], [(25, 48), (65, 48)]],
    "H": [[(20, 5), (20, 95)], [(80, 5), (80, 95)], [(20, 50), (80, 50)]],
    "K": [[(25, 5), (25, 95)], [(75, 5), (25, 55), (80, 95)]],
    "L": [[(25, 5), (25, 95), (75, 95)]],
    "M": [[(15, 95), (20, 5), (50, 60), (80, 5), (85, 95)]],
    "N": [[(20, 95), (20, 5), (80, 95), (80, 5)]],
    "P": [[(25, 95), (25, 5), (65, 8), (75, 28), (62, 48), (25, 50)]],
    "R": [[(25, 95), (25, 5), (65, 8), (75, 28), (62, 48), (25, 50), (78, 95)]],
    "T": [[(15, 5), (85, 5)], [(50, 5), (50, 95)]],
    "U": [[(20, 5), (22, 75), (50, 95), (78, 75), (80, 5)]],
    "V": [[(15, 5), (50, 95), (85, 5)]],
    "W": [[(10, 5), (30, 95), (50, 40), (70, 95), (90, 5)]],
    "X": [[(15, 5), (85, 95)], [(85, 5), (15, 95)]],
    "Y": [[(15, 5), (50, 50)], [(85, 5), (50, 50), (50, 95)]],
}

# How much red the pixels of the surface have. Read from a copy: Chromium warns where a canvas is read again and again.
RED = """() => {
  const copy = Object.assign(document.createElement('canvas'), { width: 280, height: 280 });
  const context = copy.getContext('2d', { willReadFrequently: true });
  context.drawImage(document.querySelector('.surface'), 0, 0);
  return [...context.getImageData(0, 0, 280, 280).data].filter((_, i) => i % 4 === 0);
}"""
READ_MANY = """text => {
  const { bytesFrom, read } = figureModels.draw_a_digit;
  const bytes = bytesFrom(text);
  const answers = [];
  for (let start = 0; start < bytes.length; start += 784) {
    const ink = Float32Array.from(bytes.subarray(start, start + 784), value => value / 255);
    const { logits, probabilities } = read(network, ink, data.mean, data.std);
    answers.push([...logits, ...probabilities]);
  }
  return answers;
}"""
READ_STROKES = """drawings => drawings.map(strokes => {
  const { blankInk, drawStroke, scaledAndCentred, read } = figureModels.draw_a_digit;
  const ink = blankInk();
  for (const stroke of strokes) drawStroke(ink, stroke.flat().map(place => 40 + 2 * place));
  return [...read(network, scaledAndCentred(ink), data.mean, data.std).probabilities];
})"""
SEEN = "document.querySelector('.seen').toDataURL()"
READ_IN_PLACES = """([prepare, inCorners]) => data.digits.slice(0, 10).flatMap(({ label, pixels }) => {
  const { bytesFrom, blankInk, drawImage, boundingBox, read, [prepare]: prepared } = figureModels.draw_a_digit;
  const image = Float32Array.from(bytesFrom(pixels), value => value / 255);
  const centre = blankInk();
  drawImage(centre, image, 42, 42, 7);
  const box = boundingBox(centre);
  const right = inCorners ? [4 - box.left, 276 - box.left - box.width] : [0];
  const down = inCorners ? [4 - box.top, 276 - box.top - box.height] : [0];
  return right.flatMap(dx => down.map(dy => {
    const ink = blankInk();
    drawImage(ink, image, 42 + dx, 42 + dy, 7);
    const seen = prepared(ink);
    const { probabilities } = read(network, seen, data.mean, data.std);
    return { label, right: probabilities.indexOf(Math.max(...probabilities)) === label, seen: seen.join() };
  }));
})"""
PREPARE_MANY = """cases => cases.map(({ surface, image, left, top, scale }) => {
  const { bytesFrom, blankInk, drawImage, scaledAndCentred, read } = figureModels.draw_a_digit;
  const ink = surface ? Float32Array.from(bytesFrom(surface), v => v / 255) : blankInk();
  if (image) drawImage(ink, Float32Array.from(bytesFrom(image), v => v / 255), left, top, scale);
  const seen = scaledAndCentred(ink);
  const { probabilities } = read(network, seen, data.mean, data.std);
  return { answer: probabilities.indexOf(Math.max(...probabilities)), seen: [...seen] };
})"""


@pytest.fixture(scope="module")
def exported():
    """What export_data.py makes."""
    return export_module(NAME).export()


@pytest.fixture(scope="module")
def mnist():
    """The test images as they are stored, (10000, 28, 28), and their labels."""
    from torchvision.datasets.mnist import read_image_file, read_label_file

    raw = ROOT / "notebooks" / "data" / "MNIST" / "raw"
    if not (raw / "t10k-images-idx3-ubyte").exists():
        from torchvision import datasets

        datasets.MNIST(ROOT / "notebooks" / "data", train=False, download=True)  # unpacks what is there
    return read_image_file(raw / "t10k-images-idx3-ubyte"), read_label_file(raw / "t10k-labels-idx1-ubyte")


@pytest.fixture(scope="module")
def network():
    """The network, in PyTorch, made of what the page ships."""
    data = read_data(NAME)
    numbers = torch.frombuffer(bytearray(base64.b64decode(data["weights"])), dtype=torch.float16)
    shapes = {name: tensor.shape for name, tensor in torch.load(WEIGHTS).items()}
    parts = numbers.split([shape.numel() for shape in shapes.values()])
    return from_shipped({name: part.view(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)})


@pytest.fixture
def page(visit):
    """The page, and in it the network and the data under short names."""
    page = visit(PAGE)
    page.evaluate(
        "globalThis.data = figureData.draw_a_digit;"
        "globalThis.network = figureModels.draw_a_digit.readNetwork(data.weights)"
    )
    return page


@torch.no_grad()
def answers_of(network, images):
    data = read_data(NAME)
    kind = next(network.parameters()).dtype
    logits = network((images.unsqueeze(1).to(kind) / 255 - data["mean"]) / data["std"])
    return logits.numpy(), logits.softmax(dim=1).numpy()


def page_text():
    """What the page says, its lines joined."""
    return " ".join((ROOT / f"{PAGE}.md").read_text("utf8").split())


def text_of(array):
    return base64.b64encode(np.ascontiguousarray(array, dtype=np.uint8).tobytes()).decode()


def draw(page, strokes, left=40, top=40, size=200):
    """Draw strokes with the mouse."""
    box = page.locator(".surface").bounding_box()
    for stroke in strokes:
        points = [(box["x"] + left + x * size / 100, box["y"] + top + y * size / 100) for x, y in stroke]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point)
        page.mouse.up()
    two_frames(page)


def shown(page):
    """The digit in bold among the ten, or None."""
    best = page.locator(".answers .best th").all_inner_texts()
    return int(best[0]) if best else None


def ink(page):
    """How many pixels of the surface are dark."""
    return page.evaluate(f"({RED})().filter(value => value < 128).length")


# ---- numbers ----


def test_data_are_fresh(exported):
    assert read_data(NAME) == json.loads(json.dumps(exported))


def test_the_record_belongs_to_the_weights_the_code_and_the_page(mnist, network):
    record = json.loads((RECORDS / f"{RECORD}.json").read_text("utf8"))
    run = record["run"]
    assert run["weights"] == weights_digest(torch.load(WEIGHTS))
    assert record["script"] == script_digest(), "the training has changed: run tools/record_drawing_network.py"
    right = (answers_of(network, mnist[0])[0].argmax(axis=1) == mnist[1].numpy()).sum()
    assert right / 100 == run["test_accuracy"] >= 99
    assert record["page"] == f"{PAGE}.md"
    text = page_text()
    measured = record["circumstances"]
    facts = [run["test_accuracy"], run["parameters"], measured["date"], measured["torch"].partition("+")[0]]
    for fact in [*facts, measured["hardware"]]:
        assert str(fact) in text, f"the page does not say the record's {fact}"


def test_page_and_docstring_name_the_recipe(mnist):
    """train_with_seed runs with a `fit` that trains nothing and keeps what it is given."""
    given = {}

    def fit(model, loaders, optimizer, device, epochs, stopping, scheduler):
        stopping.best_state = model.state_dict()
        given.update(loaders=loaders, optimizer=optimizer, epochs=epochs)

    names = {"device": torch.device("cpu"), "DataLoader": DataLoader, "MEAN": 0.0, "STD": 1.0, "fit": fit}
    names["EarlyStopping"] = lambda patience: SimpleNamespace(patience=patience)
    _, _, stopping = train_with_seed(names, 0, mnist[0], mnist[0])
    assert type(given["optimizer"]) is torch.optim.AdamW
    settings = given["optimizer"].param_groups[0]
    rate, decay = settings["lr"], settings["weight_decay"]
    batch, epochs = given["loaders"][0].loader.batch_size, given["epochs"]
    assert stopping.patience >= epochs, "training stops early"
    text, words = page_text(), " ".join(SCRIPT.read_text("utf8").split('"""')[1].split())
    assert "The optimizer was AdamW instead of SGD" in text
    assert f"Its learning rate began at {rate:g}, its weight decay was {decay:.4f}." in text
    assert f"There were {epochs} epochs, in batches of {batch}." in text
    assert f"AdamW with a learning rate of {rate * 1e3:g}e-3 and a weight decay of {decay * 1e4:g}e-4" in words
    assert f"batches of {batch}, {epochs} epochs" in words


def test_words_about_the_training_do_not_change_its_digest():
    source = SCRIPT.read_text("utf8")
    assert script_digest(source.replace("three things differ", "much differs")) == script_digest()
    assert script_digest(source.replace("EPOCHS = 24", "EPOCHS = 25  # more")) != script_digest()


def test_the_network_of_the_page_is_pytorchs(page, mnist, network):
    images, labels = mnist
    found = np.array([row for chunk in images.split(1000) for row in page.evaluate(READ_MANY, text_of(chunk))])
    logits, probabilities = answers_of(network, images)
    assert np.abs(found[:1000, 10:] - probabilities[:1000]).max() < TOLERANCE
    assert np.abs(found[:1000, :10] - logits[:1000]).max() < 2 * TOLERANCE  # up to 40; half of it is PyTorch's rounding
    exact, _ = answers_of(network.double(), images[:1000])
    network.float()
    print(f"largest difference of a logit from PyTorch in 64 bits: {np.abs(found[:1000, :10] - exact).max():.1e}")
    assert np.abs(found[:1000, :10] - exact).max() < TOLERANCE
    right = (found[:, :10].argmax(axis=1) == labels.numpy()).sum()
    assert right == (logits.argmax(axis=1) == labels.numpy()).sum()
    assert page.problems == []


def test_large_and_off_centre_is_read_like_the_original(page, mnist, network):
    """300 test digits, 10 times as large and put anywhere, with hard edges; every fifth smoothly enlarged as well."""
    images = mnist[0][:300]
    originals = answers_of(network, images)[0].argmax(axis=1)
    chance = np.random.default_rng(0)
    hard, smooth = [], []
    for number, image in enumerate(images.numpy()):
        rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
        digit = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        room = [SIDE - 10 * length for length in digit.shape]
        corner = number % 3 == 0  # every third lies in a corner
        top, left = [int(chance.choice([0, free]) if corner else chance.integers(free + 1)) for free in room]
        hard.append({"image": text_of(image), "left": left - 10 * columns[0].item(),
                     "top": top - 10 * rows[0].item(), "scale": 10})  # fmt: skip
        surface = Image.new("L", (SIDE, SIDE))
        size = tuple(10 * length for length in digit.shape[::-1])
        surface.paste(Image.fromarray(digit).resize(size, Image.Resampling.BICUBIC), (left, top))
        if number % 5:
            continue  # a whole surface is a lot of text: every fifth
        smooth.append({"surface": text_of(np.asarray(surface))})
    for cases, expected in ((hard, originals), (smooth, originals[::5])):
        found = page.evaluate(PREPARE_MANY, cases)
        same = np.mean([case["answer"] for case in found] == expected)
        print(f"{same:.1%} are read like the original")
        assert same >= 0.97
        if cases is hard:  # scaled down again, they are the originals, pixel by pixel
            back = np.array([case["seen"] for case in found]).reshape(-1, 28, 28) * 255
            exact = np.abs(back - images.numpy()).max(axis=(1, 2)) < 1e-3
            assert exact.mean() >= 0.97


def test_what_the_page_says_about_letters_and_corners(page):
    sureness = np.max(page.evaluate(READ_STROKES, list(LETTERS.values())), axis=1)
    places = [
        page.evaluate(READ_IN_PLACES, case)
        for case in (["scaledAndCentred", True], ["onlyShrunk", True], ["onlyShrunk", False])
    ]
    centred, shrunk, middle = [sum(place["right"] for place in case) for case in places]
    print(f"letters above 0.9: {(sureness > 0.9).sum()}; in corners read correctly: {centred}, uncentred {shrunk}")
    text = page_text()
    assert len(sureness) == 17
    assert (sureness > 0.9).sum() == 12
    assert "Of 17 capital letters that we drew for it, twelve" in text
    assert "at 70 % of their size" in text  # 7 pixels of the surface where a full digit takes 10
    assert f"did not scale or centre: all {middle} are read correctly." in text
    assert [len(case) for case in places] == [40, 40, 10]
    assert centred == 40
    assert f"Without scaling and centring {shrunk} of the 40 are read correctly." in text
    assert f"Guessing would give {40 // 10}. With it all {centred} are," in text
    # "the very same pixels in every corner": 40 images, 10 different ones; without centring all differ
    assert len({(place["label"], place["seen"]) for place in places[0]}) == 10
    assert len({place["seen"] for place in places[1]}) == 40
    assert (
        "10 digits counted four times: scaled and centred, a digit gives the very same pixels in every corner." in text
    )


def test_what_the_page_says_about_blank_paper(network):
    blank = torch.full((1, 1, 28, 28), -read_data(NAME)["mean"] / read_data(NAME)["std"])
    with torch.no_grad():
        maps = F.relu(network.conv1(blank))[0].amax(dim=(1, 2))  # (8,)
        kernel, bias = network.conv1.weight[1].sum().item(), network.conv1.bias[1].item()
    assert (maps > 0).tolist() == [number == 1 for number in range(8)]  # the second; four stand in a row
    assert maps[1] == pytest.approx(blank[0, 0, 0, 0].item() * kernel + bias, abs=1e-4)
    assert bias < 0 < kernel * blank[0, 0, 0, 0].item() + bias
    text = page_text().replace("−", "-")
    assert "One of those eight responds to blank paper, too." in text
    assert "The second in the upper row:" in text
    assert (
        f"blank paper is {blank[0, 0, 0, 0]:.2f} and not 0. The numbers of this kernel add up to {kernel:.2f}." in text
    )


# ---- drawing ----


def test_ten_digits_drawn_with_the_mouse_are_read(page):
    """Strokes as a person would draw them, large and small, in the middle and at the edge."""
    wrong = []
    for digit, strokes in STROKES.items():
        for left, top, size in ((40, 40, 200), (8, 120, 140)):
            draw(page, strokes, left, top, size)
            if shown(page) != digit:
                wrong.append((digit, size, shown(page)))
            page.get_by_role("button", name="Clear").click()
    assert wrong == []


def test_the_answer_comes_while_drawing_and_is_said_afterwards(page):
    box = page.locator(".surface").bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 60, steps=10)
    expect(page.locator(".answers .best")).to_have_count(1)
    two_frames(page)
    assert page.locator(".play-readout").inner_text() == "Nothing is drawn."
    page.mouse.move(box["x"] + 120, box["y"] + 230, steps=10)
    page.mouse.up()
    readout = page.locator(".play-readout")
    wait_until(page, "document.querySelector('.play-readout').textContent.includes('reads a 7')")
    assert readout.get_attribute("aria-live") == "polite"
    shares = [text.strip("<> %") for text in page.locator(".answers tbody .number").all_inner_texts()]
    assert len(shares) == 10
    assert 99 < sum(float(share) for share in shares) < 102


def test_buttons(page):
    button = page.get_by_role("button", name="a 7 from the test set").first
    button.click()
    wait_until(page, "document.querySelector('.play-readout').textContent.includes('The test set says: 7.')")
    whole = ink(page)
    assert shown(page) == 7
    for _ in range(4):
        page.get_by_role("button", name="Into a corner").click()
        two_frames(page)
        assert shown(page) == 7
    wait_until(page, "document.querySelector('.play-readout').textContent.startsWith('In the lower left corner.')")
    assert ink(page) == whole
    numbers = page.locator(".answers tbody")
    before = numbers.inner_text()
    page.get_by_label("Scale and centre first").uncheck()
    expect(numbers).not_to_have_text(before, use_inner_text=True)
    draw(page, [[(20, 50), (80, 50)]])
    assert ink(page) > whole
    for _ in range(20):
        page.get_by_role("button", name="Undo").click()
    expect(page.locator(".answers .best")).to_have_count(0)
    assert ink(page) == 0
    assert page.problems == []


def test_the_last_two_digits_are_read_wrongly(page):
    digits = read_data(NAME)["digits"]
    buttons = page.locator(".digits button")
    assert buttons.count() == len(digits) == 12
    for number, digit in enumerate(digits):
        buttons.nth(number).click()
        two_frames(page)
        assert (shown(page) == digit["label"]) == (number < 10)


def test_drawn_with_the_keyboard_alone(visit):
    page = visit(PAGE, reduced_motion="reduce")
    page.locator(".centring").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "surface"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    before = page.evaluate("scrollY")

    def press(key, times=1):
        for _ in range(times):
            page.keyboard.press(key)

    press("ArrowUp", 8), press("ArrowLeft", 6)
    assert shown(page) is None, "a lifted pen leaves no ink"
    press(" ")
    assert "Pen down, row 7, column 9" in page.locator(".pen").inner_text()
    press("ArrowRight", 12)
    for _ in range(8):  # down, and a little to the left
        press("ArrowDown", 2), press("ArrowLeft")
    press(" "), press("Shift+ArrowUp")
    assert "Pen lifted" in page.locator(".pen").inner_text()
    wait_until(page, "document.querySelector('.play-readout').textContent.includes('reads a 7')")
    assert page.evaluate("scrollY") == before
    seven = page.evaluate(SEEN)
    press(" ")
    page.keyboard.down("ArrowRight")
    page.keyboard.down("ArrowUp")
    assert "row 21, column 15" in page.locator(".pen").inner_text(), "both arrows together: along a diagonal"
    page.keyboard.up("ArrowRight")
    press("ArrowUp")
    assert "row 20, column 15" in page.locator(".pen").inner_text()
    page.keyboard.up("ArrowUp")
    wait_until(page, f"{SEEN} !== '{seven}'")
    press("Control+z")
    wait_until(page, f"{SEEN} === '{seven}'")
    assert "Pen lifted" in page.locator(".pen").inner_text()
    page.locator(".clear").focus()
    page.keyboard.press("Enter")
    wait_until(page, "document.querySelector('.play-readout').textContent === 'Nothing is drawn.'")
    assert page.problems == []


def test_nothing_moves_by_itself(page):
    moving = """() => [...document.querySelectorAll('.play *')].filter(e => {
      const style = getComputedStyle(e);
      return style.animationName != 'none' || parseFloat(style.transitionDuration) > 0;
    }).map(e => e.className)"""
    assert page.evaluate(moving) == []


def test_a_finger_draws_on_a_narrow_screen(visit):
    page = visit(PAGE, "narrow", has_touch=True)
    surface = page.locator(".surface")
    surface.scroll_into_view_if_needed()
    assert surface.evaluate("e => getComputedStyle(e).touchAction") == "none"
    assert page.locator(".maps1").evaluate("e => getComputedStyle(e).touchAction") == "auto"
    box, scrolled = surface.bounding_box(), page.evaluate("scrollY")
    session = page.context.new_cdp_session(page)
    points = [(60, 60), (130, 60), (200, 60), (170, 120), (140, 180), (120, 230)]
    for kind, (x, y) in zip(["touchStart"] + ["touchMove"] * 5, points, strict=True):
        touched = {"type": kind, "touchPoints": [{"x": box["x"] + x, "y": box["y"] + y}]}
        session.send("Input.dispatchTouchEvent", touched)
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    wait_until(page, "document.querySelector('.play-readout').textContent.includes('reads a 7')")
    assert page.evaluate("scrollY") == scrolled
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    right = page.evaluate(
        "Math.max(...[...document.querySelectorAll('.play *')].map(e => e.getBoundingClientRect().right))"
    )
    assert right <= 390
    controls = page.locator(".play :is(button, input, .surface)").all()
    sizes = [control.bounding_box() for control in controls]
    assert min(min(size["width"], size["height"]) for size in sizes) >= 24
    assert page.problems == []


# ---- everybody ----


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing_after_use(visit, theme):
    page = visit(PAGE, "wide", theme)
    page.locator(".digits button").nth(4).click()
    page.locator(".surface").focus()
    page.keyboard.press("ArrowDown")
    wait_until(page, "document.querySelector('.play-readout').textContent.includes('The network reads')")
    found = Axe().run(page, context="figure.play", options={"preload": False, "resultTypes": ["violations"]})
    assert [f"{v['id']}: {[n['html'][:120] for n in v['nodes'][:3]]}" for v in found.response["violations"]] == []


def test_the_surface_follows_the_theme(page):
    page.locator(".digits button").nth(1).click()
    corner = f"({RED})()[0]"
    assert page.evaluate(corner) > 200
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    wait_until(page, f"{corner} < 60")


def test_without_script_the_picture_stays(visit):
    page = visit(PAGE, java_script_enabled=False)
    assert page.locator(".play-fallback").is_visible()
    assert page.locator(".play :is(button, input, canvas, table):visible").count() == 0


def test_a_script_that_throws_leaves_the_picture(browser, address):
    page = browser.new_page()
    broken = "globalThis.atob = () => { throw new Error('broken on purpose'); };"
    page.add_init_script(broken)
    page.goto(f"{address}/{PAGE}.html")
    assert page.locator(".play-fallback").is_visible()
    assert page.locator(".play :is(button, input, canvas):visible").count() == 0
    page.close()


def test_the_page_is_linked(site):
    for name in ("index", "notebooks/08_mnist_cnn", "notebooks/10_inside_the_network"):
        article = (site / f"{name}.html").read_text("utf8").partition("<article")[2]
        assert "draw_a_digit.html" in article.partition("</article>")[0], name
