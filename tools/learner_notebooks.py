"""Make the notebooks that learners get: every chapter without its solutions, with the data beside them.

    python tools/learner_notebooks.py [FOLDER]

Without a name they are written to _build/learner. Stubs and checks stay, so Run All works through a whole chapter and
then finds the unsolved exercises, whose checks say what is missing. The cells that assert the book's own figures stay
too, folded.
"""

import argparse
import re
import shutil
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from contents import notebook_paths

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "_build" / "learner"

NOTE = (
    "*This is a learner notebook: it holds no solutions. Choose* Run → Run All Cells *once, then read from the top. "
    "The exercises stand at the end. Replace each `...`, run the cell, then run the check below it, which says what is "
    "missing. The solutions are in the book.*"
)
CLAIM_TITLE = "# @title The book checks its own figures here; nothing to do"
# What a front end looks at; the rest is for the making of the book.
KEPT_METADATA = {"tags", "jupyter", "cellView"}
BOOK_PAGE = re.compile(r"\[([^\]]+)\]\(\.\./(book/\w+)\.md(#[\w-]+)?\)")
FIGURE = re.compile(r"^<!-- figure: .* -->\n*", flags=re.MULTILINE)


def text_for_learners(source: str, site: str | None) -> str:
    """Return a text cell's source as a learner needs it.

    Links to pages of the book that are no notebooks lead into the folder `site`, such as "../site"; without one, only
    their words are left. The places of the figures to play with, which exist in the book alone, go.
    """
    replacement = r"*\1* (a page of the book)" if site is None else rf"[\1]({site}/\2.html\3)"
    return FIGURE.sub("", BOOK_PAGE.sub(replacement, source))


def learner_notebook(chapter: NotebookNode, site: str | None = None) -> NotebookNode:
    """Return a chapter without its solutions; `chapter` itself is not changed."""
    cells = []
    for original in chapter.cells:
        tags = original.metadata.get("tags", [])
        if "solution" in tags:
            continue
        cell = nbformat.from_dict(original)
        cell.metadata = {key: value for key, value in original.metadata.items() if key in KEPT_METADATA}
        if cell.cell_type == "markdown":
            cell.source = text_for_learners(original.source, site)
        else:
            cell.outputs, cell.execution_count = [], None
        if "claim" in tags:
            cell.source = f"{CLAIM_TITLE}\n{original.source}"
            cell.metadata |= {"cellView": "form", "jupyter": {"source_hidden": True}}
        cells.append(nbformat.from_dict(cell))
    cells.insert(1, new_markdown_cell(NOTE, id="learner-note"))
    return nbformat.v4.new_notebook(cells=cells, metadata=chapter.metadata)


def copy_data(root: Path, folder: Path) -> None:
    """Copy the packed data, without what notebooks have unpacked beside it."""
    ignored = shutil.ignore_patterns("*-ubyte", "*.lock")
    shutil.copytree(root / "notebooks" / "data", folder / "data", ignore=ignored, dirs_exist_ok=True)


def write_learner_notebooks(root: Path, folder: Path, site: str | None = None) -> list[Path]:
    """Write the learner notebooks and the data of the book in `root` into a folder; return the notebooks.

    Raises FileExistsError where the folder holds notebooks already: somebody may have worked in them.
    """
    if next(folder.glob("*.ipynb"), None):
        raise FileExistsError(f"There are notebooks in {folder} already. Name another folder, or move them away.")
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for source in notebook_paths(root):
        chapter = nbformat.read(source, as_version=4)
        notebook = learner_notebook(chapter, site)
        nbformat.validate(notebook)
        path = folder / source.name
        nbformat.write(notebook, path)
        written.append(path)
    copy_data(root, folder)
    return written


def main() -> int:
    """Write the learner notebooks into the folder named on the command line."""
    parser = argparse.ArgumentParser(description="Make the notebooks without solutions.")
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER, help="default: _build/learner")
    folder = parser.parse_args().folder
    if folder == FOLDER:  # what lies there was made by this script
        shutil.rmtree(folder, ignore_errors=True)
    try:
        written = write_learner_notebooks(ROOT, folder)
    except FileExistsError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(written)} learner notebooks and the data are in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
