"""Write decks as files that open without a network."""

import shutil
from importlib.util import find_spec
from pathlib import Path

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from paper.code_colours import styles
from slides.deck import Deck

HERE = Path(__file__).resolve().parent


def reveal_folder() -> Path:
    """Return where reveal.js is installed. Raises ValueError if it is not."""
    found = find_spec("sphinx_revealjs")
    if found is None:
        raise ValueError("sphinx-revealjs, which brings reveal.js, is not installed: pip install -r requirements.txt.")
    return Path(found.origin).parent / "_static" / "revealjs"


def write_assets(root: Path, target: Path) -> None:
    """Copy what all decks share: reveal.js, its speaker view, our style and script, the font of the formulas."""
    reveal = reveal_folder()
    target.mkdir(parents=True)
    for file in ("dist/reveal.js", "plugin/notes/notes.js"):
        source = (reveal / file).read_text("utf8")
        # The map of the source is for developers of reveal.js; a browser's developer tools would ask for it.
        text = "".join(line for line in source.splitlines(keepends=True) if not line.startswith("//# sourceMappingURL"))
        (target / Path(file).name).write_text(text, "utf8")
    shutil.copy(reveal / "dist" / "reveal.css", target)
    shutil.copy(reveal / "LICENSE", target / "reveal-licence.txt")
    for name in ("latin-modern-math-subset.woff2", "latin-modern-math-licence.txt"):
        shutil.copy(root / "book" / "static" / name, target)
    shutil.copy(HERE / "slides.js", target)
    own = (HERE / "slides.css").read_text("utf8")
    colours = styles(root).replace(".highlight", ".page .highlight")
    (target / "slides.css").write_text(f"{colours}\n{own}", "utf8")


def write_decks(root: Path, decks: list[Deck], target: Path) -> None:
    """Write decks, their list and their assets into a new folder."""
    environment = Environment(
        loader=FileSystemLoader(HERE), undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True
    )
    write_assets(root, target / "assets")
    template = environment.get_template("deck.html.j2")
    for deck in decks:
        (target / f"{deck.name}.html").write_text(template.render(deck=deck), "utf8")
    title = yaml.safe_load((root / "_config.yml").read_text("utf8"))["title"]
    listed = environment.get_template("index.html.j2").render(decks=decks, title=title)
    (target / "index.html").write_text(listed, "utf8")
