"""Machines that are worse than ours: a full disk, little shared memory, one core, an odd folder, another language."""

import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from book_files import NOTEBOOKS, code_cells, read
from chapter_runs import run_chapter
from offline import run_offline

needs_all_faults = pytest.mark.skipif(
    not os.environ.get("TEST_ALL_FAULTS"), reason="takes minutes: the weekly run asks for it with TEST_ALL_FAULTS=1"
)


def mounted(*steps: str) -> tuple[str, ...]:
    """Return the words to put before a command that shall see other disks than the rest of the system.

    The steps are shell commands, such as `mount -t tmpfs -o size=1m tmpfs data`. They run in the folder of the
    command, before it; what they mount is gone when it ends.
    """
    return ("unshare", "--map-root-user", "--mount", "sh", "-c", " && ".join([*steps, 'exec "$@"']), "sh")


@functools.cache
def can_mount() -> bool:
    """Say whether this system lets us mount disks that only our own process sees."""
    if not shutil.which("unshare"):
        return False
    with tempfile.TemporaryDirectory() as folder:
        return run_offline([*mounted("mount -t tmpfs -o size=64k tmpfs ."), "true"], Path(folder)).returncode == 0


needs_mounts = pytest.mark.skipif(not can_mount(), reason="this system mounts no disk for a single process")


def turkish(folder: Path) -> dict[str, str]:
    """Return the variables that put a program into Turkey, whose rules are written to `folder`.

    Turkish has another i, and a comma before the decimals. Skips the test where the system cannot write the rules.
    """
    name = "tr_TR.UTF-8"
    if shutil.which("localedef"):
        rules = ("localedef", "--no-archive", "--inputfile=tr_TR", "--charmap=UTF-8", str(folder / name))
        subprocess.run(rules, capture_output=True, check=False)
    if not (folder / name).is_dir():
        assert not os.environ.get("REQUIRE_FAULTS"), "REQUIRE_FAULTS is set, but the package locales is missing"
        pytest.skip("this system knows nothing of Turkish: install the package locales")
    return {"LC_ALL": name, "LANG": "C", "LOCPATH": str(folder), "PYTHONUTF8": ""}


def without_privileges() -> tuple[str, ...]:
    """Return the words to put before a command that root runs, so that it respects a folder's permissions."""
    return ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if shutil.which("setpriv") else ()


def on_one_core() -> tuple[str, ...]:
    """Return the words to put before a command that shall have one core."""
    return ("taskset", "--cpu-list", str(min(os.sched_getaffinity(0)))) if shutil.which("taskset") else ()


def run_notebook(path: Path, folder: Path, *words: str, **environment: str) -> str | None:
    """Run a notebook in `folder` from top to bottom, with some words before the command; return its failure, if any."""
    return run_chapter(path, folder, words=words, **environment)["failure"]


def cells_of(stem: str) -> dict[str, str]:
    """Return the sources of a notebook's code cells by their ids."""
    return {cell.id: cell.source for cell in code_cells(read(NOTEBOOKS / f"{stem}.ipynb"))}
