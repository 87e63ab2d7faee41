"""How good are the checks? Change each model solution in one place and see whether the check of its exercise notices.

    python tools/mutate_solutions.py [--only 03_linear_regression_numpy …]

Every notebook runs up to its first exercise; then each mutant of a solution runs in a copy of that kernel, followed by
the check. The results go to tests/mutants.json. A mutant that a check lets through is either a gap, to be closed in the
check, or as right as the solution: then tests/equivalent_mutants.toml says why. The last lines say what is to be done.
Linux only; all notebooks take about half an hour.
"""

import argparse
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "book")]  # the tests know how to run a chapter in a kernel

from book_files import TEMPLATE, exercises, notebook_paths, read  # noqa: E402
from mutant_runs import CAN_RUN, WHY_NOT, Trial, run_mutants  # noqa: E402
from mutants.record import (  # noqa: E402
    CATCHERS,
    SHARE,
    caught_and_all,
    code_digest,
    read_record,
    reasons,
    survivors,
    table,
    write_record,
)


def notebooks_with_exercises() -> list[Path]:
    """Return the notebooks whose exercises have mutants, the template last."""
    return [path for path in [*notebook_paths(), TEMPLATE] if exercises(read(path))]


def result(digest: str, trials: list[Trial]) -> dict[str, Any]:
    """Return what the record holds of an exercise."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "torch": torch.__version__.partition("+")[0],
        "digest": digest,
        "mutants": len(trials),
        "caught": {catcher: sum(trial.by == catcher for trial in trials) for catcher in CATCHERS},
        "survivors": [
            {"line": trial.mutant.line, "becomes": trial.mutant.becomes, "occurrence": trial.mutant.occurrence}
            for trial in trials
            if not trial.by
        ],
        # Caught, though not by a sentence of the check: what the learner reads is an error of Python or PyTorch.
        "not_by_a_sentence": [
            f"{trial.mutant.line} → {trial.mutant.becomes}: {trial.error}"
            for trial in trials
            if trial.by not in ("", "sentence")
        ],
    }


def run(path: Path) -> dict[str, Any]:
    """Run the mutants of a notebook; return what the record holds of it."""
    with tempfile.TemporaryDirectory() as folder:
        all_trials = run_mutants(path, Path(folder))
    results = {}
    for exercise in exercises(read(path)):
        sources = exercise.stub.source, exercise.check.source, exercise.solution.source
        results[str(exercise.number)] = result(code_digest(*sources), all_trials[exercise.number])
    return results


def to_do(record: dict[str, Any]) -> list[str]:
    """Return what is wrong with a record, one sentence or entry each."""
    listed, found = reasons(), survivors(record)
    missing = [name for name in found if name not in listed]
    sentences = [f"The check lets this through: {name}" for name in missing]
    if missing:
        sentences.append("Add an assertion that says what is wrong. Where nothing is, add to equivalent_mutants.toml:")
        sentences += [name.entry() for name in missing]
    sentences += [f"Take this out of equivalent_mutants.toml, it is caught: {n}" for n in listed if n not in set(found)]
    caught, count = caught_and_all(entry for results in record["notebooks"].values() for entry in results.values())
    if caught < SHARE * count:
        sentences.append(f"{caught} of {count} mutants are caught, which is less than {SHARE:.0%}.")
    return sentences


def main() -> int:
    """Run the mutants of the notebooks named on the command line, or of all."""
    names = [path.stem for path in notebooks_with_exercises()]
    parser = argparse.ArgumentParser(description="Find out which wrong solutions the checks let through.")
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="NOTEBOOK", help=", ".join(names))
    chosen = parser.parse_args().only
    if not CAN_RUN:
        print(WHY_NOT, file=sys.stderr)
        return 1
    for path in notebooks_with_exercises():
        if path.stem in chosen:
            print(f"{path.stem} …", flush=True)
            results = run(path)
            record = read_record()
            record["notebooks"][path.stem] = results
            order = {name: record["notebooks"][name] for name in names if name in record["notebooks"]}
            record["notebooks"] = order  # also without notebooks that are gone
            write_record(record)
    sentences = to_do(record)
    print(table(record), *sentences, sep="\n")
    return 1 if sentences else 0


if __name__ == "__main__":
    sys.exit(main())
