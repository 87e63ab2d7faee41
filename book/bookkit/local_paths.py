"""Shorten the paths of the machine that built the book.

A traceback names files by their full path. On a page that is somebody else's home directory: it says nothing to the
reader and differs with every build. What stays is the part that is the same everywhere.
"""

import sysconfig
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx


def shorter_names(root: Path) -> dict[str, str]:
    """Return what to write instead of each local path, the longest path first."""
    paths = sysconfig.get_paths()
    names = {
        paths["purelib"]: "site-packages",
        paths["platlib"]: "site-packages",
        paths["stdlib"]: f"lib/python{sysconfig.get_python_version()}",
        str(root / "notebooks"): ".",
        str(root): ".",
        str(Path.home()): "~",
    }
    return dict(sorted(names.items(), key=lambda item: -len(item[0])))


def shorten(text: str, names: dict[str, str]) -> str:
    """Return the text with every local path shortened."""
    for path, name in names.items():
        if len(path) > 1:
            text = text.replace(f"{path}/", f"{name}/").replace(f"{path}\\", f"{name}\\")
    return text


def shorten_in_outputs(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Shorten the local paths in what cells print, before it is coloured: colours cut a path into pieces."""
    names = shorter_names(Path(app.srcdir))
    for block in doctree.findall(nodes.literal_block):
        after = shorten(block.astext(), names)
        if after != block.astext():
            block.rawsource = after  # Sphinx colours a block only if this is its text
            block[:] = [nodes.Text(after)]


def connect(app: Sphinx) -> None:
    """Shorten the paths before a page is written and the search index made."""
    app.connect("doctree-resolved", shorten_in_outputs)
