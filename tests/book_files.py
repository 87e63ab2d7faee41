"""What the tests know about the book: its files, its chapters, the parts of a notebook."""

import re
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

import contents
from learner_notebooks import copy_data

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
TEMPLATE = ROOT / "tools" / "chapter_template.ipynb"
WRONG_ANSWERS = ROOT / "tests" / "wrong_answers"
RIGHT_ANSWERS = ROOT / "tests" / "right_answers"

FENCE = re.compile(r"^(```|~~~).*?^\1\s*$", re.MULTILINE | re.DOTALL)
EXERCISE_HEADING = re.compile(r"^### Exercise (\d+) · (.+)$", re.MULTILINE)
EXERCISE_FACTS = re.compile(r"^\*Goals? ([\d, and]+) · (routine|medium|stretch) · (\d+) minutes\*$", re.MULTILINE)
TIME = re.compile(r"^\*\*Time:\*\* (\d+) minutes reading, (\d+) minutes exercises\.", re.MULTILINE)


# What a notebook may take from the start of its kernel to its last cell.
USUAL_SECONDS = 90
SECONDS_A_CHAPTER = {"12_training_faster": 150, "13_scaling_out": 150}


def seconds_allowed(notebook: str) -> int:
    """Return how long a notebook may run, given its name without suffix, on two cores that do nothing else."""
    return SECONDS_A_CHAPTER.get(notebook, USUAL_SECONDS)


def pages_in_order() -> list[str]:
    """Return every page of _toc.yml but the landing page, in reading order, without suffix."""
    return [page for page, _ in contents.pages_with_captions(ROOT)]


def notebook_paths() -> list[Path]:
    """Return every notebook in reading order: the chapters, then the appendices."""
    return contents.notebook_paths(ROOT)


def chapter_paths() -> list[Path]:
    """Return the chapters' notebooks in reading order; their names begin with a number, an appendix's with a letter."""
    return contents.chapter_paths(ROOT)


def wrong_answers_path(path: Path) -> Path:
    """Return the file with the collected wrong answers to a chapter's exercises."""
    if path == TEMPLATE:
        return path.with_suffix(".wrong_answers.toml")
    return WRONG_ANSWERS / f"{path.stem}.toml"


def right_answers_path(path: Path) -> Path:
    """Return the file with right answers that are not the chapter's solutions; few chapters have one."""
    return RIGHT_ANSWERS / f"{path.stem}.toml"


def copy_packed_data(folder: Path) -> None:
    """Put the data into a folder as a fresh clone holds it: packed, and without locks."""
    copy_data(ROOT, folder)


def read(path: Path) -> NotebookNode:
    """Return a notebook."""
    return nbformat.read(path, as_version=4)


def tags(cell: NotebookNode) -> list[str]:
    """Return the tags of a cell."""
    return cell.metadata.get("tags", [])


def has_tag(cell: NotebookNode, tag: str) -> bool:
    """Say whether a cell has a tag."""
    return tag in tags(cell)


def code_cells(notebook: NotebookNode, tag: str | None = None) -> list[NotebookNode]:
    """Return the code cells, all or those with a tag."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return cells if tag is None else [cell for cell in cells if has_tag(cell, tag)]


def markdown_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """Return the text cells."""
    return [cell for cell in notebook.cells if cell.cell_type == "markdown"]


def prose(markdown: str) -> str:
    """Return a text cell's source without its fenced code."""
    return FENCE.sub("", markdown)


def whole_prose(notebook: NotebookNode) -> str:
    """Return all prose of a notebook as one text."""
    return "\n\n".join(prose(cell.source) for cell in markdown_cells(notebook))


def headings(notebook: NotebookNode, level: int) -> list[str]:
    """Return the headings of one level: 1 for #, 2 for ##."""
    found = re.findall(rf"^{'#' * level} (.+)$", whole_prose(notebook), flags=re.MULTILINE)
    return [heading.strip() for heading in found]


def goals(notebook: NotebookNode) -> list[str]:
    """Return the goals that the first cell promises."""
    _, _, after = notebook.cells[0].source.partition("**You will be able to**")
    block = after.partition("**Time:**")[0]
    return re.findall(r"^\d+\. (.+)$", block, flags=re.MULTILINE)


@dataclass(frozen=True)
class Exercise:
    """The four cells of one exercise, and what its heading says."""

    number: int
    title: str
    goals: tuple[int, ...]
    minutes: int
    task: NotebookNode
    stub: NotebookNode
    solution: NotebookNode
    check: NotebookNode


def exercises(notebook: NotebookNode) -> list[Exercise]:
    """Return the exercises of a notebook.

    Raises AssertionError when an exercise isn't four cells in the order task, stub, check, solution.
    """
    found = []
    for index, cell in enumerate(notebook.cells):
        heading = EXERCISE_HEADING.search(cell.source) if cell.cell_type == "markdown" else None
        if heading is None:
            continue
        number = int(heading[1])
        facts = EXERCISE_FACTS.search(cell.source)
        assert facts, f"exercise {number}: the line '*Goal 1 · routine · 5 minutes*' is missing below its heading"
        stub, check, solution = notebook.cells[index + 1 : index + 4]
        for part, tag in ((stub, "exercise"), (check, "check"), (solution, "solution")):
            assert has_tag(part, tag), f"exercise {number}: expected a cell tagged {tag!r}, found {tags(part)}"
            assert part.id == f"{tag}-{number}", f"exercise {number}: the {tag} cell should have the id {tag}-{number}"
        practised = tuple(int(goal) for goal in re.findall(r"\d+", facts[1]))
        found.append(Exercise(number, heading[2], practised, int(facts[3]), cell, stub, solution, check))
    return found
