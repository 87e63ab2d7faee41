"""Measure what each notebook costs a machine that many people share; write book/records/notebook_costs.json.

    python tools/record_notebook_costs.py                       # what the record lacks or holds of other code
    python tools/record_notebook_costs.py --only 08_mnist_cnn   # one notebook
    python tools/record_notebook_costs.py --all                 # everything anew

Twelve minutes for all; the machine should do nothing else. Each notebook runs alone in an empty folder, without a
network, as measure_notebook.py says there; Linux only. tools/size_hub.py reads the record.

A record that is out of date at every typo is a nuisance, so it knows which code it was made with cell by cell,
without comments, layout and texts in quotation marks. A notebook is measured anew, and a test says so, when a cell
that took a second of CPU time or more has changed, or more than a tenth of its code cells have.
"""

import argparse
import ast
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
import torch
from IPython.core.inputtransformer2 import TransformerManager

from contents import notebook_paths
from measure_notebook import says_memory
from recording import RECORDS, ROOT, circumstances, digest, write_record

sys.path.append(str(ROOT / "tests"))  # the tests know how to run a notebook alone and without a network
from book_files import code_cells, copy_packed_data
from offline import GUARD, isolation

RECORD = "notebook_costs"
PAGE = "book/teaching/hub.md"
MEASURE = Path(__file__).with_name("measure_notebook.py")
HEAVY = 1.0  # CPU seconds from which on a cell decides what a notebook costs
SHARE_THAT_MAY_CHANGE = 0.1


class Textless(ast.NodeTransformer):
    """Empties every text in quotation marks: a title, a label, a message costs what another one costs."""

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        """Empty a text; leave numbers alone."""
        return ast.Constant("") if isinstance(node.value, str) else node


def shape(node: Any) -> Any:
    """Return a piece of a syntax tree as nested lists, without fields that are empty.

    ast.dump() would not do: its text differs between Pythons, because each new one adds fields.
    """
    if isinstance(node, ast.AST):
        fields = [[name, shape(value)] for name, value in ast.iter_fields(node) if value not in (None, [])]
        return [type(node).__name__, *fields]
    return [shape(part) for part in node] if isinstance(node, list) else repr(node)


def cell_digest(source: str) -> str:
    """Return a digest of what a cell does: comments, layout and texts do not count.

    Of a file that the cell writes (`%%writefile`), the code in the file counts. What is no Python, a program of old for
    instance, counts as it stands.
    """
    if source.startswith("%%writefile"):
        source = source.partition("\n")[2]
    try:
        tree = ast.parse(TransformerManager().transform_cell(source))
    except SyntaxError:
        return digest(source.encode())[:8]
    return digest(str(shape(Textless().visit(tree))).encode())[:8]


def is_out_of_date(row: dict[str, Any] | None, notebook: nbformat.NotebookNode) -> bool:
    """Say whether a notebook should be measured anew."""
    if row is None:
        return True
    now = [cell_digest(cell.source) for cell in code_cells(notebook)]
    if not set(row["heavy_cells"]) <= set(now):
        return True
    return len(set(now) ^ set(row["cells"].split())) / 2 > SHARE_THAT_MAY_CHANGE * len(now)


def folder_size(folder: Path) -> int:
    """Return the bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def run_measurement(what: str, folder: Path) -> dict[str, Any]:
    """Run measure_notebook.py in a folder, without a network, and return what it wrote.

    Raises RuntimeError with the end of its messages when it fails.
    """
    (folder / "tmp").mkdir()
    variables = {"PYTHONPATH": str(GUARD), "IPYTHONDIR": str(folder / ".ipython"), "TMPDIR": str(folder / "tmp")}
    command = [*isolation(), sys.executable, str(MEASURE), what, "result.json"]
    finished = subprocess.run(command, cwd=folder, env=os.environ | variables, capture_output=True, text=True)
    if finished.returncode != 0:
        raise RuntimeError(f"{what} could not be measured:\n{finished.stderr[-3000:]}")
    return json.loads((folder / "result.json").read_text("utf8"))


def measure(path: Path) -> dict[str, Any]:
    """Return the row of one notebook: memory in megabytes, times in seconds."""
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        nbformat.write(notebook, folder / path.name)
        if code_cells(notebook, "data"):
            copy_packed_data(folder)
        row = run_measurement(path.name, folder)
        row["disk_mb"] = round(folder_size(folder) / 1e6)
    by_cell = row.pop("by_cell")
    digests = {cell.id: cell_digest(cell.source) for cell in code_cells(notebook)}
    dearest = max(by_cell, key=lambda cell: by_cell[cell]["cpu_seconds"])
    heavy = [digests[cell] for cell, cost in by_cell.items() if cost["cpu_seconds"] >= HEAVY]
    return row | {
        "dearest_cell": {"id": dearest} | by_cell[dearest],
        "heavy_cells": heavy,
        "cells": " ".join(digests.values()),
    }


def conditions() -> dict[str, Any]:
    """Return on what is measured, the day left out, with the number of threads that a notebook gets here."""
    return {key: value for key, value in circumstances(torch.device("cpu")).items() if key != "date"} | {
        "threads": torch.get_num_threads()
    }


def main() -> None:
    """Measure what the record lacks."""
    names = [path.stem for path in notebook_paths(ROOT)]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=names, metavar="NOTEBOOK", help="measure this one, whether it changed or not")
    parser.add_argument("--all", action="store_true", help="measure every notebook anew")
    options = parser.parse_args()
    only = options.only
    if not says_memory():
        raise SystemExit("This needs Linux: no other system says how much memory a process shares with others.")
    path = RECORDS / f"{RECORD}.json"
    record = json.loads(path.read_text("utf8")) if path.exists() else {"page": PAGE, "notebooks": {}}
    rows = record["notebooks"]
    chosen = [
        notebook
        for notebook in notebook_paths(ROOT)
        if options.all
        or only == notebook.stem
        or (only is None and is_out_of_date(rows.get(notebook.stem), nbformat.read(notebook, as_version=4)))
    ]
    if not chosen:
        return
    here = conditions()
    if rows and any(record["circumstances"].get(key) != value for key, value in here.items()):
        print("The record was made on another machine or with other versions: everything is measured anew.")
        rows.clear()
        chosen = notebook_paths(ROOT)
    with tempfile.TemporaryDirectory() as folder:
        record["server"] = run_measurement("--server", Path(folder))
    record["circumstances"] = circumstances(torch.device("cpu")) | here
    for number, notebook in enumerate(chosen, 1):
        row = rows[notebook.stem] = measure(notebook)
        facts = ", ".join(f"{key} {row[key]}" for key in ("peak_mb", "cpu_seconds", "seconds", "processes"))
        print(f"{number}/{len(chosen)} {notebook.stem}: {facts}, dearest cell {row['dearest_cell']}", flush=True)
        record["notebooks"] = {name: rows[name] for name in names if name in rows}
        write_record(RECORD, record)  # after each, so that what was cut short goes on


if __name__ == "__main__":
    main()
