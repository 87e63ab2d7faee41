"""One style sheet for the whole site, with only those rules and icons that its pages use.

The theme's own sheets weigh 550 KB in nine files, most of it for parts that this book does not have.
"""

import hashlib
import posixpath
import re
from pathlib import Path

import tinycss2
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from .built_pages import rewrite_pages
from .page_fonts import with_early_font, with_small_fonts

# In the order in which the theme loads them; a later rule wins over an earlier one.
SHEETS = [
    "basic.css",  # theme.css imports it
    "styles/pydata-sphinx-theme.css",
    "pygments.css",
    "styles/sphinx-book-theme.css",
    "togglebutton.css",
    "copybutton.css",
    "mystnb.*.css",
    "sphinx-design.min.css",
    "book.css",
]
BUNDLE = "site.css"
LINK = re.compile(r'[ \t]*<link\b[^>]*\bhref="(?P<href>[^"]+?\.css)(?:\?[^"]*)?"[^>]*>\n?')
NAME = re.compile(r"[\w-]+")


def words_in_use(site: Path) -> set[str]:
    """Return every class and id of the pages, and every word of the scripts, which may set more of them."""
    words: set[str] = set()
    for page in site.rglob("*.html"):
        for _name, value in re.findall(r'\b(class|id)="([^"]*)"', page.read_text("utf8")):
            words.update(value.split())
    for script in site.rglob("*.js"):
        if script.name != "search_index.js":
            words.update(NAME.findall(script.read_text("utf8")))
    return words


def is_used(selector: str, words: set[str]) -> bool:
    """Say whether a selector can match. What stands in :not(), :is() and the like does not decide."""
    plain = selector
    while plain != (plain := re.sub(r":[\w-]+\([^()]*\)", "", plain)):
        pass
    plain = re.sub(r"\[[^\]]*\]", "", plain)
    return words.issuperset(re.findall(r"[.#](-?[_a-zA-Z][\w-]*)", plain))


def selectors(prelude: list[tinycss2.ast.Node]) -> list[str]:
    """Return the selectors of a rule: what stands between its commas."""
    parts: list[list[tinycss2.ast.Node]] = [[]]
    for token in prelude:
        if token.type == "literal" and token.value == ",":
            parts.append([])
        else:
            parts[-1].append(token)
    return [tinycss2.serialize(part).strip() for part in parts]


def purged(rules: list[tinycss2.ast.Node], words: set[str]) -> str:
    """Return the rules that can match something, as text."""
    kept = []
    for rule in rules:
        if rule.type == "qualified-rule":
            used = [selector for selector in selectors(rule.prelude) if is_used(selector, words)]
            if used:
                kept.append(f"{','.join(used)}{{{tinycss2.serialize(rule.content).strip()}}}")
        elif rule.type == "at-rule" and rule.lower_at_keyword in ("media", "supports"):
            inner = purged(tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True), words)
            if inner:
                kept.append(f"@{rule.at_keyword} {tinycss2.serialize(rule.prelude).strip()}{{{inner}}}")
        elif rule.type == "error":
            raise ExtensionError(f"a style sheet cannot be read: {rule.message} (line {rule.source_line})")
        elif rule.type != "at-rule" or rule.lower_at_keyword not in ("charset", "import"):
            kept.append(rule.serialize())
    return "\n".join(kept)


def with_paths_from(sheet: str, css: str) -> str:
    """Return the text of a sheet in a sub-folder with its addresses as seen from the folder of the bundle."""

    def moved(address: re.Match[str]) -> str:
        path = address["path"]
        if re.match(r"data:|#", path):
            return address[0]
        return f'url("{posixpath.normpath(posixpath.join(posixpath.dirname(sheet), path))}")'

    return re.sub(r"""url\((?P<quote>["']?)(?P<path>[^"')]+)(?P=quote)\)""", moved, css)


def bundle(static: Path, words: set[str]) -> str:
    """Return the text of the one style sheet."""
    texts = []
    for pattern in SHEETS:
        for path in sorted(static.glob(pattern)):
            rules = tinycss2.parse_stylesheet(path.read_text("utf8"), skip_comments=True, skip_whitespace=True)
            texts.append(with_paths_from(path.relative_to(static).as_posix(), purged(rules, words)))
    return "\n".join(['@charset "UTF-8";', *texts])


def link_bundle(html: str, version: str) -> str:
    """Return a page that loads the bundle instead of its parts. The sheets of its own figures stay."""
    links = [link for link in LINK.finditer(html) if not re.search("/figures/|noscript", link["href"])]
    if not links:
        return html
    first = links[0]
    root = first["href"].partition("_static/")[0]
    bundle = f'    <link rel="stylesheet" href="{root}_static/{BUNDLE}?v={version}" />\n'
    sheets = [*SHEETS, "styles/theme.css", BUNDLE]
    known = re.compile("|".join(pattern.replace(".", r"\.").replace("*", r"\w+") for pattern in sheets))
    for link in links:
        if not known.fullmatch(link["href"].partition("_static/")[2]):
            name = link["href"]
            raise ExtensionError(f"page_styles.py does not know the style sheet {name}: add it there")
    for link in reversed(links):
        html = html[: link.start()] + (bundle if link is first else "") + html[link.end() :]
    return html


def bundle_styles(app: Sphinx, exception: Exception | None) -> None:
    """Write the bundle and let every page load it."""
    if exception is not None or app.builder.format != "html":
        return
    site = Path(app.outdir)
    css = with_small_fonts(bundle(site / "_static", words_in_use(site)), site)
    (site / "_static" / BUNDLE).write_text(css, "utf8")
    version = hashlib.sha256(css.encode()).hexdigest()[:8]
    rewrite_pages(site, lambda html, _page: with_early_font(link_bundle(html, version), css))


def connect(app: Sphinx) -> None:
    """Bundle when all pages are written."""
    app.connect("build-finished", bundle_styles, priority=900)  # after the theme, which writes files then as well
