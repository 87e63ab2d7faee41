"""Run a notebook up to its first exercise, then try mutants of its solutions in the same kernel.

    python run_mutants.py NOTEBOOK TASKS ENDINGS RESULT

All are files in the current folder; try_mutants.py describes TASKS and ENDINGS, run_chapter.py the result.
"""

import sys

from run_chapter import run_and_go_on

SECONDS_A_CELL = 900  # it is not measured here, and others may be at work on the machine
SECONDS_FOR_ALL_MUTANTS = 3600


def main(notebook: str, tasks: str, endings: str, result: str) -> None:
    """Run the notebook and the mutants."""
    mutants = f"import try_mutants; try_mutants.try_all({tasks!r}, {endings!r})"
    run_and_go_on(notebook, result, [mutants], SECONDS_FOR_ALL_MUTANTS, SECONDS_A_CELL, exercises_too=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
