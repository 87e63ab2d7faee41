"""What the code cells of an executed notebook show: texts, the numbers in them, and digests of pictures."""

import hashlib
import io
import re
from base64 import b64decode
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

from nbformat import NotebookNode
from PIL import Image

VARIES = "varies"  # the tag of a cell that shows timings, memory or the like: what it shows is not compared
MEASURED = "measured"  # in the metadata of a cell: patterns of what is a timing or the like, while the rest is compared
THOUSANDS = r"\d{1,3}(?:[,_\u00a0\u2009\u202f]\d{3})+(?!\d)"
# Versions, addresses and places in a source (2.14.1+cpu, 0x7f31, alloc.cpp:127) are names, no numbers; so are the
# digits in float32, layer1.0 and x_2.
# A sign belongs to a number unless something stands before it from which the number is subtracted.
VALUE = re.compile(
    rf"""(?<![\w.])(?:\d+(?:\.\d+){{2,}}[\w.+]*|0[xX][0-9a-fA-F]+|\w+\.(?:cpp|cc|cu|h|py):\d+)
       | (?P<value>(?:(?<![\w.)\]])[+−-])? (?<![\w.])
           (?: (?:{THOUSANDS}|\d+) (?:\.\d*)? (?:[eE][+−-]?\d+)?
             | \.\d+ (?:[eE][+−-]?\d+)?
             | (?:nan|NaN|inf|True|False|None)\b ))""",
    re.VERBOSE,
)
# The folders of a path that begins at the root: another machine has others, and tempfile draws their names by chance.
LOCAL_FOLDERS = re.compile(r"""(?<![\w.…\\/])(?:/|[A-Za-z]:[\\/]+)(?:[^\\/\s:'"]+[\\/]+)+""")


@dataclass(frozen=True)
class Value:
    """A number as it stands in a line; nan, True, False and None are values, too.

    `unit` is what one more in the last digit is worth: 0.01 in 3.14, 1e-7 in 2e-07. It is 0 where nothing was rounded:
    in whole numbers, and in `3.`, as PyTorch and NumPy write a float that is whole.
    """

    text: str
    number: float | str
    unit: float
    line: int


def value(text: str, line: int) -> Value:
    """Return the value that a text like −1,234.5e-3 stands for."""
    plain = re.sub(r"[,_\u00a0\u2009\u202f]", "", text).replace("−", "-")
    if plain.lstrip("+-").lower() in ("nan", "true", "false", "none"):
        return Value(text, plain.lstrip("+-").lower(), 0.0, line)
    mantissa, _, exponent = plain.lower().partition("e")
    decimals = len(mantissa.partition(".")[2])
    unit = 10.0 ** (int(exponent or 0) - decimals) if decimals or exponent else 0.0
    return Value(text, float(plain), unit, line)


def values(text: str) -> list[Value]:
    """Return the values in a text, in order."""
    lines = enumerate(text.splitlines(), 1)
    return [value(m["value"], line) for line, shown in lines for m in VALUE.finditer(shown) if m["value"]]


class TableText(HTMLParser):
    """The text of HTML: a line for each row of a table, the cells of a row separated by ` | `."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = [[]]
        self._skipping = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a row or a cell."""
        self._skipping = tag in ("style", "script")
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        """Go on after a style sheet."""
        self._skipping = False

    def handle_data(self, data: str) -> None:
        """Add text to the cell."""
        if data.strip() and not self._skipping:
            self.rows[-1] = [*self.rows[-1][:-1], "".join(self.rows[-1][-1:]) + data.strip()]

    def __str__(self) -> str:
        return "\n".join(" | ".join(row) for row in self.rows if row)


def after_returns(text: str) -> str:
    """Return what stays on the screen where a progress bar goes back to the beginning of its line."""
    return "\n".join(line.rstrip("\r").rpartition("\r")[2].rstrip() for line in text.split("\n"))


def text_of(data: dict[str, Any]) -> str:
    """Return the text of an output that is no stream: a table, else what stands there in plain text.

    A picture has none: `<Figure size …>` is what nobody sees.
    """
    if "image/png" in data or "image/svg+xml" in data:
        return ""
    if "<table" in data.get("text/html", ""):
        return str(TableText(data["text/html"]))
    return data.get("text/plain", "")


def text_shown(cell: NotebookNode, stderr: bool = True) -> str:
    """Return all text that a cell shows: first what it printed, then what it displayed, then its error.

    The order in which text and pictures arrive may differ; that of the printed lines may not. Of paths on this machine
    the name of the file is left. `stderr` says whether to take what was written there.
    """
    streams = [output for output in cell.outputs if output.output_type == "stream"]
    printed = "".join(output.text for output in streams if stderr or output.name != "stderr")
    parts = [after_returns(printed)]
    for output in cell.outputs:
        if "data" in output:
            parts.append(text_of(output.data))
        elif output.output_type == "error":
            parts.append(f"{output.ename}: {output.evalue}")
    return LOCAL_FOLDERS.sub("…/", "\n".join(part.strip("\n") for part in parts if part.strip()))


def digest_of_picture(data: dict[str, Any]) -> str:
    """Return a digest of a picture's pixels or, of a drawing in SVG, of its text; "" of what is no picture."""
    if "image/png" in data:
        with Image.open(io.BytesIO(b64decode(data["image/png"]))) as picture:
            pixels = picture.convert("RGBA")
        seen = f"{pixels.size}".encode() + pixels.tobytes()
    else:
        seen = data.get("image/svg+xml", "").encode()
    return hashlib.sha256(seen).hexdigest()[:16] if seen else ""


def measured(cell: NotebookNode) -> list[str]:
    """Return the patterns of what differs from run to run in the text of a cell."""
    return cell.metadata.get(MEASURED, [])


def text_compared(cell: NotebookNode, stderr: bool = True) -> str:
    """Return the text that a cell shows, with an ellipsis for whatever the cell itself says is measured."""
    text = text_shown(cell, stderr)
    for pattern in measured(cell):
        text = re.sub(pattern, "…", text, flags=re.MULTILINE)
    return text


def compared_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """Return the code cells whose outputs should be the same in every run."""
    return [c for c in notebook.cells if c.cell_type == "code" and VARIES not in c.metadata.get("tags", [])]


def texts(notebook: NotebookNode, stderr: bool = True) -> dict[str, str]:
    """Return the text that each cell shows, by the cell's id; cells that show none or that vary are left out."""
    shown = {cell.id: text_compared(cell, stderr) for cell in compared_cells(notebook)}
    return {cell: text for cell, text in shown.items() if text}


def pictures(notebook: NotebookNode) -> dict[str, list[str]]:
    """Return digests of the pictures that each cell shows, by the cell's id."""
    digests = {
        cell.id: [digest_of_picture(output.data) for output in cell.outputs if "data" in output]
        for cell in compared_cells(notebook)
    }
    return {cell: drawn for cell, found in digests.items() if (drawn := [digest for digest in found if digest])}
