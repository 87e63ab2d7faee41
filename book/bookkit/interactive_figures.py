"""Interactive figures: `<!-- figure: name -->` in a page becomes the figure of `book/figures/name/`.

A notebook stays plain Markdown: the comment is invisible in Jupyter, on Colab and on GitHub. On the site the figure's
fragment of HTML takes its place: caption, fallback picture, controls. Its script and its style are loaded by this page
alone, one file each: what all figures share, the figure's data, the figure. A page may show several figures: each
script keeps its names to itself.
"""

import re
import shutil
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

FIGURES = Path(__file__).parents[1] / "figures"
MARKER = re.compile(r"<!-- figure: ([a-z_]+) -->")
KEY = "interactive_figures"  # where a page's metadata keep the names of its figures


def script_parts(name: str) -> list[Path]:
    """Return the files of which the script of a figure is made, in order."""
    return [FIGURES / "play.js", FIGURES / name / "data.js", FIGURES / name / f"{name}.js"]


def style_parts(name: str) -> list[Path]:
    """Return the files of which the style of a figure is made, in order."""
    return [FIGURES / "play.css", FIGURES / name / f"{name}.css"]


def figure_script(name: str) -> str:
    """Return the script of a figure. In a function, so that two figures on one page do not declare the same names."""
    parts = "\n".join(part.read_text("utf8") for part in script_parts(name))
    return f'(() => {{\n"use strict";\n{parts}}})();\n'


def figure_html(name: str, docname: str) -> str:
    """Return the HTML of a figure on a page."""
    fragment = FIGURES / name / "figure.html"
    if not fragment.is_file():
        raise ExtensionError(f"{docname}: there is no figure {name!r}: {fragment} is missing")
    picture = f"{'../' * docname.count('/')}_static/figures/{name}.png"
    html = fragment.read_text("utf8").replace("{fallback}", picture)
    return f'<figure class="play" id="figure-{name}" data-figure="{name}">\n{html}</figure>\n'


def place_figures(app: Sphinx, doctree: nodes.document) -> None:
    """Replace the markers of a page, and remember which figures it shows."""
    names = app.env.metadata[app.env.docname].setdefault(KEY, [])
    for raw in list(doctree.findall(nodes.raw)):
        found = MARKER.findall(raw.astext())
        if not found:
            continue
        if MARKER.sub("", raw.astext()).strip():
            raise ExtensionError(
                f"{app.env.docname}: leave an empty line between {raw.astext()!r} and its figure's marker"
            )
        raw.replace_self([nodes.raw("", figure_html(name, app.env.docname), format="html") for name in found])
        for name in found:
            if name in names:
                raise ExtensionError(f"{app.env.docname} shows the figure {name!r} twice")
            names.append(name)
            for part in [FIGURES / name / "figure.html", *script_parts(name), *style_parts(name)]:
                app.env.note_dependency(str(part))


def write_assets(app: Sphinx) -> None:
    """Write the script, the style and the fallback picture of each figure, before the pages ask for their checksums."""
    if app.builder.format != "html":
        return
    target = Path(app.outdir) / "_static" / "figures"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for fragment in sorted(FIGURES.glob("*/figure.html")):
        name = fragment.parent.name
        style = "\n".join(part.read_text("utf8") for part in style_parts(name))
        (target / f"{name}.js").write_text(figure_script(name), "utf8")
        (target / f"{name}.css").write_text(style, "utf8")
        shutil.copy(fragment.parent / "fallback.png", target / f"{name}.png")


def load_assets(app: Sphinx, docname: str, _template: str, _context: dict[str, Any], _doctree: Any) -> None:
    """Let a page load what its own figures need."""
    for name in app.env.metadata.get(docname, {}).get(KEY, []):
        app.add_css_file(f"figures/{name}.css")
        app.add_js_file(f"figures/{name}.js", loading_method="defer")


def connect(app: Sphinx) -> None:
    """Connect to Sphinx."""
    app.connect("builder-inited", write_assets)
    app.connect("doctree-read", place_figures)
    app.connect("html-page-context", load_assets)
