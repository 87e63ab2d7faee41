"""Write and read the numbers of the interactive figures: `book/figures/NAME/data.js`.

A script and no JSON file, because a page that is opened from a disk may not fetch anything.
"""

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

FIGURES = Path(__file__).parents[1] / "book" / "figures"


def write_data(name: str, data: dict[str, Any]) -> Path:
    """Write the data of a figure and return the file. Floats keep all the digits they are given with."""
    path = FIGURES / name / "data.js"
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    path.write_text(
        f"// Made by export_data.py, from the book's own cells. Do not edit.\nfigureData.{name} = {text};\n", "utf8"
    )
    return path


def read_data(name: str) -> dict[str, Any]:
    """Return the data of a figure, as its script gets them."""
    text = (FIGURES / name / "data.js").read_text("utf8")
    return json.loads(text.partition(f"figureData.{name} = ")[2].rstrip().rstrip(";"))


def export_module(name: str) -> ModuleType:
    """Return the `export_data.py` of a figure as a module of its own: each figure has a file of this name."""
    spec = importlib.util.spec_from_file_location(f"{name}_export_data", FIGURES / name / "export_data.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
