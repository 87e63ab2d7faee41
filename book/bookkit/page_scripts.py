"""One script for the whole site, loaded after the text, and a policy that lets no page load anything from elsewhere.

A Content-Security-Policy that allows only the site itself allows no script that is written into a page, but one: EARLY,
which the policy names by its hash. It must run before the first line is drawn (light or dark), and as a file of its own
it would keep the page blank until the file has come. All else that the theme writes there goes into `site.js`, which
waits until the page is there. What only some pages need, they load themselves (OWN).
"""

import base64
import hashlib
import re
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from .built_pages import rewrite_pages

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
# Light or dark; and where the browser refuses to store anything (it throws), an object that forgets takes the place of
# the storage: the theme reads and writes without asking, and its error would end every other part of site.js as well.
# And the font of the formulas, asked for at once: formulas have another height in it, so that it moves all that stands
# below them if it comes after the first drawing. (To a page opened from a disk a browser gives no font in advance.)
EARLY = """
(() => {
  "use strict";
  const page = document.documentElement.dataset;
  try {
    page.mode = localStorage.getItem("mode") || "auto";
    page.theme = localStorage.getItem("theme") || "auto";
  } catch {
    page.mode = page.theme = "auto";
  }
  if (page.theme === "auto") page.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  if (page.formulaFont && location.protocol !== "file:") {
    const font = { rel: "preload", as: "font", type: "font/woff2", crossOrigin: "anonymous", href: page.formulaFont };
    document.head.append(Object.assign(document.createElement("link"), font));
  }
  for (const name of ["localStorage", "sessionStorage"]) {
    try {
      window[name].getItem("mode");
    } catch {
      const kept = new Map();
      const getItem = (key) => kept.get(key) ?? null;
      const setItem = (key, text) => void kept.set(key, String(text));
      const removeItem = (key) => void kept.delete(key);
      Object.defineProperty(window, name, { value: { getItem, setItem, removeItem } });
      window.storageIsRefused = true;
    }
  }
})();
"""
LATE = """\
document.addEventListener("DOMContentLoaded", () => {
  for (const button of document.querySelectorAll(".btn-download-pdf-button")) button.onclick = () => window.print();
});
"""
# What the theme and the extensions write into a page, each in full; EARLY and SETTINGS do the same.
KNOWN_INLINE = [
    re.compile(
        r'document\.documentElement\.dataset\.mode = localStorage\.getItem\("mode"\) \|\| "auto";\s+'
        r'document\.documentElement\.dataset\.theme = localStorage\.getItem\("theme"\) \|\| "auto";'
    ),
    re.compile(r"let toggleHintShow = 'Click to show';"),
    re.compile(r"let toggleHintHide = 'Click to hide';"),
    re.compile(r"let toggleOpenOnPrint = 'true';"),
    re.compile(r"var togglebuttonSelector = '\.toggle, \.admonition\.dropdown';"),
    re.compile(r"DOCUMENTATION_OPTIONS\.pagename = '[\w/.-]*';"),
    re.compile(r"DOCUMENTATION_OPTIONS\.search_as_you_type = false;"),
]
# The theme would keep in the browser how far the side bar was scrolled. It finds the open chapter without that.
KEEPS_SCROLLING = re.compile(
    r';window\.addEventListener\("beforeunload",\(\)=>\{sessionStorage\.setItem\("sidebar-scroll-top",\w+\.scrollTop\)\}\)'
)
EARLY_HASH = base64.b64encode(hashlib.sha256(EARLY.encode()).digest()).decode()
# Opened from a disk, the site is not 'self' for every browser: to Firefox each file is an origin of its own, which
# matches nothing. `file:` allows files there, and nothing at all to a page that came from a server.
POLICY = (
    f"default-src 'self' file:; script-src 'self' file: 'sha256-{EARLY_HASH}'; img-src 'self' file: data:; "
    "object-src 'none'; base-uri 'self'; form-action 'self' file:"
)
SCRIPT = re.compile(r"[ \t]*<script\b(?P<attributes>[^>]*)>(?P<code>.*?)</script>\n?", re.DOTALL)
PRELOAD = re.compile(r'[ \t]*<link rel="preload" as="script"[^>]*>\n?')


def write_scripts(static: Path) -> dict[str, str]:
    """Write the site's scripts and return the version of each, by its name.

    Raises ExtensionError where the theme's script is no longer the one that this module knows.
    """
    parts = [(static / name).read_text("utf8") for name in SCRIPTS]
    parts.insert(1, SETTINGS)
    # Each part ends its last statement here: not all of them do it themselves.
    together, found = KEEPS_SCROLLING.subn("", ";\n".join([*parts, LATE]))
    if found != 1:
        raise ExtensionError(
            f"page_scripts.py finds {found} places where the theme keeps the side bar's place, not one"
        )
    texts = {
        "site.js": together,
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
            if not any(known.fullmatch(script["code"].strip()) for known in KNOWN_INLINE):
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
    """Return a page with the policy, EARLY, and the site's scripts, which it loads late.

    Raises ExtensionError where the page is not built as the theme builds its pages.
    """
    if "Content-Security-Policy" in html:
        return html
    found = re.search(r'data-content_root="([^"]*)"', html)
    if found is None:
        raise ExtensionError(f"{where}: page_scripts.py does not find data-content_root, so the page has no policy")
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
    early = f'  <meta http-equiv="Content-Security-Policy" content="{POLICY}" />\n  <script>{EARLY}</script>\n'
    html, policies = re.subn(r'(<meta charset="utf-8" />\n?)', lambda meta: meta[1] + early, html, count=1)
    late = f'  <script defer src="{static}site.js?v={versions["site.js"]}"></script>\n'
    html, lates = re.subn("</head>", lambda head: f"{late}{''.join(own)}{head[0]}", html, count=1)
    if not policies or not lates:
        raise ExtensionError(f"{where}: page_scripts.py finds no place for the policy or for the scripts")
    return html


def move_scripts(app: Sphinx, exception: Exception | None) -> None:
    """Write the site's scripts and take all others out of its pages."""
    if exception is not None or app.builder.format != "html":
        return
    site = Path(app.outdir)
    versions = write_scripts(site / "_static")

    def changed(html: str, page: Path) -> str:
        html = moved_out(html, versions, page.relative_to(site).as_posix())
        for name, version in versions.items():
            html = re.sub(rf'({re.escape(name)})\?v=\w+"', rf'\1?v={version}"', html)
        return html

    rewrite_pages(site, changed)


def connect(app: Sphinx) -> None:
    """Move them when all pages are written."""
    app.connect("build-finished", move_scripts, priority=900)  # after the theme, which writes files then as well
