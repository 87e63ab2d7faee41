"""Make the data and the fallback picture of the figure `descent` from the cells of chapter 3.

python book/figures/descent/export_data.py
"""

import io
import sys
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.colors import to_hex
from PIL import Image

HERE = Path(__file__).parent
sys.path.append(str(HERE.parents[2] / "tools"))

from figure_data import write_data  # noqa: E402
from recording import names_of_cells  # noqa: E402

CHAPTER = "03_linear_regression_numpy"
# The cells that make the points, train the line and draw the map, in the order of the chapter.
CELLS = [
    *("setup", "make-data", "split", "first-line", "mse", "nudge", "gradients"),
    *("one-step", "training-loop", "sklearn", "loss-grid", "draw-surface", "standardise", "batches"),
]
PICTURE_WIDTH = 1400  # pixels: twice what the page has


def cell_names() -> dict[str, Any]:
    """Run the cells of the chapter that the figure needs and return the names they define."""
    matplotlib.use("agg")
    return names_of_cells(CHAPTER, CELLS)


def export(names: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the data of the figure: the points, the start, and how the chapter draws its map."""
    names = names or cell_names()
    pyplot = names["plt"]
    drawing, ax = pyplot.subplots()
    filled, lines = names["draw_surface"](ax, names["a_axis"], names["b_axis"], names["loss_grid"])
    levels = filled.levels.tolist()
    pyplot.close(drawing)
    return {
        "x": names["x_train"][:, 0].tolist(),
        "y": names["y_train"][:, 0].tolist(),
        "start": [float(value) for value in names["start"]],
        "a_view": [float(names["a_axis"][0]), float(names["a_axis"][-1])],
        "b_view": [float(names["b_axis"][0]), float(names["b_axis"][-1])],
        "levels": levels,
        "lines": [levels.index(level) for level in lines.levels.tolist()],
        "colours": [to_hex(colour) for colour in filled.to_rgba(filled.cvalues)],  # below, between, above the levels
    }


def draw_fallback(names: dict[str, Any]) -> None:
    """Draw the figure as it is after its first run, with the chapter's own functions, into fallback.png."""
    pyplot, gold = names["plt"], names["gold"]
    path = names["descend"](names["x_train"], names["y_train"], *names["start"], names["learning_rate"], 100)
    drawing, (left, right) = pyplot.subplots(1, 2, figsize=(7, 3), layout="constrained", width_ratios=[3, 2])
    names["draw_surface"](left, names["a_axis"], names["b_axis"], names["loss_grid"])
    left.plot(path[:, 0], path[:, 1], "o-", color=gold, markersize=3, markeredgecolor="black", markeredgewidth=0.4)
    left.plot(*path[0], "o", color=gold, markersize=9, markeredgecolor="black")
    left.plot(names["a_best"], names["b_best"], "*", color="white", markersize=12, markeredgecolor="black")
    ends = np.array([0.0, 1.0])
    right.plot(names["x_train"], names["y_train"], "o", markersize=4)
    right.plot(ends, names["a_best"] + names["b_best"] * ends, "--", color="black", label="best line")
    right.plot(ends, path[-1, 0] + path[-1, 1] * ends, color="C3", linewidth=2.5, label="after 100 epochs")
    right.set(xlabel="feature x", ylabel="target y", ylim=(names["a_axis"][0], names["a_axis"][-1]))
    right.legend(loc="lower right", fontsize=9)
    picture = io.BytesIO()
    drawing.savefig(picture, dpi=PICTURE_WIDTH / drawing.get_figwidth())
    pyplot.close(drawing)
    image = Image.open(picture).convert("RGB").quantize(96, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    image.save(HERE / "fallback.png", optimize=True)


if __name__ == "__main__":
    names = cell_names()
    write_data("descent", export(names))
    draw_fallback(names)
