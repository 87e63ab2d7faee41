"""Run one notebook as Run All does and write what its kernel cost; record_notebook_costs.py starts this program.

    python measure_notebook.py NOTEBOOK RESULT      # a notebook in the current folder
    python measure_notebook.py --server RESULT      # JupyterLab without any notebook

Linux only: what a process keeps in memory for itself is read from /proc/PID/smaps_rollup.

Every 50 ms the memory of the kernel and of all processes that it has started is added up like this:

- pages that belong to no file (arrays, weights, Python's objects, shared memory): each process' proportional share, so
  that pages which a forked worker shares with its parent are counted once;
- pages of files (the libraries): those of the process that has the most. All processes of a kernel map the same
  libraries, so to add them up would count PyTorch once a process. The proportional share is of no use here: it shrinks
  when an unrelated program, another learner's kernel say, has PyTorch open as well.
"""

import contextlib
import json
import subprocess
import sys
import threading
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import nbformat
import psutil
from nbclient import NotebookClient

EVERY = 0.05  # seconds between two looks
SECONDS_A_CELL = 600
MB = 1e6
LIMIT_MB = 1500  # what a notebook may take: beside JupyterLab it then fits on a machine of 2 GB
# Four processes have PyTorch open at once: the kernel, torchrun and two workers. That is what the chapter is about. In
# the build that brings NVIDIA's libraries along, loading these costs each of them more than 100 MB of its own.
LIMITS_MB = {"13_scaling_out": 2300}


def limit_mb(notebook: str) -> int:
    """Return how many megabytes a notebook may take, given its name without suffix."""
    return LIMITS_MB.get(notebook, LIMIT_MB)


def says_memory() -> bool:
    """Say whether this system tells what a process keeps for itself: Linux does."""
    return Path("/proc/self/smaps_rollup").exists()


def fields(path: Path) -> dict[str, int]:
    """Return the lines `Name:  123 kB` of a file in /proc as bytes by name."""
    found = {}
    for line in path.read_text("ascii", errors="replace").splitlines():
        name, _, rest = line.partition(":")
        number, _, unit = rest.strip().partition(" ")
        if unit == "kB":
            found[name] = int(number) * 1024
    return found


@dataclass(frozen=True)
class Memory:
    """Bytes that a tree of processes holds at one moment."""

    own: int  # in no file, each page counted once
    files: int  # libraries and other mapped files, of the process that has the most
    rss: int  # what adding up the resident sizes would give
    processes: int

    @property
    def total(self) -> int:
        """Return what one machine must have for the tree."""
        return self.own + self.files


def tree(root: psutil.Process) -> list[psutil.Process]:
    """Return a process and all that descend from it."""
    return [root, *root.children(recursive=True)]


def memory_of(root: psutil.Process) -> Memory:
    """Add up the memory of a tree; a process that ends meanwhile no longer counts."""
    own = files = rss = processes = 0
    for process in tree(root):
        folder = Path("/proc") / str(process.pid)
        try:
            rollup, status = fields(folder / "smaps_rollup"), fields(folder / "status")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if "RssFile" not in status:  # a zombie: it has ended and holds nothing
            continue
        own += rollup["Pss_Anon"] + rollup["Pss_Shmem"]
        files = max(files, status["RssFile"])
        rss += rollup["Rss"]
        processes += 1
    return Memory(own, files, rss, processes)


def quick_look(root: psutil.Process) -> tuple[int, int]:
    """Return the resident sizes of a tree added up, in bytes, and how many processes it has."""
    sizes = []
    for process in tree(root):
        with contextlib.suppress(psutil.NoSuchProcess):
            sizes.append(process.memory_info().rss)
    return sum(sizes), len([size for size in sizes if size])  # a zombie holds nothing


def cpu_seconds_of(root: psutil.Process) -> float:
    """Return the CPU seconds of a tree, those of its ended and awaited processes included."""
    seconds = 0.0
    for process in tree(root):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        seconds += times.user + times.system + times.children_user + times.children_system
    return seconds


