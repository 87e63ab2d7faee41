"""Run a chapter once, alone and offline, for all the tests that look at what comes of it."""

import json
import shutil
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

from book_files import Exercise, code_cells, copy_packed_data, exercises, read, wrong_answers_path
from offline import run_offline

RUNNER = Path(__file__).resolve().parent / "run_chapter.py"


@dataclass(frozen=True)
class Ending:
    """How a check ended on one answer: the kind of error ("" if none), its message, and what was printed."""

    error: str
    message: str
    printed: str


def wrong_answers(path: Path) -> list[dict]:
    """Return the collected wrong answers to a chapter's exercises."""
    return tomllib.loads(wrong_answers_path(path).read_text("utf8"))["wrong"]


def copy_alone(path: Path, folder: Path) -> Path:
    """Copy a notebook into a folder, with the packed data beside it only if it has a data cell."""
    copy = Path(shutil.copy(path, folder))
    if code_cells(read(path), "data"):
        copy_packed_data(folder)
    return copy


def session(all_exercises: list[Exercise], exercise: Exercise, answer: str) -> list[dict]:
    """Return the cells that a learner runs to check an answer: everything before it has been solved."""
    solved = [earlier.solution.source for earlier in all_exercises if earlier.number < exercise.number]
    cells = [{"source": source, "may_raise": False} for source in [*solved, exercise.stub.source]]
    check = {"source": exercise.check.source, "may_raise": True}  # Run All has run it on the stub
    return [*cells, check, {"source": answer, "may_raise": False}, check]


class ChapterRun:
    """A notebook that was run from top to bottom in an empty folder, without a network, in one kernel.

    Afterwards the same kernel tried every stub, every solution, every wrong answer, and every solution once more.
    `notebook` holds the outputs, `seconds` what the notebook took, the start of the kernel included.
    """

    def __init__(self, path: Path, folder: Path) -> None:
        self.path = path
        self.exercises = {exercise.number: exercise for exercise in exercises(read(path))}
        self.wrong_answers = wrong_answers(path)
        answers = [(number, e.stub.source) for number, e in self.exercises.items()]
        answers += [(number, e.solution.source) for number, e in self.exercises.items()]
        answers += [(wrong["exercise"], wrong["code"]) for wrong in self.wrong_answers]
        answers += [(number, e.solution.source) for number, e in self.exercises.items()]
        in_order = sorted(self.exercises.values(), key=lambda exercise: exercise.number)
        sessions = [session(in_order, self.exercises[number], answer) for number, answer in answers]

        copy = copy_alone(path, folder)
        (folder / "sessions.json").write_text(json.dumps(sessions), "utf8")
        command = [sys.executable, str(RUNNER), copy.name, "sessions.json", "result.json"]
        self.finished = run_offline(command, folder, IPYTHONDIR=str(folder / ".ipython"))
        assert self.finished.returncode == 0, self.finished.stdout[-3000:] + self.finished.stderr[-3000:]
        result = json.loads((folder / "result.json").read_text("utf8"))
        self.failure = result["failure"]
        self.seconds = result["seconds"]
        self.notebook = read(copy)
        self._endings = self._by_round(result["endings"], sessions)

    def _by_round(self, endings: list[dict], sessions: list[list[dict]]) -> dict[str, list[Ending]]:
        """Sort the endings into the four rounds; an answer that raised by itself counts as a failure of its own."""
        named = []
        for ending, cells in zip(endings, sessions, strict=bool(endings)):
            early = ending["cell"] != cells[-1]["source"]
            before = "before the check, a cell raises: " if early else ""
            named.append(Ending(before + ending["error"], ending["message"], ending["printed"]))
        count, wrong = len(self.exercises), len(self.wrong_answers)
        starts = {"stubs": (0, count), "solutions": (count, count), "wrong": (2 * count, wrong),
                  "solutions again": (2 * count + wrong, count)}  # fmt: skip
        return {name: named[start : start + length] for name, (start, length) in starts.items()}

    def endings(self, which: str) -> dict[int, Ending]:
        """Return {number: ending} for "stubs", "solutions" or "solutions again"."""
        return dict(zip(self.exercises, self._endings[which], strict=True))

    def endings_of_wrong_answers(self) -> list[tuple[dict, Ending]]:
        """Return every collected wrong answer with how its check ended."""
        return list(zip(self.wrong_answers, self._endings["wrong"], strict=True))
