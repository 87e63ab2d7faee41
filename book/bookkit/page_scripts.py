"""One script for the whole site, loaded after the text, and a policy that lets no page load anything from elsewhere.

A Content-Security-Policy that allows only the site itself allows no script that is written into a page. What the theme
writes there goes into two files: `early.js`, which must run before the first line is drawn (light or dark), and
`site.js`, which waits until the page is there. What only some pages need, they load themselves (OWN).
"""

import hashlib
import re
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

POLICY = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'"
# In the order in which the theme loads them.
SCRIPTS = [
    "documentation_options.js",
    "doctools.js",
    "sphinx_highlight.js",
    "clipboard.min.js",
    "copybutton.js",
    "scripts/sphinx-book-theme.js",
    "togglebutton.js",
    "design-tabs.js",
    "scripts/bootstrap.js",
    "scripts/pydata-sphinx-theme.js",
    "exercise_ticks.js",
]
OWN = re.compile(r"figures/.*|search_index\.js|search\.js")
# What the theme and the extensions would write into each page. (The name of the page, which they write too, is read by
# a version switcher that this book does not have.)
SETTINGS = """\
let toggleHintShow = "Click to show";
let toggleHintHide = "Click to hide";
let toggleOpenOnPrint = "true";
var togglebuttonSelector = ".toggle, .admonition.dropdown";
DOCUMENTATION_OPTIONS.search_as_you_type = false;
"""
EARLY = """\
try {
  document.documentElement.dataset.mode = localStorage.getItem("mode") || "auto";
  document.documentElement.dataset.theme = localStorage.getItem("theme") || "auto";
} catch {
  document.documentElement.dataset.mode = document.documentElement.dataset.theme = "auto";
}
if (document.documentElement.dataset.theme === "auto") {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
}
"""
LATE = """\
document.addEventListener("DOMContentLoaded", () => {
  for (const button of document.querySelectorAll(".btn-download-pdf-button")) button.onclick = () => window.print();
});
"""
KNOWN_INLINE = re.compile(r"dataset\.mode|toggleHint|toggleOpenOnPrint|togglebuttonSelector|DOCUMENTATION_OPTIONS\.")
SCRIPT = re.compile(r"[ \t]*<script\b(?P<attributes>[^>]*)>(?P<code>.*?)</script>\n?", re.DOTALL)
PRELOAD = re.compile(r'[ \t]*<link rel="preload" as="script"[^>]*>\n?')


def write_scripts(static: Path) -> dict[str, str]:
    """Write the site's scripts and return the version of each, by its name."""
    parts = [(static / name).read_text("utf8") for name in SCRIPTS]
    parts.insert(1, SETTINGS)
    texts = {
        "early.js": EARLY,
        # Each part ends its last statement itself: not all of them do.
        "site.js": ";\n".join([*parts, LATE]),
        "noscript.css": ".pst-js-only { display: none !important; }\n",
    }
    for name, text in texts.items():
        (static / name).write_text(re.sub(r"\n//# sourceMappingURL=\S+", "", text), "utf8")
    return {name: hashlib.sha256(text.encode()).hexdigest()[:8] for name, text in texts.items()}


def scripts_of(html: str, root: str, where: str) -> list[str]:
    """Return the scripts that a page loads and others do not.

    Raises ExtensionError where a page holds a script that nobody knows.
    """
    own = []
    for script in SCRIPT.finditer(html):
        source = re.search(r'\bsrc="([^"?]+)', script["attributes"])
        if source is None:
            if not KNOWN_INLINE.search(script["code"]):
                start = script["code"].strip()[:100]
                raise ExtensionError(f"{where}: page_scripts.py does not know this script: {start}")
            continue
        name = source[1].removeprefix(root).removeprefix("_static/")
        if OWN.fullmatch(name):
            own.append(script[0])
        elif name not in SCRIPTS:
            raise ExtensionError(f"{where}: page_scripts.py does not know the script {name}: add it there")
    return own


def moved_out(html: str, versions: dict[str, str], where: str) -> str:
    """Return a page that loads the site's scripts, late, and none that is written into it."""
    found = re.search(r'data-content_root="([^"]*)"', html)
    if found is None or "Content-Security-Policy" in html:
        return html
    root, static = found[1], f"{found[1]}_static/"
    own = scripts_of(html, root, where)
    html = PRELOAD.sub("", SCRIPT.sub("", html))
    html = re.sub(
        r"<noscript>\s*<style>.*?</style>\s*</noscript>",
        f'<noscript><link rel="stylesheet" href="{static}noscript.css" /></noscript>',
        html,
        count=1,
        flags=re.DOTALL,
    )
    html = re.sub(r'(<button) onclick="window\.print\(\)"', r"\1", html)
    early = f'  <meta http-equiv="Content-Security-Policy" content="{POLICY}" />\n'
    early += f'  <script src="{static}early.js?v={versions["early.js"]}"></script>\n'
    html = re.sub(r'(<meta charset="utf-8" />\n?)', lambda meta: meta[1] + early, html, count=1)
    late = f'  <script defer src="{static}site.js?v={versions["site.js"]}"></script>\n'
    return html.replace("</head>", f"{late}{''.join(own)}</head>", 1)


def move_scripts(app: Sphinx, exception: Exception | None) -> None:
    """Write the site's scripts and take all others out of its pages."""
    if exception is not None or app.builder.format != "html":
        return
    site = Path(app.outdir)
    versions = write_scripts(site / "_static")
    for page in site.rglob("*.html"):
        before = page.read_text("utf8")
        after = moved_out(before, versions, page.relative_to(site).as_posix())
        for name, version in versions.items():
            after = re.sub(rf'({re.escape(name)})\?v=\w+"', rf'\1?v={version}"', after)
        if after != before:
            page.write_text(after, "utf8")


def connect(app: Sphinx) -> None:
    """Move them when all pages are written."""
    app.connect("build-finished", move_scripts, priority=900)  # after the theme, which writes files then as well
