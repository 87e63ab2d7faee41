"""Make pages and pictures lighter without a visible difference.

Half of a chapter's HTML are the tags around single words of its code, most of them for kinds of words that have no
colour of their own. And a plot needs 256 colours at most; a picture that needs more keeps them.
"""

import io
import re
from pathlib import Path

import numpy as np
from PIL import Image
from sphinx.application import Sphinx

from .built_pages import rewrite_pages

CODE = re.compile(r"<pre\b[^>]*>.*?</pre>", re.DOTALL)
WORD = re.compile(r'<span class="(\w+)">([^<>]*)</span>')
NEIGHBOURS = re.compile(r'<span class="(\w+)">([^<>]*)</span>(\s*)<span class="\1">')
AREA = 16  # pixels: so wide and so high is the smallest area whose change of colour is looked for
# of 255: by so much may the pixels of an area differ on average. In the noise of a picture one sees 10, in a smooth
# gradient steps of 5 to 10; the plots of this book whose curves cross one another change by 1 to 3.
MOST_DIFFERENCE = 4
RULE = re.compile(r'html\[data-theme="(\w+)"\] \.highlight(?: \.(\w+))? \{([^}]*)\}')


def looks(stylesheet: str) -> dict[str, str]:
    """Return for each kind of word in code the first kind that looks the same in both themes, "" for plain text.

    `stylesheet` is Pygments' own, with the rules of both themes.
    """
    rules = RULE.findall(stylesheet)
    plain = {theme: re.search(r"(?<!-)color: [^;]+", style)[0].strip() for theme, name, style in rules if not name}
    styles: dict[str, list[str]] = {}
    for theme, name, style in rules:
        if name:
            styles.setdefault(name, []).append("" if style.strip() == plain[theme] else f"{theme} {style.strip()}")
    first: dict[str, str] = {}
    return {name: first.setdefault(" ".join(style), name) if any(style) else "" for name, style in styles.items()}


def lighter_code(html: str, look: dict[str, str]) -> str:
    """Return a page in whose code only coloured words carry a tag, and neighbours of one look a common one."""

    def tag(word: re.Match[str]) -> str:
        kind = look.get(word[1], "")
        return f'<span class="{kind}">{word[2]}</span>' if kind else word[2]

    def lighter(block: re.Match[str]) -> str:
        text = WORD.sub(tag, block[0].replace("<span></span>", ""))
        while text != (text := NEIGHBOURS.sub(r'<span class="\1">\2\3', text)):
            pass
        return text

    return CODE.sub(lighter, html)


def difference(one: Image.Image, other: Image.Image) -> float:
    """Return by how much two pictures differ where they differ most: the mean of an area's pixels, of 255."""
    pixels = np.abs(np.asarray(one, int) - np.asarray(other, int)).max(axis=-1)
    height, width = (-(-side // AREA) * AREA for side in pixels.shape)
    padded = np.zeros((height, width))
    padded[: pixels.shape[0], : pixels.shape[1]] = pixels
    return float(padded.reshape(height // AREA, AREA, width // AREA, AREA).mean(axis=(1, 3)).max())


def lighter_picture(png: bytes) -> bytes:
    """Return a PNG file with a palette of 256 colours, or the same file where that is no smaller or would show."""
    picture = Image.open(io.BytesIO(png))
    if picture.mode == "P":
        return png
    flat = Image.new("RGB", picture.size, "white")
    rgba = picture.convert("RGBA")
    flat.paste(rgba, mask=rgba.getchannel("A"))
    few = flat.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE, kmeans=3)
    out = io.BytesIO()
    few.save(out, "PNG", optimize=True)
    light = out.getvalue()
    return light if len(light) < len(png) and difference(flat, few.convert("RGB")) <= MOST_DIFFERENCE else png


def lighten(app: Sphinx, exception: Exception | None) -> None:
    """Make the pages and the pictures of the site lighter."""
    if exception is not None or app.builder.format != "html":
        return
    site = Path(app.outdir)
    look = looks((site / "_static" / "pygments.css").read_text("utf8"))
    rewrite_pages(site, lambda html, _page: lighter_code(html, look))
    for picture in (site / "_images").glob("*.png"):
        before = picture.read_bytes()
        after = lighter_picture(before)
        if after != before:
            picture.write_bytes(after)


def connect(app: Sphinx) -> None:
    """Lighten when all pages are written."""
    app.connect("build-finished", lighten, priority=900)  # after the theme, which writes files then as well
