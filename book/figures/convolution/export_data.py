"""Export what the figure plays with, from the cells of chapter 8: ten digits as bytes, and the chapter's kernel.

python book/figures/convolution/export_data.py
"""

import base64
import contextlib
import io
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")  # the cells draw; nobody looks

import matplotlib.pyplot as plt
import torch
from matplotlib.patches import Rectangle
from PIL import Image

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parents[2] / "tools"))

from figure_data import write_data  # noqa: E402 (found through the line above)
from recording import chapter_names, names_of_cells  # noqa: E402

CHAPTER = "08_mnist_cnn"
CELLS = ("samples", "convolve")  # beyond the setup: they load the digits, and convolve the seven
WINDOW = (8, 12)  # where the fallback picture shows the window: the lower edge of the seven's upper bar


def cell_names() -> dict[str, Any]:
    """Run the chapter up to its convolution from scratch and return the names it defines."""
    with contextlib.chdir(Path.cwd()), plt.rc_context(), contextlib.redirect_stdout(io.StringIO()):
        names = chapter_names(CHAPTER)  # changes the folder and the look of plots; both are put back
        names_of_cells(CHAPTER, CELLS, names)
        plt.close("all")
    return names


def export() -> dict[str, Any]:
    """Return the digits, the first one of each kind but the chapter's own seven, and the chapter's kernels."""
    names = cell_names()
    pictures, targets = names["train_digits"].data, names["train_digits"].targets
    digits = [pictures[(targets == digit).nonzero()[0, 0]] for digit in range(10)]  # (28, 28) each, bytes
    digits[7] = (names["seven"] * 255).round().to(torch.uint8)
    kernel = names["edge_kernel"]
    kernels = {"lower": kernel, "upper": kernel.flip(0, 1), "right": kernel.T}
    return {
        "side": digits[0].shape[0],
        "digits": [base64.b64encode(digit.numpy().tobytes()).decode() for digit in digits],
        "kernels": {name: values.flatten().tolist() for name, values in kernels.items()},
    }


def draw_fallback(path: Path) -> None:
    """Draw the picture for readers without scripts: the seven, one place of the window, the map."""
    names = cell_names()
    seven, kernel, edges = names["seven"], names["edge_kernel"], names["edges"]
    row, column = WINDOW
    pixels = seven[row : row + 3, column : column + 3]
    fig, (left, middle, right) = plt.subplots(1, 3, figsize=(7.8, 2.7), layout="constrained", dpi=190)
    left.imshow(seven, cmap="gray")
    left.add_patch(Rectangle((column - 0.5, row - 0.5), 3, 3, fill=False, color="#ffb000", linewidth=2))
    drawn = right.imshow(edges, cmap="RdBu_r", vmin=-3, vmax=3)
    right.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, color="black", linewidth=2))
    fig.colorbar(drawn, ax=right, label="sum of products", shrink=0.85)
    for ax, title in ((left, "picture, 28 × 28"), (right, f"feature map, {edges.shape[0]} × {edges.shape[1]}")):
        ax.set_title(title, fontsize=9)
        ax.set(xlabel="column", ylabel="row")
    lines = [
        " + ".join(f"{pixel:.3f}·{weight:.0f}" for pixel, weight in zip(*pair, strict=True)).replace("-", "−")
        for pair in zip(pixels.tolist(), kernel.tolist(), strict=True)
    ]
    total = f"{(pixels * kernel).sum():+.3f}".replace("-", "−")
    text = "the nine products\nand their sum\n\n" + " +\n\n".join(lines) + f"\n\n= {total}"
    middle.text(0.5, 0.5, text, ha="center", va="center", fontsize=8)
    middle.axis("off")
    fig.savefig(path)
    plt.close(fig)
    Image.open(path).convert("RGB").quantize(128).save(path, optimize=True)  # a palette: a third of the size


if __name__ == "__main__":
    print(write_data("convolution", export()))
    draw_fallback(HERE / "fallback.png")
