"""Run the mutants of a notebook's solutions, alone and offline, and say which of them its checks let through."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from book_files import Exercise, exercises, read
from chapter_runs import cells_before, run_in_kernel
from mutants.changes import Mutant, mutants

RUNNER = Path(__file__).resolve().parent / "run_mutants.py"
CAN_RUN = sys.platform == "linux" and hasattr(os, "fork")
WHY_NOT = "Mutants run in copies of a kernel's process, which only Linux makes safely."


@dataclass(frozen=True)
class Trial:
    """A mutant and how it ended.

    `by` says what caught it: "sentence" (an assertion of the check that says what is wrong), "check" (another error in
    the check), "answer" (an error in the answer's own cell), "time" (it did not end), or "" (nothing).
    """

    mutant: Mutant
    by: str
    error: str
    message: str


def caught_by(ending: dict[str, str]) -> str:
    """Return what caught a mutant, in the words of Trial."""
    if ending["error"] in ("", "time"):
        return ending["error"]
    if ending["cell"] == "check" and ending["error"] == "AssertionError" and ending["message"]:
        return "sentence"
    return ending["cell"]


def run_mutants(path: Path, folder: Path, numbers: set[int] | None = None) -> dict[int, list[Trial]]:
    """Return the trials of each exercise of a notebook, or of those with these numbers.

    Raises AssertionError if the notebook or one of its solutions fails.
    """
    of_notebook: dict[int, Exercise] = {exercise.number: exercise for exercise in exercises(read(path))}
    chosen = sorted(numbers or of_notebook)
    made = {number: mutants(of_notebook[number].solution.source) for number in chosen}
    tasks = [
        {
            "before": cells_before(of_notebook, number),
            "check": of_notebook[number].check.source,
            "solution": of_notebook[number].solution.source,
            "mutants": [mutant.source for mutant in made[number]],
        }
        for number in chosen
    ]
    (folder / "tasks.json").write_text(json.dumps(tasks), "utf8")
    result = run_in_kernel(RUNNER, path, folder, "tasks.json", "endings.json", "result.json")
    assert result["failure"] is None, result["failure"]
    trials = {}
    for number, ended in zip(chosen, json.loads((folder / "endings.json").read_text("utf8")), strict=True):
        assert ended["failure"] is None, f"{path.stem}, exercise {number}: {ended['failure']}"
        trials[number] = [
            Trial(mutant, caught_by(ending), ending["error"], ending["message"])
            for mutant, ending in zip(made[number], ended["endings"], strict=True)
        ]
    return trials
