"""Run all tests with several versions of Python and PyTorch; write book/records/versions.json.

    python tools/record_versions.py                          # what the record lacks or holds of other code
    python tools/record_versions.py --only "3.12 lowest"     # one of them, whether it is recorded or not
    python tools/record_versions.py --merge other.json       # add what another machine has measured (--only: one row)

`make matrix` runs it. It takes half an hour for each pair of versions and 8 GB of disk for one at a time. What is
measured is the commit that is checked out, cloned into an empty folder, with packages installed there from nothing:

- lowest: the oldest torch and torchvision that requirements.txt admits;
- pinned: those in constraints.txt;
- newest: what the registry has.

All other packages but those that torch asks for are those of constraints.txt, so that a difference is PyTorch's. Needs
nothing but Python's standard library, and each version of Python as `python3.11` and so on. The page book/versions.md
shows the record.
"""

import argparse
import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RECORD = ROOT / "book" / "records" / "versions.json"
PAGE = "book/versions.md"
PYTHONS = ("3.11", "3.12", "3.13")
CHOICES = ("lowest", "pinned", "newest")
ENVIRONMENTS = [f"{python} {choice}" for python in PYTHONS for choice in CHOICES]
PAIR = ("torch", "torchvision")
NOT_THE_CODE = ("book/records/versions.json",)  # what a measurement changes is no reason to measure again
# This test judges the record that is being written here.
NOT_THE_VERSIONS = ("--deselect", "tests/test_versions.py::test_nothing_failed_with_the_versions_that_were_measured")
TELL = """
import json, sys, torch
sys.path.append("tools")
from recording import circumstances
print(json.dumps(circumstances(torch.device("cpu"))))
"""

FIND_CHROMIUM = "import sys; sys.path.append('tools'); import chromium; chromium.required()"


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    """Run a command and return what it printed.

    Raises SystemExit with the end of its messages when it fails.
    """
    finished = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True, check=False)
    if finished.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{(finished.stdout + finished.stderr)[-3000:]}")
    return finished.stdout


def code_digest(root: Path = ROOT) -> str:
    """Return a digest of all committed files but the record."""
    lines = run("git", "ls-tree", "-r", "HEAD", cwd=root).splitlines()
    kept = [line for line in lines if line.partition("\t")[2] not in NOT_THE_CODE]
    return hashlib.sha256("\n".join(kept).encode()).hexdigest()[:16]


def lowest_versions(requirements: str) -> dict[str, str]:
    """Return the oldest torch and torchvision that requirements.txt admits.

    Raises ValueError where a line is missing or has no lower bound.
    """
    found = {}
    for name in PAIR:
        match = re.search(rf"^{name}\s*>=\s*([\d.]+)", requirements, flags=re.MULTILINE)
        if match is None:
            raise ValueError(f"requirements.txt has no line {name}>=VERSION")
        found[name] = match[1]
    return found


def without_torch(constraints: str) -> str:
    """Return constraints.txt without torch, torchvision, what torch asks for, and what only these need.

    Another version of torch wants other versions of those: 2.11 and 2.12 refuse the setuptools that suits 2.14. uv
    writes below each line who needs it (`# via …`).
    """
    entries: list[tuple[str, str, set[str]]] = []  # the line, its package, who needs it
    for line in constraints.splitlines():
        if line and not line.startswith((" ", "#")):
            entries.append((line, line.partition("==")[0], set()))
        elif line.startswith("    #") and entries:
            entries[-1][2].update(re.sub(r"^\s*#\s*(via)?\s*", "", line).split())
    dropped = set(PAIR) | {name for _, name, needed_by in entries if "torch" in needed_by}
    while more := {name for _, name, needed_by in entries if needed_by and needed_by <= dropped} - dropped:
        dropped |= more
    return "".join(f"{line}\n" for line, name, _ in entries if name not in dropped)


def interpreter(version: str) -> str:
    """Return the program python3.X; raise SystemExit where there is none that works."""
    program = shutil.which(f"python{version}")
    trial = (program, "-c", "import ensurepip")
    if program and subprocess.run(trial, capture_output=True, check=False).returncode == 0:
        return program
    raise SystemExit(f"There is no python{version} with pip here. Install it, or measure the others with --only.")


def install(python: str, choice: str, folder: Path, index: str | None) -> Path:
    """Make a virtual environment in a clone, install everything, and return its Python."""
    run(python, "-m", "venv", folder / ".venv")
    own = folder / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    constraints = folder / ".venv" / "constraints.txt"  # here, because the clone is to stay as it was committed
    text = (folder / "constraints.txt").read_text("utf8")
    constraints.write_text(text if choice == "pinned" else without_torch(text), "utf8")
    lowest = lowest_versions((folder / "requirements.txt").read_text("utf8"))
    pair = [f"{name}=={lowest[name]}" if choice == "lowest" else name for name in PAIR]
    pip = (own, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *pair)
    if index:  # another build of the two; the packages that they need come from the usual place
        run(*pip, "-c", constraints, "--index-url", index, cwd=folder)
    run(*pip, "-r", "requirements.txt", "-c", constraints, cwd=folder)
    return own


