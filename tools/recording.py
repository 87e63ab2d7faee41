"""What the scripts that write book/records/*.json share: the notebook's own code, the machine, the file.

A record holds what takes longer than a chapter may: full-length training runs, several seeds. The code it measures is
not written a second time: it is the cells of the chapter that are tagged `recipe`. A record keeps the digest of those
cells, so a test sees when they have changed since.
"""

import contextlib
import hashlib
import io
import json
import os
import platform
import sys
import tokenize
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import torch
import torchvision

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
RECORDS = ROOT / "book" / "records"
# By chapter: today's recipe, and the recipe that was measured, where both give the same numbers to the last bit, as a
# test shows. These two prepare the images in place since then, to save memory. Once all records of a chapter are of
# today's recipe, take it out.
SAME_NUMBERS = {
    "08_mnist_cnn": ("7092677a7439b3c4", "df5cf0c6dd36d1d7"),
    "09_four_networks": ("1b33a1f16e7694f4", "511c3161a573b183"),
}


def cells_with(chapter: str, *tags: str) -> list[nbformat.NotebookNode]:
    """Return the cells of a chapter that carry one of `tags`.

    Raises ValueError where the chapter has no cell tagged `recipe`: there is nothing to record.
    """
    notebook = nbformat.read(NOTEBOOKS / f"{chapter}.ipynb", as_version=4)
    if not any("recipe" in cell.metadata.get("tags", []) for cell in notebook.cells):
        raise ValueError(f"{chapter}.ipynb has no cell tagged `recipe`: there is nothing to record.")
    return [cell for cell in notebook.cells if set(tags).intersection(cell.metadata.get("tags", []))]


def without_comments(source: str) -> str:
    """Return code without its comments and blank lines: what is left decides the result."""
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    return "\n".join(line.rstrip() for line in lines if line.strip())


def digest(code: bytes) -> str:
    """Return a short digest that changes when the code does."""
    return hashlib.sha256(code).hexdigest()[:16]


def recipe_digest(chapter: str) -> str:
    """Return a digest of the code in the chapter's recipe cells; comments do not count."""
    code = "\n".join(without_comments(cell.source) for cell in cells_with(chapter, "recipe"))
    return digest(code.encode())


def run_cell(source: str, where: str, names: dict[str, Any]) -> None:
    """Run a cell on `names`; one that begins with %%writefile writes its file, as in the notebook."""
    if source.startswith("%%writefile "):
        line, text = source.split("\n", 1)
        target = line.removeprefix("%%writefile ").strip().strip('"').format_map(names)
        Path(target).write_text(text + "\n", "utf8")
    else:
        exec(compile(source, where, "exec"), names)


def names_of_cells(chapter: str, ids: Iterable[str], names: dict[str, Any] | None = None) -> dict[str, Any]:
    """Run some cells of a chapter in notebooks/, in the order given, and return `names` with what they define."""
    notebook = nbformat.read(NOTEBOOKS / f"{chapter}.ipynb", as_version=4)
    sources = {cell.id: cell.source for cell in notebook.cells}
    names = {"__name__": "chapter"} if names is None else names
    with contextlib.chdir(NOTEBOOKS):
        for cell_id in ids:
            run_cell(sources[cell_id], f"{chapter}.ipynb, cell {cell_id}", names)
    return names


def chapter_names(chapter: str) -> dict[str, Any]:
    """Run the setup, data and recipe cells of a chapter and return the names they define.

    The cells run in notebooks/, where the data lie, in the order of the notebook.
    """
    # A module of its own, because classes in the cells (dataclasses, say) look their module up by its name.
    module = ModuleType("chapter")
    sys.modules["chapter"] = module
    os.chdir(NOTEBOOKS)
    for cell in cells_with(chapter, "setup", "data", "recipe"):
        run_cell(cell.source, f"{chapter}.ipynb, cell {cell.id}", module.__dict__)
    return module.__dict__


def processor() -> str:
    """Return the processor's name as the system gives it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text("utf8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def circumstances(device: torch.device) -> dict[str, Any]:
    """Return when, on what and with which versions a measurement was made."""
    device_name = torch.cuda.get_device_name(device) if device.type == "cuda" else processor()
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "device": str(device),
        "hardware": device_name,
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
    }


def good_recipes(chapter: str) -> set[str]:
    """Return the digests that a record of this chapter may hold: today's recipe, and one with the same numbers."""
    today = recipe_digest(chapter)
    same = SAME_NUMBERS.get(chapter, (today,))
    return set(same) if today == same[0] else {today}


def read_record(name: str, chapter: str) -> dict[str, Any]:
    """Return the record of this name to go on with, or a new one where the chapter's recipe is another by now."""
    path = RECORDS / f"{name}.json"
    if path.exists():
        record = json.loads(path.read_text("utf8"))
        if record["recipe"] in good_recipes(chapter):
            return record
        print(f"The recipe of {chapter} has changed since {path.name} was written: everything is measured anew.")
    return {"chapter": chapter, "recipe": recipe_digest(chapter)}


def write_record(name: str, record: dict[str, Any]) -> None:
    """Write a record whole or not at all."""
    RECORDS.mkdir(exist_ok=True)
    path = RECORDS / f"{name}.json"
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf8")
    unfinished.replace(path)
