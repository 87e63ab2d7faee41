"""Run a chapter once, alone and offline, for all the tests that look at what comes of it."""

import json
import re
import shutil
import sys
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from book_files import (
    Exercise,
    code_cells,
    copy_packed_data,
    exercises,
    read,
    right_answers_path,
    wrong_answers_path,
)
from bookkit.teaching_notes import TypeBlock, notes_path, type_blocks
from normalise_notebooks import KERNEL
from offline import run_offline

RUNNER = Path(__file__).resolve().parent / "run_chapter.py"
DEPRECATIONS = ("DeprecationWarning", "PendingDeprecationWarning", "FutureWarning")
WRITTEN_MODULE = re.compile(r"%%writefile \S*?(\w+)\.py")


@dataclass(frozen=True)
class Ending:
    """How an answer ended: the kind of error ("" if its check passed), the message, and what the check printed."""

    error: str
    message: str
    printed: str


@dataclass(frozen=True)
class BlockEnding:
    """How lines of the teaching notes ended: as an answer does, and in how many seconds, leaving which files behind."""

    error: str
    message: str
    printed: str
    seconds: float
    left: list[str]


def small_notebook(folder: Path, *sources: str) -> Path:
    """Write a notebook with these cells, which import nothing, so that it runs in two seconds; return its path."""
    cells = [new_code_cell(source, id=f"cell-{number}") for number, source in enumerate(sources, 1)]
    path = folder / "small.ipynb"
    nbformat.write(new_notebook(cells=cells, metadata=KERNEL), path)
    return path


def lines_to_type(path: Path) -> tuple[TypeBlock, ...]:
    """Return what the teaching notes of a chapter have the teacher type; an appendix and the template have no notes."""
    notes = notes_path(path.stem)
    return type_blocks(notes.read_text("utf8")) if notes.is_file() else ()


def wrong_answers(path: Path) -> list[dict]:
    """Return the collected wrong answers to a chapter's exercises."""
    return tomllib.loads(wrong_answers_path(path).read_text("utf8"))["wrong"]


def right_answers(path: Path) -> list[dict]:
    """Return the collected right answers to a chapter's exercises, besides its solutions."""
    file = right_answers_path(path)
    return tomllib.loads(file.read_text("utf8"))["right"] if file.exists() else []


def copy_alone(path: Path, folder: Path) -> Path:
    """Copy a notebook into a folder, with the packed data beside it only if it has a data cell."""
    copy = Path(shutil.copy(path, folder))
    if code_cells(read(path), "data"):
        copy_packed_data(folder)
    return copy


def deprecations_are_errors(path: Path) -> str:
    """Return the value of PYTHONWARNINGS with which what will be gone one day ends the run of a notebook.

    That is what its cells, the programs that they start (both are `__main__`) and the modules that they write do
    themselves. Python hides some of these warnings from the reader; a reader who finds the call gone sees an error.
    A module called old… shows what old code looks like.
    """
    written = WRITTEN_MODULE.findall("\n".join(cell.source for cell in code_cells(read(path))))
    modules = ["__main__", *(module for module in written if not module.startswith("old"))]
    return ",".join(f"error::{category}:{module}" for module in modules for category in DEPRECATIONS)


def run_in_kernel(
    runner: Path, path: Path, folder: Path, *files: str, words: Sequence[str] = (), **environment: str
) -> dict[str, Any]:
    """Copy a notebook into a folder and let a program like run_chapter.py run it there, offline, with these files.

    Deprecated calls are errors. `words` stand before the command, `environment` adds variables to those that it gets.
    Returns the program's result, which it writes into the last of the files.
    """
    command = [*words, sys.executable, str(runner), copy_alone(path, folder).name, *files]
    own = {"IPYTHONDIR": str(folder / ".ipython"), "PYTHONWARNINGS": deprecations_are_errors(path)}
    finished = run_offline(command, folder, **own, **environment)
    assert finished.returncode == 0, finished.stdout[-3000:] + finished.stderr[-3000:]
    return json.loads((folder / files[-1]).read_text("utf8"))


def run_chapter(
    path: Path,
    folder: Path,
    sessions: Sequence = (),
    blocks: Sequence = (),
    words: Sequence[str] = (),
    **environment: str,
) -> dict[str, Any]:
    """Run a copy of a notebook from top to bottom, then sessions and blocks: run_chapter.py says what these are.

    `words` stand before the command, `environment` adds variables to those that the kernel gets.
    Returns when the notebook ended, how much memory it took, and the failure that ended it early, if any.
    """
    (folder / "sessions.json").write_text(json.dumps(sessions), "utf8")
    (folder / "blocks.json").write_text(json.dumps(blocks), "utf8")
    files = ("sessions.json", "endings.json", "blocks.json", "block_endings.json", "result.json")
    return run_in_kernel(RUNNER, path, folder, *files, words=words, **environment)