class Sampler:
    """Looks at a tree of processes every 50 ms while it is open, and remembers the largest it saw.

    `every`: another number of seconds between two looks.
    """

    def __init__(self, pid: int, every: float = EVERY) -> None:
        self.root = psutil.Process(pid)
        self.every = every
        self.peak = memory_of(self.root)
        self.most_processes = self.peak.processes
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def _look(self) -> None:
        while not self._stop.wait(self.every):
            resident, processes = quick_look(self.root)
            self.most_processes = max(self.most_processes, processes)
            # The exact sum takes milliseconds of a core. It is never more than the resident sizes added up, of which
            # the system tells to within a few pages a thread.
            if resident > 0.98 * self.peak.total:
                self.peak = max(self.peak, memory_of(self.root), key=lambda memory: memory.total)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def result(self) -> dict[str, float]:
        """Return the peak and what is held now, in megabytes (10⁶ bytes)."""
        now = memory_of(self.root)
        # A look that was left out may have been the largest.
        peak = max(self.peak, now, key=lambda memory: memory.total)
        return {
            "peak_mb": round(peak.total / MB),
            "peak_own_mb": round(peak.own / MB),
            "peak_files_mb": round(peak.files / MB),
            "peak_rss_mb": round(peak.rss / MB),
            "resting_mb": round(now.total / MB),
            "processes": self.most_processes,
        }


def measure_notebook(notebook: Path) -> dict[str, Any]:
    """Run a notebook from top to bottom in a kernel of its own and return what it cost.

    Raises CellExecutionError where a cell fails that is not tagged `raises-exception`.
    """
    nb = nbformat.read(notebook, as_version=4)
    cells: dict[str, dict[str, float]] = {}
    started_at: dict[str, tuple[float, float]] = {}

    def before(cell: nbformat.NotebookNode, **_: Any) -> None:
        started_at[cell.id] = (time.perf_counter(), cpu_seconds_of(sampler.root))

    def after(cell: nbformat.NotebookNode, **_: Any) -> None:
        wall, cpu = started_at[cell.id]
        cells[cell.id] = {
            "cpu_seconds": round(cpu_seconds_of(sampler.root) - cpu, 2),
            "seconds": round(time.perf_counter() - wall, 2),
        }

    client = NotebookClient(
        nb, kernel_name="python3", timeout=SECONDS_A_CELL, on_cell_execute=before, on_cell_executed=after
    )
    started = time.perf_counter()
    with client.setup_kernel(), Sampler(client.km.provisioner.pid) as sampler:
        for index, cell in enumerate(nb.cells):
            client.execute_cell(cell, index)
        seconds, cpu_seconds = time.perf_counter() - started, cpu_seconds_of(sampler.root)
        result = sampler.result()
    return result | {"cpu_seconds": round(cpu_seconds, 1), "seconds": round(seconds, 1), "by_cell": cells}


def measure_server() -> dict[str, Any]:
    """Start JupyterLab, ask it for its first page, and return what it held in ten seconds.

    Raises RuntimeError when it does not answer within a minute.
    """
    options = ("--no-browser", "--ServerApp.port=8765", "--ServerApp.token=", "--allow-root")
    with subprocess.Popen([sys.executable, "-m", "jupyterlab", *options], stderr=subprocess.DEVNULL) as process:
        try:
            with Sampler(process.pid) as sampler:
                wait_for("http://127.0.0.1:8765/lab")
                time.sleep(10)
                result = sampler.result()
        finally:
            process.terminate()
    return result


def wait_for(address: str) -> None:
    """Wait until a server on this machine answers with a page."""
    for _ in range(120):
        try:
            urllib.request.urlopen(address, timeout=5).read()
        except OSError:
            time.sleep(0.5)
        else:
            return
    raise RuntimeError(f"{address} did not answer within a minute.")


def main(what: str, result: str) -> None:
    """Measure and write."""
    measured = measure_server() if what == "--server" else measure_notebook(Path(what))
    Path(result).write_text(json.dumps(measured), "utf8")


if __name__ == "__main__":
    main(*sys.argv[1:])
