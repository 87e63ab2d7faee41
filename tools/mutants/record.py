"""What is known about the mutants: tests/mutants.json says which were caught, tests/equivalent_mutants.toml why not.

The record holds the results of the last run of each exercise, with a digest of its stub, check and solution, so that a
test sees when they have changed since.
"""

import json
import tomllib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mutants.changes import Mutant
from recording import ROOT, digest, without_comments

RECORD = ROOT / "tests" / "mutants.json"
EQUIVALENT = ROOT / "tests" / "equivalent_mutants.toml"
SHARE = 0.95  # of all mutants the checks must catch
CATCHERS = ("sentence", "check", "answer", "time")


@dataclass(frozen=True)
class Name:
    """What names a mutant, in the record and in the list of reasons."""

    notebook: str
    exercise: int
    line: str
    becomes: str
    occurrence: int = 1

    @classmethod
    def of(cls, notebook: str, exercise: int, mutant: Mutant) -> "Name":
        """Return the name of a mutant."""
        return cls(notebook, exercise, mutant.line, mutant.becomes, mutant.occurrence)

    def __str__(self) -> str:
        number = f" (number {self.occurrence})" if self.occurrence > 1 else ""
        return f"{self.notebook}, exercise {self.exercise}: {self.line} → {self.becomes or 'nothing'}{number}"

    def entry(self) -> str:
        """Return the entry for equivalent_mutants.toml, with the reason still to be given."""
        lines = ["[[mutant]]", f"notebook = {quoted(self.notebook)}", f"exercise = {self.exercise}"]
        lines += [f"line = {quoted(self.line)}", f"becomes = {quoted(self.becomes)}"]
        lines += [f"occurrence = {self.occurrence}"] if self.occurrence > 1 else []
        return "\n".join([*lines, 'why = ""'])


def quoted(text: str) -> str:
    """Return a text as TOML writes it."""
    return f"'{text}'" if '"' in text and "'" not in text else json.dumps(text, ensure_ascii=False)


def code_digest(stub: str, check: str, solution: str) -> str:
    """Return a digest of an exercise's code; comments do not count."""
    return digest("\n\n".join(map(without_comments, (stub, check, solution))).encode())


def read_record(path: Path = RECORD) -> dict[str, Any]:
    """Return the record, empty where there is none yet."""
    return json.loads(path.read_text("utf8")) if path.exists() else {"notebooks": {}}


def write_record(record: dict[str, Any], path: Path = RECORD) -> None:
    """Write the record whole or not at all."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf8")
    unfinished.replace(path)


def reasons(path: Path = EQUIVALENT) -> dict[Name, str]:
    """Return why each mutant that is let through may be.

    Raises ValueError where an entry stands twice.
    """
    listed = {}
    for entry in tomllib.loads(path.read_text("utf8"))["mutant"]:
        why = entry.pop("why")
        name = Name(**entry)
        if name in listed:
            raise ValueError(f"{path.name} lists this mutant twice, keep one entry: {name}")
        listed[name] = why
    return listed


def survivors(record: dict[str, Any]) -> list[Name]:
    """Return the mutants that the checks let through."""
    return [
        Name(notebook, int(number), **survivor)
        for notebook, of_notebook in record["notebooks"].items()
        for number, result in of_notebook.items()
        for survivor in result["survivors"]
    ]


def caught_and_all(results: Iterable[dict[str, Any]]) -> tuple[int, int]:
    """Return how many mutants of some exercises were caught, and how many there are."""
    results = list(results)
    return sum(sum(result["caught"].values()) for result in results), sum(result["mutants"] for result in results)


def table(record: dict[str, Any]) -> str:
    """Return what was caught, by which means, in each notebook and in all."""
    lines = [f"{'':30}{'mutants':>8}{'caught':>8}{'share':>8}   {'  '.join(CATCHERS)}"]
    rows = {notebook: list(results.values()) for notebook, results in record["notebooks"].items()}
    rows["all"] = [result for results in rows.values() for result in results]
    for name, results in rows.items():
        caught, count = caught_and_all(results)
        by = sum((Counter(result["caught"]) for result in results), Counter())
        parts = "  ".join(f"{by[catcher]:{len(catcher)}}" for catcher in CATCHERS)
        lines.append(f"{name:30}{count:8}{caught:8}{caught / max(count, 1):8.1%}   {parts}")
    return "\n".join(lines)
