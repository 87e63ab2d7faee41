"""Bring notebooks into their normal form: no outputs, no execution counts, one way to write the JSON.

    python tools/normalise_notebooks.py [--check] [NOTEBOOK ...]

Without names it takes every notebook of the project. `--check` changes nothing and exits with 1 if a notebook is not
in its normal form.
"""

import argparse
import json
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parent.parent
KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    # Without the last two, nbconvert writes a script called .txt, without its texts.
    "language_info": {"name": "python", "file_extension": ".py", "nbconvert_exporter": "python"},
}
# What editors write into a cell's metadata and nobody needs.
LEFT_BY_EDITORS = {
    "collapsed",
    "scrolled",
    "execution",
    "ExecuteTime",
    "id",
    "outputId",
    "colab",
    "trusted",
    "editable",
}


def project_notebooks() -> list[Path]:
    """Return every notebook that belongs to the project."""
    return sorted([*(ROOT / "notebooks").glob("*.ipynb"), *(ROOT / "tools").glob("*.ipynb")])


def normal_form(notebook: NotebookNode) -> str:
    """Return the text of the notebook's file in its normal form."""
    for cell in notebook.cells:
        cell.metadata = {key: value for key, value in cell.metadata.items() if key not in LEFT_BY_EDITORS}
        cell.source = "\n".join(line.rstrip() for line in cell.source.strip("\n").split("\n"))
        if cell.cell_type == "code":
            cell.outputs = []
            cell.execution_count = None
    notebook.metadata = KERNEL
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    nbformat.validate(notebook)
    # nbformat splits the sources into lines, which keeps the diffs readable.
    text = nbformat.writes(notebook, version=4)
    return json.dumps(json.loads(text), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def main() -> int:
    """Normalise or check the notebooks named on the command line."""
    parser = argparse.ArgumentParser(description="Bring notebooks into their normal form.")
    parser.add_argument("--check", action="store_true", help="change nothing, exit with 1 if something would change")
    parser.add_argument("notebooks", nargs="*", type=Path, help="all of the project's if none is named")
    arguments = parser.parse_args()
    changed = []
    for path in arguments.notebooks or project_notebooks():
        before = path.read_text("utf8")
        after = normal_form(nbformat.reads(before, as_version=4))
        if after == before:
            continue
        changed.append(path)
        if not arguments.check:
            path.write_text(after, "utf8")
    for path in changed:
        print(f"{path}: {'not in its normal form, run `make normalise`' if arguments.check else 'normalised'}")
    return 1 if changed and arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
