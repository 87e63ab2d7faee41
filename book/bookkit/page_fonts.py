"""Fonts with only those signs that the site shows: the theme's icons, and the font of the formulas."""

import hashlib
import html
import re
import unicodedata
from pathlib import Path

from fontTools import subset

ICONS = ("vendor/fontawesome/webfonts/fa-solid-900.woff2", "icons.woff2")
MATHS = ("latin-modern-math-subset.woff2", "maths.woff2")
STYLES = ("ITALIC", "BOLD", "BOLD ITALIC")


def signs_of_formulas(page: str) -> set[str]:
    """Return the characters of a page's formulas, letters also in the styles in which a browser may draw them."""
    formulas = re.findall(r"<math\b.*?</math>", page, re.DOTALL)
    signs = set(html.unescape(re.sub(r"<annotation.*?</annotation>|<[^>]+>", "", "".join(formulas), flags=re.DOTALL)))
    for sign in list(signs):
        letter = re.fullmatch(r"(?:LATIN|GREEK) (SMALL|CAPITAL) LETTER (\w+)", unicodedata.name(sign, ""))
        for style in STYLES if letter else ():
            name = f"MATHEMATICAL {style} {letter[1]} {letter[2]}"
            # The slanted h is older than the others: it is the sign of a constant of physics.
            signs.add("ℎ" if name == "MATHEMATICAL ITALIC SMALL H" else unicodedata.lookup(name))
    return signs


def write_font(source: Path, target: Path, signs: set[str]) -> str:
    """Write a font of these signs, with what belongs to them (taller brackets, say), and return its version."""
    options = subset.Options(flavor="woff2", layout_features=["*"], drop_tables=["FFTM"])
    font = subset.load_font(str(source), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=[ord(sign) for sign in signs])
    subsetter.subset(font)
    font["head"].modified = font["head"].created  # the same signs make the same file
    subset.save_font(font, str(target), options)
    return hashlib.sha256(target.read_bytes()).hexdigest()[:8]


def with_early_font(page: str, css: str) -> str:
    """Return a page that shows formulas with the address of their font on its first element, for page_scripts.EARLY.

    `css` is the site's style sheet; a page without formulas fetches no font.
    """
    page = re.sub(r' data-formula-font="[^"]*"', "", page)  # of an earlier build
    if "<math" not in page:
        return page
    font = re.search(rf"{re.escape(MATHS[1])}[^\")]*", css)[0]
    element = r'(<html\b[^>]*\bdata-content_root="([^"]*)")'
    return re.sub(element, rf'\1 data-formula-font="\2_static/{font}"', page, count=1)


def with_small_fonts(css: str, site: Path) -> str:
    """Write both fonts and return the style sheet with their addresses."""
    static = site / "_static"
    icons = set(re.findall("[\ue000-\uf8ff]", css))  # where fonts keep signs of their own
    formulas: set[str] = set()
    for page in site.rglob("*.html"):
        formulas |= signs_of_formulas(page.read_text("utf8"))
    for (source, target), signs in ((ICONS, icons), (MATHS, formulas)):
        version = write_font(static / source, static / target, signs)
        css = re.sub(rf'url\("{re.escape(source)}[^)]*\)', f'url("{target}?v={version}")', css)
    return css
