"""The colours of code: those that the site uses on white."""

import re
from functools import cache
from pathlib import Path

import yaml
from pygments.formatters import HtmlFormatter

WORD = re.compile(r'<span class="([\w-]+)">([^<]*)</span>')
NEIGHBOURS = re.compile(r'<span class="([\w-]+)">([^<]*)</span><span class="\1">([^<]*)</span>')


@cache
def styles(root: Path) -> str:
    """Return the style sheet for code."""
    config = yaml.safe_load((root / "_config.yml").read_text("utf8"))
    style = config["sphinx"]["config"]["html_theme_options"]["pygments_light_style"]
    return HtmlFormatter(style=style).get_style_defs(".highlight")


def plain_classes(sheet: str) -> set[str]:
    """Return the classes that a style sheet gives the colour of the whole, and the operators."""
    base = re.search(r"^\.highlight \{[^}]*?; color: (#\w+)", sheet, flags=re.MULTILINE)[1]
    return {*re.findall(rf"^\.highlight \.(\w+) \{{ color: {base} \}}", sheet, flags=re.MULTILINE), "o"}


def lightened(listing: str, sheet: str) -> str:
    """Return a listing without the marks that colour nothing: most of them, and each has a place in a PDF's tags."""
    plain = plain_classes(sheet)
    words = WORD.sub(lambda word: word[2] if word[1] in plain else word[0], listing)
    while words != (merged := NEIGHBOURS.sub(r'<span class="\1">\2\3</span>', words)):
        words = merged
    return words
