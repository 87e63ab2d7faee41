"""Run cells in a shell of IPython, and put the state back afterwards.

Checking an exercise means running the same check on many answers. A kernel for each would take minutes; here the
chapter runs once, and each answer runs on a copy of the names that the chapter has defined.
"""

import contextlib
import io
import json
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython import get_ipython
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output


class CellRunner:
    """Runs code cells one after another in `folder`: in a shell of its own, or in the kernel's that is handed in."""

    def __init__(self, folder: Path, shell: InteractiveShell | None = None) -> None:
        self.folder = folder
        mpl.use("Agg")
        if shell is None:
            InteractiveShell.clear_instance()
            shell = InteractiveShell.instance()
        self.shell = shell
        self.shell.showtraceback = lambda *args, **kwargs: None  # errors are returned, not printed

    def run(self, source: str) -> tuple[BaseException | None, str]:
        """Run one cell; return the error it ended with (None if it succeeded) and what it printed."""
        before = Path.cwd()
        os.chdir(self.folder)
        try:
            with capture_output() as captured, contextlib.redirect_stderr(io.StringIO()):
                result = self.shell.run_cell(source, store_history=False)
        finally:
            os.chdir(before)
            plt.close("all")
        return result.error_before_exec or result.error_in_exec, captured.stdout

    @contextlib.contextmanager
    def restored(self) -> Iterator[None]:
        """Put names and random generators back as they were when the block ends."""
        names = dict(self.shell.user_ns)
        states = random.getstate(), np.random.get_state(), torch.get_rng_state()
        try:
            yield
        finally:
            put_back(self.shell, names, states)


def put_back(shell: InteractiveShell, names: dict, states: tuple) -> None:
    """Give a shell these names and no others, and the random generators of Python, NumPy and PyTorch these states."""
    shell.user_ns.clear()
    shell.user_ns.update(names)
    random.setstate(states[0])
    np.random.set_state(states[1])
    torch.set_rng_state(states[2])


def try_sessions(sessions_file: str, endings_file: str) -> None:
    """Run each session of cells in the kernel that calls this; write how each ended.

    Both are JSON files in the current folder; run_chapter.py describes the first. Every session begins with the names
    that were there before the first exercise: what a check needs, it must bring along. A cell that raises though it
    may not ends its session, and the ending says so.
    """
    shell = get_ipython()
    runner = CellRunner(Path.cwd(), shell)
    shell.user_ns.clear()
    shell.user_ns.update(shell.names_before_exercises)
    endings = []
    for session in json.loads(Path(sessions_file).read_text("utf8")):
        with runner.restored():
            for cell in session:
                error, printed = runner.run(cell["source"])
                if error is not None and not cell["may_raise"]:
                    break
            kind = "" if error is None else type(error).__name__
            if cell is not session[-1]:
                kind = f"{kind} before the check"
            endings.append({"error": kind, "message": str(error or ""), "printed": printed})
    Path(endings_file).write_text(json.dumps(endings), "utf8")


def try_blocks(blocks_file: str, endings_file: str) -> None:
    """Run the lines that the teaching notes have a teacher type, in the kernel that calls this; write how they ended.

    Both are JSON files in the current folder; the first is a list of sources. They run one after another on the names
    and random states that were there before the first exercise, as in a workshop. For each, the second file says the
    kind of error ("" if none), its message, what was printed, the seconds, and which files lie there that did not.
    """
    shell = get_ipython()
    runner = CellRunner(Path.cwd(), shell)
    endings = []
    with runner.restored():
        put_back(shell, shell.names_before_exercises, shell.random_before_exercises)
        for source in json.loads(Path(blocks_file).read_text("utf8")):
            before, started = set(Path.cwd().rglob("*")), time.perf_counter()
            error, printed = runner.run(source)
            seconds = time.perf_counter() - started
            ending = {"error": "" if error is None else type(error).__name__, "message": str(error or "")}
            left = sorted(path.name for path in set(Path.cwd().rglob("*")) - before)
            endings.append(ending | {"printed": printed, "seconds": seconds, "left": left})
    Path(endings_file).write_text(json.dumps(endings), "utf8")