def results(report: Path, notebooks: Iterable[str]) -> dict[str, Any]:
    """Return what pytest's report (JUnit's XML) says: counts, the tests that failed, and a row for each notebook.

    A notebook's row has the seconds that it ran alone, and how many tests that carry its name passed and failed.
    """
    rows: dict[str, dict[str, Any]] = {name: {"seconds": None, "passed": 0, "failed": 0} for name in notebooks}
    failed, counts = [], {"passed": 0, "failed": 0, "skipped": 0}
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}"
        bad = case.find("failure") is not None or case.find("error") is not None
        outcome = "failed" if bad else "skipped" if case.find("skipped") is not None else "passed"
        counts[outcome] += 1
        if bad:
            failed.append(name)
        for notebook, row in rows.items():
            if notebook in name and outcome != "skipped":
                row[outcome] += 1
        for entry in case.iter("property"):
            if entry.get("name") == "seconds":
                notebook = re.search(r"\[(.+)\]", name)[1]
                if notebook in rows:
                    rows[notebook]["seconds"] = float(entry.get("value"))
    return {"tests": counts, "failures": failed, "notebooks": rows}


def measure(python_version: str, choice: str, index: str | None, workers: str) -> dict[str, Any]:
    """Return the row of one environment: tests that fail are part of it.

    Raises SystemExit where the installation fails, where there is no Chromium, or where pytest writes no report.
    """
    python = interpreter(python_version)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name) / "book"
        run("git", "clone", "--quiet", ROOT, folder)
        started = time.monotonic()
        own = install(python, choice, folder, index)
        run(own, "-c", FIND_CHROMIUM, cwd=folder)
        installed = time.monotonic()
        report = folder / "_build" / "report.xml"
        command = [own, "-m", "pytest", "-n", workers, "--dist", "loadfile", f"--junitxml={report}", *NOT_THE_VERSIONS]
        # CI is unset because the tests would otherwise insist on the pinned torch.
        # A row without the tests in a browser would be no row of the whole suite.
        variables = {name: value for name, value in os.environ.items() if name != "CI"} | {"REQUIRE_BROWSER": "1"}
        subprocess.run(command, cwd=folder, env=variables, check=False)
        if not report.is_file():
            raise SystemExit("pytest wrote no report: its messages are above.")
        tested = time.monotonic()
        found = results(report, [path.stem for path in sorted((folder / "notebooks").glob("*.ipynb"))])
        row = {"choice": choice} | json.loads(run(own, "-c", TELL, cwd=folder))
        code = code_digest(folder)  # of the clone: somebody may have committed since
        row["commit"] = run("git", "rev-parse", "--short", "HEAD", cwd=folder).strip()
    row |= {"install_seconds": round(installed - started), "test_seconds": round(tested - installed)}
    return row | found | {"code": code}


def write(record: dict[str, Any]) -> None:
    """Write the record whole or not at all, its rows in the order of the versions."""
    rows = {name: record["environments"][name] for name in ENVIRONMENTS if name in record["environments"]}
    unfinished = RECORD.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(record | {"environments": rows}, indent=1, ensure_ascii=False) + "\n", "utf8")
    unfinished.replace(RECORD)


def read() -> dict[str, Any]:
    """Return the record, or an empty one."""
    if RECORD.exists():
        return json.loads(RECORD.read_text("utf8"))
    return {"page": PAGE, "environments": {}}


def chosen(record: dict[str, Any], only: str | None) -> list[str]:
    """Return which environments to measure: the one that is asked for, or those of which the record is out of date."""
    if only:
        return [only]
    digest = code_digest()
    return [name for name in ENVIRONMENTS if record["environments"].get(name, {}).get("code") != digest]


def main() -> int:
    """Measure what the record lacks, and say what failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only", choices=ENVIRONMENTS, metavar='"3.12 lowest"', help=f"one of: {', '.join(ENVIRONMENTS)}"
    )
    parser.add_argument("--merge", type=Path, metavar="FILE", help="take the rows of this record, or the one of --only")
    parser.add_argument("--torch-index", help="the package index of another build of torch, such as the small one")
    parser.add_argument("--workers", default="2", help="in how many processes the tests run (2)")
    options = parser.parse_args()
    record = read()
    if options.merge:
        rows = json.loads(options.merge.read_text("utf8"))["environments"]
        record["environments"] |= {name: row for name, row in rows.items() if options.only in (None, name)}
        write(record)
        return 0
    if run("git", "status", "--porcelain", "--", *(f":!{path}" for path in NOT_THE_CODE), "."):
        print("There are changes that are not committed. What is measured is the last commit, without them.")
    bad = 0
    for name in chosen(record, options.only):
        print(f"=== Python {name}", flush=True)
        row = measure(*name.split(), options.torch_index, options.workers)
        record = read()  # somebody may have added a row meanwhile
        record["environments"][name] = row
        write(record)
        counts = ", ".join(f"{number} {outcome}" for outcome, number in row["tests"].items())
        print(f"=== Python {name}: torch {row['torch']}, torchvision {row['torchvision']}: {counts}", flush=True)
        bad += bool(row["failures"])
    return int(bad > 0)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
    sys.exit("Interrupted. What was measured so far is in the record; run it again to go on.")
