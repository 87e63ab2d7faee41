"""Run one notebook as a reader would, then try answers to its exercises in the same kernel.

    python run_chapter.py NOTEBOOK SESSIONS RESULT

All three are files in the current folder. SESSIONS is a JSON list of sessions; a session is a list of cells,
{"source": …, "may_raise": …}, run one after another on the state that the chapter has left. RESULT gets the seconds
that the notebook took, how each session ended, and the failure that ended the run, if any. The notebook is written
back with its outputs.
"""

import json
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError

SECONDS_A_CELL = 300  # so that a cell that hangs does not hang the tests
SECONDS_FOR_ALL_ANSWERS = 600
TRY_ANSWERS = (
    "import sys; sys.path.insert(0, {folder!r}); import run_cells; run_cells.try_sessions({sessions!r}, {to!r})"
)


def try_answers(client: NotebookClient, sessions: str) -> list[dict[str, str]]:
    """Run the sessions in the kernel; return how each ended."""
    endings = "endings.json"
    folder = str(Path(__file__).resolve().parent)
    cell = nbformat.v4.new_code_cell(TRY_ANSWERS.format(folder=folder, sessions=sessions, to=endings))
    client.timeout = SECONDS_FOR_ALL_ANSWERS
    client.nb.cells.append(cell)  # after the notebook has been written: nobody sees this cell
    client.execute_cell(cell, len(client.nb.cells) - 1)
    return json.loads(Path(endings).read_text("utf8"))


def main(notebook: str, sessions: str, result: str) -> None:
    """Run the notebook, then the sessions; write notebook and result even where a cell fails."""
    nb = nbformat.read(notebook, as_version=4)
    client = NotebookClient(nb, kernel_name="python3", timeout=SECONDS_A_CELL, record_timing=True)
    report = {"seconds": None, "endings": [], "failure": None}
    started = time.perf_counter()
    with client.setup_kernel():
        try:
            for index, cell in enumerate(nb.cells):
                client.execute_cell(cell, index)
            report["seconds"] = time.perf_counter() - started  # the start of the kernel included
            nbformat.write(nb, notebook)
            report["endings"] = try_answers(client, sessions)
        except (CellExecutionError, CellTimeoutError) as error:
            report["failure"] = str(error)
    Path(result).write_text(json.dumps(report), "utf8")


if __name__ == "__main__":
    main(*sys.argv[1:])
