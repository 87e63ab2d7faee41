"""Climb chapter 12's ladder with several seeds; write book/records/training_speed.json.

    python tools/record_training_speed.py            # three quarters of an hour; the machine must do nothing else
    python tools/record_training_speed.py --only race

Three measurements, all with the chapter's own cells. `race`: the reference and the final recipe in one run, in turns.
`ladder`: every rung, the controls of the last one, and what did not help; the rungs take turns, seed by seed. `best`:
the most accurate recipe that ends within a minute. Seconds include reading, normalising and training, not evaluating.
What a part already holds is kept; a part that was cut short goes on. A rung without a cycle ends after the first epoch
with 99 % on the test set.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest import mock

import torch

from recording import chapter_names, circumstances, read_record, write_record

CHAPTER = "12_training_faster"
RECORD = "training_speed"
GOAL = 0.99
REFERENCE_RUNS, FINAL_RUNS = 2, 10
SEEDS, SEEDS_OF_SLOW_RUNGS = 3, 1
SLOW_RUNGS = ("data in memory",)  # minutes a run; the first rung, slower still, is the race's reference
SEEDS_OF_BEST = 5


def synchronise(device: torch.device) -> None:
    """Wait until the accelerator has done what it was asked to do."""
    if device.type != "cpu":
        torch.accelerator.synchronize()


def run(names: dict[str, Any], setup: Any, seed: int, between: Callable[[], None] | None = None) -> dict[str, Any]:
    """Train once; return the seconds of each epoch and the test accuracies after it, in per cent.

    `between` is called after each epoch, outside the clock.
    """
    device, epochs = names["device"], names["train_epochs"](setup, seed)
    images, targets = names["held_out"](setup, test=True)
    seconds, accuracies = [], []
    while len(seconds) < setup.epochs:
        synchronise(device)
        started = time.perf_counter()
        model = next(epochs)
        synchronise(device)
        seconds.append(time.perf_counter() - started)
        accuracies.append(names["accuracy"](model, images, targets))
        if between is not None:
            between()
        if accuracies[-1] >= GOAL and not setup.one_cycle:
            break
    print(f"seed {seed}: {sum(seconds):.2f} s, test accuracies {[f'{100 * a:.2f}' for a in accuracies]}", flush=True)
    reached = [sum(seconds[: i + 1]) for i, accuracy in enumerate(accuracies) if accuracy >= GOAL]
    return {
        "seed": seed,
        "epoch_seconds": [round(s, 3) for s in seconds],
        "seconds": round(sum(seconds), 2),
        "seconds_to_goal": round(reached[0], 2) if reached else None,
        "accuracies": [round(100 * a, 2) for a in accuracies],
    }


def warm_up(names: dict[str, Any]) -> None:
    """Take a few steps of both recipes, so that what they import lazily is imported before the clock starts."""
    for setup in (names["reference"], names["final"]):
        tiny = names["replace"](setup, in_memory=True, examples=640, epochs=1)
        next(names["train_epochs"](tiny, seed=0))


def race(names: dict[str, Any], runs: dict[str, list[Any]]) -> None:
    """Run the reference and, after each of its epochs, the final recipe: a slow minute of the machine hits both."""
    runs["final"] = []

    def run_final() -> None:
        seed = len(runs["final"])
        if seed < FINAL_RUNS:
            with torch.random.fork_rng():  # the reference goes on with the random numbers that it would have had
                runs["final"].append(run(names, names["final"], seed))

    runs["reference"] = [run(names, names["reference"], seed, between=run_final) for seed in range(REFERENCE_RUNS)]
    while len(runs["final"]) < FINAL_RUNS:
        run_final()


def run_named(setup_name: str, seed: int, epochs: int | None) -> dict[str, Any]:
    """Do the work of the fresh process."""
    names = chapter_names(CHAPTER)
    warm_up(names)
    setup = (names["ladder"] | names["no_help"])[setup_name]
    return run(names, setup if epochs is None else names["replace"](setup, epochs=epochs), seed)


def run_in_fresh_process(setup_name: str, seed: int, epochs: int | None = None) -> dict[str, Any]:
    """Train once in a process of its own, whose compiler finds nothing in memory or on disk: as on a first run."""
    with tempfile.TemporaryDirectory() as folder:
        caches = {"TORCHINDUCTOR_CACHE_DIR": str(Path(folder) / "cache"), "TMPDIR": folder}
        with mock.patch.dict(os.environ, caches), ProcessPoolExecutor(1, get_context("spawn")) as pool:
            return pool.submit(run_named, setup_name, seed, epochs).result()


def row(name: str, runs: list[dict[str, Any]]) -> list[Any]:
    """Return what the page shows of one rung."""
    an_epoch = statistics.median(seconds for one in runs for seconds in one["epoch_seconds"])
    return [name, round(an_epoch, 2), [r["seconds_to_goal"] for r in runs], [r["accuracies"][-1] for r in runs]]


def summarise(names: dict[str, Any], record: dict[str, Any]) -> None:
    """Add what the page shows."""
    runs = record["runs"]
    if "race" in runs:
        first, *_, last = names["RUNGS"]
        runs.setdefault("ladder", {}).update({first: runs["race"]["reference"], last: runs["race"]["final"]})
        record["race"] = {
            "reference": [[r["seconds"], len(r["accuracies"]), r["accuracies"][-1]] for r in runs["race"]["reference"]],
            "final": [[r["seconds"], r["accuracies"][-1]] for r in runs["race"]["final"]],
        }
    ladder = runs.get("ladder", {})
    record["table"] = [row(name, ladder[name]) for name in names["RUNGS"] if name in ladder]
    record["no_help"] = [
        [name, statistics.median(r["seconds"] for r in ladder[name]), [r["accuracies"][-1] for r in ladder[name]]]
        for name in names["no_help"]
        if name in ladder
    ]
    record["controls"] = [row(name, ladder[name]) for name in names["controls"] if name in ladder]
    record["best"] = [[r["seed"], r["seconds"], r["accuracies"][-1]] for r in runs.get("best", [])]
    record["circumstances"] = circumstances(names["device"])
    write_record(RECORD, record)


def climb(names: dict[str, Any], record: dict[str, Any]) -> None:
    """Measure every rung between the first and the last, the controls, and what did not help."""
    ladder = record["runs"].setdefault("ladder", {})
    rungs = dict(list(names["ladder"].items())[1:-1]) | names["controls"] | names["no_help"]
    for seed in range(SEEDS):
        for name, setup in rungs.items():
            runs = ladder.setdefault(name, [])
            if len(runs) > seed or (name in SLOW_RUNGS and seed >= SEEDS_OF_SLOW_RUNGS):
                continue
            print(name, end=", ", flush=True)
            runs.append(run_in_fresh_process(name, seed) if setup.compiled else run(names, setup, seed))
            summarise(names, record)
    if "two_epochs" not in record:
        setups = {"eager": list(names["RUNGS"])[-1], "compiled": "torch.compile"}
        # Only the first epoch reads the data and compiles.
        twice = {kind: run_in_fresh_process(name, seed=0, epochs=2) for kind, name in setups.items()}
        record["two_epochs"] = {kind: one["epoch_seconds"] for kind, one in twice.items()}
        summarise(names, record)


def main() -> None:
    """Measure what the record still lacks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["race", "ladder", "best"], help="measure only this part")
    options = parser.parse_args()
    names = chapter_names(CHAPTER)
    record = read_record(RECORD, CHAPTER)
    runs = record.setdefault("runs", {})
    warm_up(names)
    if options.only in (None, "race") and "race" not in runs:
        turns: dict[str, list[Any]] = {}
        race(names, turns)
        runs["race"] = turns
        summarise(names, record)
    if options.only in (None, "ladder"):
        climb(names, record)
    if options.only in (None, "best"):
        best = runs.setdefault("best", [])
        for seed in range(len(best), SEEDS_OF_BEST):
            best.append(run(names, names["best"], seed))
            summarise(names, record)


if __name__ == "__main__":
    main()
