"""Run one notebook as a reader would, then try answers to its exercises in the same kernel.

    python run_chapter.py NOTEBOOK SESSIONS ENDINGS BLOCKS BLOCK_ENDINGS RESULT

All are files in the current folder. SESSIONS is a JSON list of sessions; a session is a list of cells,
{"source": …, "may_raise": …}, run one after another on the names that the chapter had before its first exercise.
ENDINGS gets how each session ended. BLOCKS is a JSON list of what a teacher types live, and BLOCK_ENDINGS gets how that
ended (run_cells.py says more). RESULT gets the time at which the notebook ended, the most memory that its kernel held
until then (with the processes it had started, as tools/measure_notebook.py adds them up; null where the system does not
say), and the failure that ended the run, if any. The notebook is written back with its outputs. Where both
lists are empty, it only runs.
"""

import contextlib
import json
import math
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError

sys.path.append(str(Path(__file__).resolve().parents[1] / "tools"))
from measure_notebook import MB, Memory, Sampler, says_memory
from size_hub import read_costs

SECONDS_A_CELL = 150  # so that a cell that hangs does not hang the tests; no chapter may take longer in all
SECONDS_FOR_ALL_ANSWERS = 600
SECONDS_BETWEEN_LOOKS = 0.2  # at the memory: enough to see whatever a cell holds, and a hundredth of a core
TESTS = str(Path(__file__).resolve().parent)
REMEMBER = """
get_ipython().names_before_exercises = dict(get_ipython().user_ns)
get_ipython().random_before_exercises = (
    __import__("random").getstate(), __import__("numpy").random.get_state(), __import__("torch").get_rng_state()
)
"""  # imports no name: the chapter goes on after it


def run_hidden(client: NotebookClient, code: str) -> None:
    """Run code in the notebook's kernel without leaving a trace in the notebook."""
    cell = nbformat.v4.new_code_cell(code)
    client.nb.cells.append(cell)
    client.execute_cell(cell, len(client.nb.cells) - 1, store_history=False)
    client.nb.cells.pop()


def run_all(client: NotebookClient, remember: bool, exercises_too: bool) -> None:
    """Run every cell in order, as Run All does.

    With `remember`, keep the names and random states from before the first exercise. Without `exercises_too` the run
    ends there.
    """
    cells = list(enumerate(client.nb.cells))
    first = next((index for index, cell in cells if "exercise" in cell.metadata.get("tags", [])), 0)
    for index, cell in cells:
        if remember and index == first:
            run_hidden(client, REMEMBER)
            if not exercises_too:
                return
        client.execute_cell(cell, index)


def memory_of_kernel(client: NotebookClient) -> contextlib.AbstractContextManager[Sampler | None]:
    """Return what watches the memory of a running kernel, and nothing where the system does not tell it."""
    if not says_memory():
        return contextlib.nullcontext()
    return Sampler(client.km.provisioner.pid, SECONDS_BETWEEN_LOOKS)


def needed_mb(peak: Memory, name: str) -> int:
    """Return how many megabytes a machine must have for a notebook: its own pages, and its libraries up to a bound.

    The system maps more of a library than a process asks for, in larger pieces where the file was written a short time
    ago. Just after `pip install` a kernel had 505 MB of libraries, later 385; such pages are given back when memory is
    short. So libraries count with at most what the record of costs has for this notebook, which is not made just after
    an installation, and a tenth more, because another PyTorch has other libraries. Without a record there is no bound.
    """
    rows = read_costs().rows
    bound = 1.1 * rows[name]["peak_files_mb"] if name in rows else math.inf
    return round(peak.own / MB + min(peak.files / MB, bound))


def run_and_go_on(
    notebook: str,
    result: str,
    afterwards: list[str],
    seconds: int,
    seconds_a_cell: int = SECONDS_A_CELL,
    exercises_too: bool = True,
) -> None:
    """Run the notebook, then code that leaves no trace in it; write the result even where a cell fails.

    `seconds` is the limit for each piece of that code. It can import the modules that lie beside this one.
    """
    nb = nbformat.read(notebook, as_version=4)
    client = NotebookClient(nb, kernel_name="python3", timeout=seconds_a_cell, record_timing=True)
    report = {"ended": None, "peak_mb": None, "failure": None}
    with client.setup_kernel():
        try:
            with memory_of_kernel(client) as memory:
                run_all(client, remember=bool(afterwards), exercises_too=exercises_too)
                report["ended"] = time.time()
            report["peak_mb"] = None if memory is None else needed_mb(memory.peak, Path(notebook).stem)
            nbformat.write(nb, notebook)
            client.timeout = seconds
            if afterwards:
                run_hidden(client, f"import sys; sys.path.insert(0, {TESTS!r})")
            for code in afterwards:
                run_hidden(client, code)
        except (CellExecutionError, CellTimeoutError) as error:
            report["failure"] = str(error)
    Path(result).write_text(json.dumps(report), "utf8")


def main(notebook: str, sessions: str, endings: str, blocks: str, block_endings: str, result: str) -> None:
    """Run the notebook, then the sessions and the blocks, if there are any."""
    answers = f"import run_cells; run_cells.try_sessions({sessions!r}, {endings!r})"
    typed = f"import run_cells; run_cells.try_blocks({blocks!r}, {block_endings!r})"
    to_try = any(json.loads(Path(file).read_text("utf8")) for file in (sessions, blocks))
    run_and_go_on(notebook, result, [answers, typed] if to_try else [], SECONDS_FOR_ALL_ANSWERS)


if __name__ == "__main__":
    main(*sys.argv[1:])
