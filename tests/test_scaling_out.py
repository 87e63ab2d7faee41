"""Chapter 13: two notebooks at once, an interrupted cell, and the engines whose lines the page shows."""

import json
import re
import sys
import time
from contextlib import contextmanager, suppress

import psutil
import pytest
from jupyter_client.manager import start_new_kernel

import record_engines
from book_files import NOTEBOOKS, code_cells, markdown_cells, read
from recording import RECORDS

ENGINES_RECORD = RECORDS / "engines.json"

NOTEBOOK = read(NOTEBOOKS / "13_scaling_out.ipynb")
SECONDS_TO_RUN = 120  # for one cell, on a busy machine
SECONDS_TO_END = 15  # for a family that was interrupted; its workers would wait for a minute
MARKED = re.compile(r"^ *# page: begin\n(.*?)^ *# page: end$", re.DOTALL | re.MULTILINE)


def sources_until(cell_id):
    """Return the code of the cells from the first to the one with this id, without claims."""
    cells = [cell for cell in code_cells(NOTEBOOK) if "claim" not in cell.metadata.get("tags", [])]
    ids = [cell.id for cell in cells]
    return {cell.id: cell.source for cell in cells[: ids.index(cell_id) + 1]}


class Kernel:
    """A kernel that runs cells while the test goes on."""

    def __init__(self, folder):
        self.manager, self.client = start_new_kernel(kernel_name="python3", cwd=str(folder))

    def printed(self, request, until=None):
        """Return what a request printed, when it has ended or has printed a pattern."""
        text = ""
        while until is None or not re.search(until, text, re.DOTALL):
            message = self.client.get_iopub_msg(timeout=SECONDS_TO_RUN)
            if message["parent_header"].get("msg_id") != request:
                continue
            if message["msg_type"] == "stream":
                text += message["content"]["text"]
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                break
        return text

    def error(self, request):
        """Return the name of the error that a request ended with, or None."""
        while True:
            reply = self.client.get_shell_msg(timeout=SECONDS_TO_RUN)
            if reply["parent_header"].get("msg_id") == request:
                return reply["content"].get("ename")


@contextmanager
def kernels(*folders):
    """Start a kernel in each folder; shut them down at the end, whatever happens."""
    started = []
    try:
        for folder in folders:
            folder.mkdir()
            started.append(Kernel(folder))
        yield started
    finally:
        for kernel in started:
            kernel.client.stop_channels()
            kernel.manager.shutdown_kernel(now=True)


@pytest.fixture(scope="module")
def two_notebooks(tmp_path_factory):
    """Two kernels in which the chapter runs at the same time, up to its first torchrun; what each cell did."""
    folder = tmp_path_factory.mktemp("two")
    with kernels(folder / "one", folder / "two") as both:
        sources = sources_until("hello")
        sources["hello"] = f'import time\nprint("from", time.time())\n{sources["hello"]}\nprint("to", time.time())'
        requests = {kernel: {i: kernel.client.execute(s) for i, s in sources.items()} for kernel in both}
        printed = [kernel.printed(list(requests[kernel].values())[-1]) for kernel in both]
        errors = [[kernel.error(request) for request in requests[kernel].values()] for kernel in both]
        yield both, printed, errors


def test_two_notebooks_at_once_do_not_collide(two_notebooks):
    _kernels, printed, errors = two_notebooks
    assert not any(any(names) for names in errors)
    for text in printed:
        assert text.count("30 after") == 2, text
        assert "return code: 0" in text
    begun, ended = ([float(re.search(rf"{word} ([\d.]+)", text)[1]) for text in printed] for word in ("from", "to"))
    assert max(begun) < min(ended), "the two did not run at the same time: nothing is proved"


def alive(family):
    """Return the members of a family that still run; a zombie has ended."""
    members = []
    for process in family:
        with suppress(psutil.NoSuchProcess):
            if process.status() != psutil.STATUS_ZOMBIE:
                members.append(process)
    return members


@pytest.mark.skipif(sys.platform == "win32", reason="the chapter sends its readers on Windows to WSL")
def test_an_interrupted_cell_leaves_nobody_behind(two_notebooks):
    kernel = two_notebooks[0][0]
    assert kernel.error(kernel.client.execute(sources_until("waiting-file")["waiting-file"])) is None
    request = kernel.client.execute('launch("waiting.py")')
    text = kernel.printed(request, until=r"waiting: \d+\n.*waiting: \d+\n")
    worker = psutil.Process(int(re.search(r"waiting: (\d+)", text)[1]))
    torchrun = worker.parent()
    family = [torchrun, *torchrun.children(recursive=True)]
    assert len(alive(family)) == 3
    time.sleep(1)  # for the collective to begin

    kernel.manager.interrupt_kernel()
    until = time.monotonic() + SECONDS_TO_END
    while alive(family) and time.monotonic() < until:
        time.sleep(0.1)
    survivors = alive(family)
    for process in survivors:
        with suppress(psutil.NoSuchProcess):
            process.kill()  # so that a test that fails leaves nobody behind either
    assert not survivors, "an interrupted cell has left processes behind"
    assert kernel.error(request) == "KeyboardInterrupt"


def marked_lines(file):
    """Return the marked lines of a file, one blank line between two regions."""
    return "\n\n".join(region.strip("\n") for region in MARKED.findall(file.read_text("utf8")))


@pytest.mark.parametrize("package", record_engines.PACKAGES)
def test_the_page_shows_lines_that_were_run(package):
    lines = marked_lines(record_engines.ENGINES / f"train_{package}.py")
    blocks = [
        b for c in markdown_cells(NOTEBOOK) for b in re.findall(r"^```python\n(.*?)\n```$", c.source, re.M | re.S)
    ]
    assert lines.count("\n") > 5
    assert lines in blocks, f"the page should show:\n{lines}"


def test_the_engines_record_is_of_these_files():
    record = json.loads(ENGINES_RECORD.read_text("utf8"))
    assert record["files"] == record_engines.digests(), "tools/engines has changed: run `make records`"


def test_the_record_was_made_with_the_pinned_versions():
    requirements = (record_engines.ENGINES / "requirements.txt").read_text("utf8")
    pins = dict(re.findall(r"^(\w+)(?:\[\w+\])?==(\S+)$", requirements, re.MULTILINE))
    table = json.loads(ENGINES_RECORD.read_text("utf8"))["table"]
    recorded = {name: version for name, version, *_ in table}
    assert pins == {package: recorded[name] for package, name in record_engines.PACKAGES.items()}


def test_without_the_engines_the_record_stays_as_it_is(monkeypatch, capsys):
    before = ENGINES_RECORD.read_bytes()
    monkeypatch.setattr(record_engines, "digests", dict)  # as if the files had changed
    monkeypatch.setattr(record_engines.importlib.util, "find_spec", lambda name: None)
    record_engines.main()
    printed = capsys.readouterr().out
    assert printed.count("\n") == 1
    assert "pip install -r tools/engines/requirements.txt" in printed
    assert ENGINES_RECORD.read_bytes() == before
