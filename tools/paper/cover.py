"""Draw the cover of the e-book: the title and the landing page's picture."""

import textwrap
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imread

INK, PAPER = "#0b3a57", "#ffffff"


def draw(title: str, authors: str, picture: Path | None, file: Path) -> None:
    """Write a cover of 1200 × 1800 pixels."""
    figure = Figure(figsize=(6, 9), dpi=200, facecolor=PAPER)
    FigureCanvasAgg(figure)
    lines = "\n".join(textwrap.wrap(title, 18))
    figure.text(0.09, 0.93, lines, size=34, weight="bold", color=INK, ha="left", va="top", linespacing=1.25)
    if picture is not None:
        axes = figure.add_axes((0.06, 0.18, 0.88, 0.45))
        axes.imshow(imread(picture), interpolation="lanczos")
        axes.set_axis_off()
    figure.text(0.09, 0.07, "\n".join(textwrap.wrap(authors, 44)), size=13, color=INK, ha="left", va="bottom")
    figure.savefig(file)
