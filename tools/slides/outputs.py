"""What a cell printed, drew or raised, as parts that a slide can show."""

import base64
import re
import struct
from dataclasses import dataclass, field

from nbconvert.filters import strip_ansi
from nbformat import NotebookNode

ARROW = re.compile(r"^-+> (\d+)", re.MULTILINE)
SVG_SIZE = re.compile(r'<svg\b[^>]*\bwidth="([\d.]+)pt" height="([\d.]+)pt"')
# What Jupyter says when a program is written or the way of errors is set: nothing to show.
CHATTER = re.compile(r"^(Writing|Overwriting) \S+\.py$|^Exception reporting mode: ")
ERROR_LINES = 8  # of a message; an error is read from its last line


@dataclass
class Picture:
    """A picture: the address of its data, its size in pixels, what it shows."""

    src: str
    width: float
    height: float
    alt: str


@dataclass
class Results:
    """What came out of a cell: lines of text, pictures, the lines of an error message and where it was raised."""

    lines: list[str] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    error: list[str] = field(default_factory=list)
    failed_line: int | None = None

    def __bool__(self) -> bool:
        return bool(self.lines or self.pictures or self.error)


def data_address(mime: str, data: bytes) -> str:
    """Return data as an address, so that a deck carries its pictures along."""
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"


def png_size(data: bytes) -> tuple[int, int]:
    """Return width and height of a PNG in pixels."""
    return struct.unpack(">II", data[16:24])


def png_picture(data: bytes, alt: str) -> Picture:
    """Return a picture made of the bytes of a PNG."""
    width, height = png_size(data)
    return Picture(data_address("image/png", data), width, height, alt)


def svg_picture(source: str, alt: str) -> Picture:
    """Return a picture made of an SVG that Graphviz drew. Raises ValueError if it does not say its size."""
    size = SVG_SIZE.search(source)
    if not size:
        raise ValueError("an SVG does not begin with its size in points: slides show only those of Graphviz.")
    return Picture(data_address("image/svg+xml", source.encode()), float(size[1]), float(size[2]), alt)


def printed_lines(text: str) -> list[str]:
    """Return the lines of printed text as a terminal shows them: what a carriage return wrote over is gone."""
    lines = strip_ansi(text).rstrip("\n").split("\n")
    return [line.rstrip("\r").rpartition("\r")[2].rstrip() for line in lines]


def error_lines(output: NotebookNode) -> list[str]:
    """Return the last lines of a traceback: the name of the error and its message, cut in the middle if long."""
    message = [line for line in strip_ansi(f"{output.ename}: {output.evalue}").split("\n") if line.strip()]
    return middle_cut(message, ERROR_LINES)


def middle_cut(lines: list[str], limit: int) -> list[str]:
    """Return at most `limit` lines; a line with … says where others stood."""
    if len(lines) <= limit:
        return lines
    above = (limit - 1) * 2 // 3
    return [*lines[:above], "…", *lines[len(lines) - (limit - 1 - above) :]]


def results(cell: NotebookNode, alt: str) -> Results:
    """Return what came out of a cell. Raises ValueError for a kind of output that no slide can show."""
    found = Results()
    for output in cell.outputs:
        if output.output_type == "stream":
            found.lines += printed_lines(output.text)
        elif output.output_type == "error":
            found.error = error_lines(output)
            frames = strip_ansi("\n".join(output.traceback))
            arrow = ARROW.search(frames)
            found.failed_line = int(arrow[1]) if arrow else None
        elif "image/svg+xml" in output.data:
            found.pictures.append(svg_picture(output.data["image/svg+xml"], alt))
        elif "image/png" in output.data:
            found.pictures.append(png_picture(base64.b64decode(output.data["image/png"]), alt))
        elif "text/plain" in output.data:
            found.lines += printed_lines(output.data["text/plain"])
        else:
            raise ValueError(f"the cell {cell.id} has an output that slides cannot show: {', '.join(output.data)}.")
    found.lines = [line for line in found.lines if not CHATTER.match(line)]
    while found.lines and not found.lines[-1]:
        found.lines.pop()
    return found
