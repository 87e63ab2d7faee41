"""Record what every notebook prints; write book/records/printed_numbers/NOTEBOOK.json.

    python tools/record_printed_numbers.py                       # the notebooks whose code has changed since
    python tools/record_printed_numbers.py --only 08_mnist_cnn   # one notebook
    python tools/record_printed_numbers.py --all                 # everything anew: ten minutes

Each notebook runs alone in an empty folder, without a network, on the CPU. What is printed now and was not before is
shown, cell by cell. tests/test_reproducible.py compares every run with the record.
"""

import argparse
import json
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
import torch
from nbformat import NotebookNode

from contents import notebook_paths
from number_drift import drifts
from printed_numbers import VARIES, measured, texts
from recording import RECORDS, ROOT, circumstances, digest

sys.path += [str(ROOT / "book"), str(ROOT / "tests")]  # the tests know how to run a notebook alone, without a network
from bookkit.execution_cache import installed_versions
from chapter_runs import run_notebook

FOLDER = RECORDS / "printed_numbers"
TEMPLATE = ROOT / "tools" / "chapter_template.ipynb"


def record_path(notebook: Path) -> Path:
    """Return the file that holds what a notebook printed; that of the template lies beside it."""
    return notebook.with_suffix(".numbers.json") if notebook == TEMPLATE else FOLDER / f"{notebook.stem}.json"


def processor_details() -> str:
    """Return what decides which instructions the libraries choose: two processors may well share a name."""
    wanted = ("vendor_id", "cpu family", "model", "stepping", "flags", "Features")
    info = Path("/proc/cpuinfo")
    first = info.read_text("utf8").split("\n\n")[0].splitlines() if info.exists() else [platform.processor()]
    return "\n".join(line for line in first if line.partition(":")[0].strip() in wanted or ":" not in line)


def conditions() -> dict[str, Any]:
    """Return the circumstances of a run on this machine.

    `arithmetic` stands for the processor's instructions, how torch was built and the C library, `packages` for the
    versions of all packages in requirements.txt.
    """
    built = [processor_details(), torch.__config__.show(), *platform.libc_ver()]
    versions = installed_versions((ROOT / "requirements.txt").read_text("utf8"))
    return circumstances(torch.device("cpu")) | {
        "threads": torch.get_num_threads(),
        "arithmetic": digest("\n".join(built).encode())[:8],
        "packages": digest("\n".join(versions).encode())[:8],
    }


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Return in which circumstances two runs differ, leaving out the day and the last part of Python's version."""
    one, other = ({**c, "date": "", "python": c["python"].rpartition(".")[0]} for c in (one, other))
    return [key for key in one | other if one.get(key) != other.get(key)]


def code_digest(notebook: NotebookNode) -> str:
    """Return a digest of all that decides what the record of a notebook should hold."""
    cells = [
        [cell.id, cell.source, VARIES in cell.metadata.get("tags", []), *measured(cell)]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]
    return digest(json.dumps(cells).encode())


def as_text(record: dict[str, Any]) -> str:
    """Return a record as JSON with a line for each cell, so that a comparison in git names the cell."""
    cells = ",\n".join(
        f"  {json.dumps(cell)}: {json.dumps(text, ensure_ascii=False)}" for cell, text in record["cells"].items()
    )
    head = {key: value for key, value in record.items() if key != "cells"}
    lines = ",\n".join(f" {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in head.items())
    return f'{{\n{lines},\n "cells": {{\n{cells}\n }}\n}}\n'


def read_record(notebook: Path) -> dict[str, Any] | None:
    """Return the record of a notebook, None if there is none."""
    path = record_path(notebook)
    return json.loads(path.read_text("utf8")) if path.exists() else None


def is_out_of_date(notebook: Path) -> bool:
    """Say whether a notebook's code has changed since its record was written."""
    record = read_record(notebook)
    return record is None or record["code"] != code_digest(nbformat.read(notebook, as_version=4))


def write_record(notebook: Path, executed: NotebookNode) -> list[str]:
    """Write what a notebook printed in a run on this machine, and return where it differs from the record before."""
    before, cells, here = read_record(notebook), texts(executed), conditions()
    if before and before["cells"] == cells and not differences(before["circumstances"], here):
        here = before["circumstances"]  # nothing has changed: nor should the file, for the day alone
    path = record_path(notebook)
    path.parent.mkdir(exist_ok=True)
    path.write_text(as_text({"circumstances": here, "code": code_digest(executed), "cells": cells}), "utf8")
    return [str(drift) for drift in drifts(before["cells"], cells)] if before else ["recorded for the first time"]


def record_anew(notebook: Path) -> list[str]:
    """Run a notebook, write its record, and return where it differs from the one before.

    Raises RuntimeError where the notebook does not run to its end.
    """
    with tempfile.TemporaryDirectory() as folder:
        return write_record(notebook, run_notebook(notebook, Path(folder)))


def main() -> None:
    """Record what is out of date."""
    notebooks = {path.stem: path for path in [*notebook_paths(ROOT), TEMPLATE]}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=notebooks, metavar="NOTEBOOK", help="this one, whether it changed or not")
    parser.add_argument("--all", action="store_true", help="run every notebook")
    options = parser.parse_args()
    if torch.accelerator.is_available():
        raise SystemExit("The record holds what a CPU prints: hide the GPU (CUDA_VISIBLE_DEVICES=).")
    for name, path in notebooks.items():
        if options.only == name or options.all or (options.only is None and is_out_of_date(path)):
            changes = record_anew(path)
            print(f"{name}: {'no number has changed' if not changes else ''}", *changes, sep="\n  ", flush=True)
    for stale in {path.stem: path for path in FOLDER.glob("*.json")}.keys() - notebooks.keys():
        (FOLDER / f"{stale}.json").unlink()
        print(f"{stale}: there is no such notebook any more, its record is gone too")


if __name__ == "__main__":
    main()
