"""Slides of code and of what came out of it."""

import html
import re
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from nbformat import NotebookNode

from slides.highlighting import highlighted
from slides.layout import Arrangement, arrange_pictures, arrange_text
from slides.markdown_blocks import Block
from slides.outputs import Picture, Results, png_picture, results
from slides.source import alt_text, tags

FIGURES = Path(__file__).resolve().parents[2] / "book" / "figures"
# A cell whose lines mostly look like these does nothing but draw.
DRAWS = re.compile(r"\bplt\.|\bax\w*\.|\baxes\b|\bfig\b|\bsns\.|\.set\(|\.legend|\.imshow|\bax\[|^\s*(for|with)\b|^$")
IMAGE = re.compile(r'<img class="play-fallback"[^>]*alt="([^"]*)"')
TITLE = re.compile(r'<span class="play-title">(?:A figure to play with: )?(.*?)</span>')


@dataclass
class Body:
    """The inside of a slide, and what the notes say about it."""

    kind: str
    html: str
    notes: list[str] = field(default_factory=list)


def only_draws(lines: list[str]) -> bool:
    """Say whether a cell does nothing but draw: at least half of its lines are about axes."""
    return sum(bool(DRAWS.search(line)) for line in lines) >= len(lines) / 2


def code_html(arrangement: Arrangement, failed_line: int | None) -> str:
    """Return the code of a slide; the line that raised is marked."""
    options = {"hl_lines": [failed_line]} if failed_line else {}
    width = f"; width: {arrangement.code_width:.0f}px" if arrangement.beside else ""
    inner = highlighted("\n".join(arrangement.code), "ipython3", **options)
    return f'<div class="source" style="font-size: {arrangement.code_size}px{width}">{inner}</div>'


def output_html(arrangement: Arrangement, raised: int) -> str:
    """Return what was printed; the last `raised` lines are an error's."""
    if not arrangement.lines:
        return ""
    printed = len(arrangement.lines) - raised
    text = html.escape("\n".join(arrangement.lines[:printed]))
    if raised:
        error = html.escape("\n".join(arrangement.lines[printed:]))
        text = f'{text}{chr(10) if text else ""}<span class="raised">{error}</span>'
    kind = "output error" if raised else "output"
    return f'<div class="{kind}" style="font-size: {arrangement.output_size}px"><pre>{text}</pre></div>'


def picture_html(picture: Picture, width: float) -> str:
    """Return a picture of a certain width in pixels."""
    height = width * picture.height / picture.width
    alt = html.escape(picture.alt, quote=True)
    return f'<img src="{picture.src}" alt="{alt}" style="width: {width:.0f}px; height: {height:.0f}px">'


def arranged(cell: NotebookNode, found: Results, takeaways: list[str]) -> list[Arrangement]:
    """Return how a cell and its results are laid out, on one or two slides."""
    code = [] if "hide-input" in tags(cell) else cell.source.splitlines()
    lines = [*found.lines, *found.error]
    if found.pictures:
        return arrange_pictures(code, lines, found.pictures, takeaways, only_draws(code))
    return arrange_text(code, lines, takeaways)


def body_of(arrangement: Arrangement, found: Results, takeaways: list[Block], *, reveals: bool) -> Body:
    """Return a slide of code and results. With `reveals` the results appear at the next key."""
    step = " fragment" if reveals else ""
    code = code_html(arrangement, found.failed_line) if arrangement.code else ""
    pictures = "".join(picture_html(picture, arrangement.picture_width) for picture in arrangement.pictures)
    pictures = f'<div class="pictures">{pictures}</div>' if pictures else ""
    printed = output_html(arrangement, min(len(found.error), len(arrangement.lines)))
    # Beside the code stand the pictures, or else what was printed; below it the rest.
    if arrangement.beside and pictures:
        code = f'<div style="width: {arrangement.code_width:.0f}px">{code}{wrapped(printed, step)}</div>'
        main = f"{code}{wrapped(pictures, step)}"
    else:
        main = f"{code}{wrapped(pictures + printed, step)}"
    sentences = "".join(part.html for part in takeaways[: arrangement.takeaways])
    sentences = f'<div class="takeaways fragment">{sentences}</div>' if sentences else ""
    side = "beside" if arrangement.beside else "below"
    notes = []
    if arrangement.cut:
        notes.append(f"<p>… stands for {arrangement.cut} lines that did not fit: the notebook has them all.</p>")
    return Body("code", f'<div class="cell {side}">{main}</div>{sentences}', notes)


def wrapped(inner: str, step: str) -> str:
    """Return the results in a box of their own."""
    return f'<div class="results{step}">{inner}</div>' if inner else ""


def code_slides(cell: NotebookNode, takeaways: list[Block]) -> list[Body]:
    """Return the slides of a code cell: one, or two where code and results need a slide each."""
    found = results(cell, alt_text(cell))
    plan = arranged(cell, found, [part.text for part in takeaways])
    make = partial(body_of, found=found, takeaways=takeaways)
    bodies = [make(arrangement, reveals=bool(arrangement.code)) for arrangement in plan]
    if found.pictures and not any(arrangement.code for arrangement in plan) and "hide-input" not in tags(cell):
        bodies[0].notes.append(f"<p>Drawn by this cell of the notebook ({cell.id}):</p>{highlighted(cell.source)}")
    shown = max(arrangement.takeaways for arrangement in plan)
    bodies[-1].notes += [part.html for part in takeaways[shown:]]
    return bodies


def figure_slide(name: str) -> str:
    """Return a figure to play with as a picture, with a word where the figure itself is.

    Raises ValueError if there is no such figure.
    """
    fragment, picture = FIGURES / name / "figure.html", FIGURES / name / "fallback.png"
    if not fragment.is_file() or not picture.is_file():
        raise ValueError(f"there is no figure {name!r} in book/figures.")
    text = fragment.read_text("utf8")
    found, title = IMAGE.search(text), TITLE.search(text)
    if not found or not title:
        raise ValueError(f"{fragment} should have a title and an image with alt text.")
    image = png_picture(picture.read_bytes(), html.unescape(found[1]))
    width = min(1500, 640 * image.width / image.height)
    caption = f'<p class="play">To play with: {title[1]}. Open the chapter’s page in the book.</p>'
    return f'<div class="pictures">{picture_html(image, width)}</div>{caption}'