def read_list(file: Path) -> list:
    """Return the list in a JSON file; an empty one where the file is not there, since there was nothing to try."""
    return json.loads(file.read_text("utf8")) if file.exists() else []


def run_notebook(path: Path, folder: Path, **environment: str) -> NotebookNode:
    """Return a notebook with the outputs of a run that was alone in an empty folder, and without a network.

    Raises RuntimeError with the failure that ended the run early.
    """
    failure = run_chapter(path, folder, **environment)["failure"]
    if failure is not None:
        raise RuntimeError(f"{path.stem} does not run: {failure}")
    return read(folder / path.name)


def cells_before(all_exercises: dict[int, Exercise], number: int) -> list[dict]:
    """Return the cells that a learner has run before answering: everything before it has been solved."""
    exercise = all_exercises[number]
    solved = [earlier.solution.source for n, earlier in sorted(all_exercises.items()) if n < number]
    cells = [{"source": source, "may_raise": False} for source in [*solved, exercise.stub.source]]
    return [*cells, {"source": exercise.check.source, "may_raise": True}]  # Run All has run it on the stub


def session(all_exercises: dict[int, Exercise], number: int, answer: str) -> list[dict]:
    """Return the cells that a learner runs to check an answer: everything before it has been solved."""
    before = cells_before(all_exercises, number)
    return [*before, {"source": answer, "may_raise": False}, before[-1]]


def unsolved_session(all_exercises: dict[int, Exercise], number: int, answer: str) -> list[dict]:
    """Return the cells that a learner runs to check an answer in a notebook where nothing was solved before."""
    cells = []
    for exercise in (all_exercises[n] for n in sorted(all_exercises) if n <= number):
        cells.append({"source": exercise.stub.source, "may_raise": False})
        cells.append({"source": exercise.check.source, "may_raise": True})
    return [*cells, {"source": answer, "may_raise": False}, cells[-1]]


class ChapterRun:
    """A notebook that was run from top to bottom in an empty folder, without a network, in one kernel.

    Afterwards the same kernel tried every stub, every solution, every collected answer, and every solution once more,
    then what the teaching notes have the teacher type: `typed` holds each block with its ending.
    `notebook` holds the outputs; `seconds` is what it took, from the start of the program that started the kernel;
    `peak_mb` is the most memory that the notebook's kernel and its processes held, None where the system does not say;
    `failure` says what ended the run early, if anything did.
    """

    def __init__(self, path: Path, folder: Path) -> None:
        self.path = path
        self.exercises = {exercise.number: exercise for exercise in exercises(read(path))}
        self.wrong_answers = wrong_answers(path) if self.exercises else []
        self.right_answers = right_answers(path)
        stubs = {("stub", n): (n, exercise.stub.source) for n, exercise in self.exercises.items()}
        solutions = {("solution", n): (n, exercise.solution.source) for n, exercise in self.exercises.items()}
        wrong = {("wrong", i): (w["exercise"], w["code"]) for i, w in enumerate(self.wrong_answers)}
        right = {("right", i): (r["exercise"], r["code"]) for i, r in enumerate(self.right_answers)}
        again = {("solution again", n): answer for (_, n), answer in solutions.items()}
        answers = stubs | solutions | wrong | right | again
        sessions = [session(self.exercises, number, answer) for number, answer in answers.values()]
        unsolved = {("unsolved", n): answer for (_, n), answer in stubs.items()}
        alone = {("alone", n): answer for (_, n), answer in solutions.items()}
        answers |= unsolved | alone
        sessions += [unsolved_session(self.exercises, number, answer) for number, answer in (unsolved | alone).values()]

        blocks = lines_to_type(path)
        started = time.time()
        result = run_chapter(path, folder, sessions, [block.code for block in blocks])
        self.failure = result["failure"]
        if self.failure is None:
            self.notebook = read(folder / path.name)
            self.seconds = result["ended"] - started
            self.peak_mb = result["peak_mb"]
            endings = read_list(folder / "endings.json")
            self._endings = dict(zip(answers, (Ending(**ending) for ending in endings), strict=True))
            block_endings = read_list(folder / "block_endings.json")
            self.typed = [(block, BlockEnding(**ending)) for block, ending in zip(blocks, block_endings, strict=True)]

    def ending(self, which: str, number: int) -> Ending:
        """Return how an answer ended: an exercise's "stub", "solution" or "solution again", a "wrong" or a "right" one.

        "unsolved" and "alone" are stub and solution where, as in a learner notebook, no earlier exercise was solved.
        """
        return self._endings[which, number]
