"""The packages that learners need, as wheels that install without a network."""

import platform
import re
import subprocess
import sys
from pathlib import Path

LEARNERS_BLOCK = "# --- run the notebooks ---"


class WheelsError(Exception):
    """Says in one sentence why the packages could not be collected."""


def requirements_of_learners(requirements: str) -> str:
    """Return the part of requirements.txt that running the notebooks needs.

    Raises ValueError where the text has no such block: a kit without torch would be noticed in the classroom only.
    """
    _, heading, rest = requirements.partition(LEARNERS_BLOCK)
    if not heading:
        raise ValueError(f"requirements.txt has no line {LEARNERS_BLOCK!r}.")
    block = re.split(r"^# ---", rest, maxsplit=1, flags=re.MULTILINE)[0]
    return f"{heading}{block.rstrip()}\n"


def this_platform() -> str:
    """Return the system, the processor and the Python for which wheels are collected here."""
    system = {"Darwin": "macOS"}.get(platform.system(), platform.system())
    return f"{system} ({platform.machine()}), Python {sys.version_info.major}.{sys.version_info.minor}"


def collect_wheels(requirements: Path, constraints: Path, folder: Path, torch_index: str = "") -> list[Path]:
    """Download or build a wheel of everything that the requirements name, for this system and this Python.

    `torch_index` is the package index of another torch build; torch and torchvision are taken from there.
    Raises WheelsError with the last lines of pip where it fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pip = [sys.executable, "-m", "pip", "wheel", "--wheel-dir", str(folder), "--constraint", str(constraints)]
    commands = [[*pip, "--requirement", str(requirements), "--find-links", str(folder)]]
    if torch_index:
        commands.insert(0, [*pip, "torch", "torchvision", "--index-url", torch_index])
    for command in commands:
        finished = subprocess.run(command, capture_output=True, text=True, check=False)
        if finished.returncode:
            raise WheelsError("pip could not collect the packages:\n" + finished.stderr[-1500:])
    return sorted(folder.glob("*.whl"))
