"""Run cells as a kernel would, in this process, and put the state back afterwards.

Checking an exercise means running the same check on many answers. A kernel for each would take minutes; here the
chapter runs once, and each answer runs on a copy of the names that the chapter has defined.
"""

import contextlib
import io
import os
import random
from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output


class CellFailed(Exception):
    """A cell raised an error though it is not tagged `raises-exception`."""


class CellRunner:
    """Runs code cells one after another in `folder`, like a notebook's kernel started there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        mpl.use("Agg")
        InteractiveShell.clear_instance()
        self.shell = InteractiveShell.instance()
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
            self.shell.user_ns.clear()
            self.shell.user_ns.update(names)
            random.setstate(states[0])
            np.random.set_state(states[1])
            torch.set_rng_state(states[2])
