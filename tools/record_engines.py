"""Run chapter 13's training with DDP alone and in three libraries; write book/records/engines.json.

    .venv/bin/pip install -r tools/engines/requirements.txt -c constraints.txt    # what the book itself does not need
    .venv/bin/python tools/record_engines.py                                      # minutes

Each library trains the chapter's network on the chapter's digits, in two processes with 32 digits each, by its own
file in tools/engines, whose marked lines the page shows. The record compares the weights with those of the chapter's
train_ddp.py.
"""

import importlib.metadata
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from recording import ROOT, chapter_names, circumstances, digest, read_record, write_record

CHAPTER = "13_scaling_out"
RECORD = "engines"
ENGINES = ROOT / "tools" / "engines"
PACKAGES = {"lightning": "Lightning", "accelerate": "Accelerate", "ray": "Ray Train"}
STARTED_BY_TORCHRUN = {"accelerate"}  # the other two start their processes themselves


def digests() -> dict[str, str]:
    """Return a digest of each file that trains with a library."""
    return {file.name: digest(file.read_bytes()) for file in sorted(ENGINES.glob("*.py"))}


def run(folder: Path, launcher: list[str], settings: dict[str, str], *arguments: str) -> None:
    """Run a script in the folder of the chapter's files, which it may import."""
    settings = {**settings, "PYTHONPATH": str(folder), "RAY_USAGE_STATS_ENABLED": "0"}
    subprocess.run([*launcher, *arguments], cwd=folder, env=os.environ | settings, check=True)


def row(name: str, version: str, loss: float, weights: dict[str, Any], reference: dict[str, Any]) -> list[Any]:
    """Return what the page shows of one training: name, version, final loss, largest difference of a weight."""
    gap = max((weights[key] - reference[key]).abs().max().item() for key in reference)
    print(f"{name} {version}: loss {loss:.6f}, largest difference {gap:.1e}", flush=True)
    return [name, version, round(loss, 6), float(f"{gap:.1e}")]


def main() -> None:
    """Train four times, unless the record is up to date."""
    record = read_record(RECORD, CHAPTER)
    if record.get("files") == digests():
        return
    missing = [package for package in PACKAGES if importlib.util.find_spec(package) is None]
    if missing:
        print(
            f"engines.json stays as it is, since {', '.join(missing)} cannot be imported: "
            "pip install -r tools/engines/requirements.txt -c constraints.txt"
        )
        return
    names = chapter_names(CHAPTER)
    folder = names["folder"]
    # Files that the chapter has written, into a folder on sys.path.
    from launching import SETTINGS, TORCHRUN
    from parts import make_model

    torchrun = [*TORCHRUN, "--nproc-per-node=2"]

    def loss_of(weights: dict[str, Any]) -> float:
        model = make_model()
        model.load_state_dict(weights)
        with torch.no_grad():
            return F.cross_entropy(model(names["images"]), names["targets"]).item()

    run(folder, torchrun, SETTINGS, "train_ddp.py", "two.pt", "--device=cpu")
    reference = torch.load(folder / "two.pt")["model"]
    version = torch.__version__.partition("+")[0]
    table = [row("torchrun and DDP", version, loss_of(reference), reference, reference)]
    for package, name in PACKAGES.items():
        launcher = torchrun if package in STARTED_BY_TORCHRUN else [sys.executable]
        run(folder, launcher, SETTINGS, str(ENGINES / f"train_{package}.py"), str(folder))
        version = importlib.metadata.version(package)
        weights = torch.load(folder / f"{package}.pt")
        table.append(row(name, version, loss_of(weights), weights, reference))
    record |= {"files": digests(), "circumstances": circumstances(torch.device("cpu")), "table": table}
    write_record(RECORD, record)


if __name__ == "__main__":
    main()
