"""Make data.js and fallback.png of the figure: the weights of the trained network, and digits of the test set.

    python book/figures/draw_a_digit/export_data.py

The weights come from weights.pt, which tools/record_drawing_network.py writes together with its record; the digits come
from the MNIST files through chapter 8's own cells. The picture is a screenshot of the figure itself, so the site has to
be built first; after a change of the data build it again.
"""

import base64
import contextlib
import io
import sys
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from built_site import SITE  # noqa: E402
from chromium import started, two_frames  # noqa: E402
from figure_data import write_data  # noqa: E402
from recording import chapter_names  # noqa: E402
from train_drawing_network import from_shipped  # noqa: E402

CHAPTER = "08_mnist_cnn"
MISREAD = 2  # how many digits that the network reads wrongly are offered
SEVEN_WITH_A_BAR = [[(62, 62), (200, 58), (150, 150), (120, 236)], [(98, 150), (188, 146)]]


def base64_of(tensor: Tensor) -> str:
    """Return the bytes of a tensor as text."""
    return base64.b64encode(tensor.contiguous().numpy().tobytes()).decode("ascii")


def shown_digits(images: Tensor, labels: Tensor, answers: Tensor) -> list[int]:
    """Return which test images are offered: the first of each digit that is read rightly, and the surest mistakes."""
    right = answers.argmax(dim=1) == labels
    first = [int((right & (labels == digit)).nonzero()[0]) for digit in range(10)]
    sureness = answers.max(dim=1).values.masked_fill(right, 0.0)
    return first + sureness.topk(MISREAD).indices.tolist()


@torch.no_grad()
def export() -> dict[str, Any]:
    """Return the data of the figure."""
    weights = torch.load(FOLDER / "weights.pt")
    with contextlib.chdir(ROOT / "notebooks"):  # chapter_names goes there and stays
        names = chapter_names(CHAPTER)
        test_set = names["load_mnist"](train=False)
    answers = from_shipped(weights)(names["prepare"](test_set).tensors[0]).softmax(dim=1)
    shown = shown_digits(test_set.data, test_set.targets, answers)
    return {
        "mean": names["MEAN"],
        "std": names["STD"],
        "weights": base64_of(torch.cat([tensor.flatten() for tensor in weights.values()])),
        "digits": [{"label": int(test_set.targets[i]), "pixels": base64_of(test_set.data[i])} for i in shown],
    }


def take_picture(site: Path) -> None:
    """Draw a seven with a bar in the built page, and keep a screenshot of the stage as the fallback picture."""
    address = site / "book" / "draw_a_digit.html"
    if not address.is_file():
        raise SystemExit(f"There is no page {address} to take the picture of. Build the book first: make book")
    with started() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 1600}, device_scale_factor=2, color_scheme="light")
        page.goto(address.as_uri())
        box = page.locator("#figure-draw_a_digit .surface").bounding_box()
        for first, *others in SEVEN_WITH_A_BAR:
            page.mouse.move(box["x"] + first[0], box["y"] + first[1])
            page.mouse.down()
            for x, y in others:
                page.mouse.move(box["x"] + x, box["y"] + y, steps=12)
            page.mouse.up()
        page.mouse.move(0, 0)
        two_frames(page)
        picture = page.locator("#figure-draw_a_digit .play-stage").screenshot()
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(32).save(FOLDER / "fallback.png", optimize=True)


if __name__ == "__main__":
    write_data("draw_a_digit", export())
    take_picture(SITE)
