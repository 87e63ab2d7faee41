"""Promise 1: a notebook copied alone into an empty folder runs from top to bottom, without a network."""

import os
import re
import sys
from datetime import datetime

import nbformat
import pytest
import torch
from nbformat.v4 import new_code_cell, new_notebook

from book_files import ROOT, code_cells, has_tag, notebook_paths, read, seconds_allowed
from chapter_runs import DEPRECATIONS, ChapterRun, run_notebook, small_notebook
from measure_notebook import limit_mb, says_memory
from offline import isolation, python_offline, run_offline
from printed_numbers import measured, text_shown

BUSY = 1.3  # another process of the tests works beside this one, a browser for example
# What older releases of PyTorch say about their own code when they export a model or profile a training: no other call
# would avoid it. Each with the first release that, as far as was looked, no longer says it.
OF_OLD_RELEASES = [
    (r"^.*UserWarning: The given buffer is not writable.*\n  .*\n", (2, 13)),
    (r"^W\d{4} .*/onnx/.*Missing annotation for parameter .*\n", (2, 12)),
    (r"^.*UserWarning: Warning: Profiler clears events.*\n  .*\n", (2, 14)),
    (r"^.*FutureWarning: `isinstance\(treespec, LeafSpec\)` is deprecated.*\n  .*\n", (2, 14)),
]
SLOW_CELL = 15  # a cell that takes ten seconds on the book's machine may take this long on a slower one


needs_linux = pytest.mark.skipif(not says_memory(), reason="this system does not say how much memory a process holds")


@pytest.fixture(scope="module")
def executed(chapter):
    """The executed notebook alone."""
    return chapter.notebook


@pytest.fixture
def second_run(chapter, one_chapter_at_a_time, tmp_path):
    """A function that runs the chapter once more: a moment in which the machine was busy is no fault of a cell."""

    def run():
        with one_chapter_at_a_time:
            return ChapterRun(chapter.path, tmp_path)

    return run


def test_within_its_time_budget(chapter, second_run, record_property):
    """The promise is for a machine that does nothing else: the record of costs is held to it, in test_hub.py."""
    record_property("seconds", round(chapter.seconds, 1))  # tools/record_versions.py finds it in pytest's report
    allowed = seconds_allowed(chapter.path.stem) * (BUSY if "PYTEST_XDIST_WORKER" in os.environ else 1)
    print(f"{chapter.seconds:.0f} s of {allowed} s")
    assert chapter.seconds <= allowed or second_run().seconds <= allowed


@needs_linux
def test_within_its_memory_budget(chapter):
    allowed = limit_mb(chapter.path.stem)
    print(f"{chapter.peak_mb} MB of {allowed} MB")
    assert chapter.peak_mb <= allowed, (
        f"{chapter.path.stem} takes {chapter.peak_mb} MB, {allowed} MB are allowed: "
        "tools/measure_notebook.py says what counts"
    )
    assert chapter.peak_mb > 300, "a kernel with PyTorch in it holds more: nobody has looked"


@needs_linux
def test_memory_that_is_given_back_counts_too(tmp_path):
    """Half a gigabyte in the middle of a notebook shows, though nothing of it is left at the end."""
    peaks = {}
    for name, size in (("thrifty", 1), ("greedy", 500_000_000)):
        notebook = new_notebook(cells=[new_code_cell(f"import time; block = b'x' * {size}; time.sleep(1); del block")])
        path, folder = tmp_path / f"{name}.ipynb", tmp_path / name
        nbformat.write(notebook, path)
        folder.mkdir()
        peaks[name] = ChapterRun(path, folder).peak_mb
    assert 450 < peaks["greedy"] - peaks["thrifty"] < 550, peaks


def outputs(notebook, output_type):
    """Yield (cell, output) for every output of a kind."""
    for cell in code_cells(notebook):
        for output in cell.outputs:
            if output.output_type == output_type:
                yield cell, output


def test_runs_alone_and_offline(executed):
    assert all(cell.execution_count for cell in code_cells(executed) if cell.source.strip())


def without_remarks_of_old_releases(text, torch_version):
    """Return what a cell wrote to stderr without that which an older PyTorch says about itself."""
    release = tuple(int(number) for number in torch_version.split(".")[:2])
    for remark, gone in OF_OLD_RELEASES:
        if release < gone:
            text = re.sub(remark, "", text, flags=re.MULTILINE)
    return text


def test_nothing_warns(executed):
    for cell, output in outputs(executed, "stream"):
        rest = without_remarks_of_old_releases(output.text, torch.__version__)
        assert not (output.name == "stderr" and rest), f"{cell.id} writes to stderr: {rest}"
        assert "Warning:" not in rest or has_tag(cell, "raises-exception"), f"{cell.id}: {rest}"


@pytest.mark.parametrize(
    ("release", "kept"), [("2.11.0+cu128", []), ("2.12.1", [1]), ("2.13.0", [0, 1]), ("2.14.1+cu130", [0, 1, 2, 3])]
)
def test_only_old_releases_may_speak_of_themselves(release, kept):
    remarks = [
        "/a/_package.py:682: UserWarning: The given buffer is not writable, and so on\n  tensor = torch.frombuffer(\n",
        "W1122 11:57:40 477 torch/onnx/_schemas.py:455] Missing annotation for parameter 'input' from (input)\n",
        "/a/profiler.py:224: UserWarning: Warning: Profiler clears events at the end\n  _warn_once(\n",
        "/a/copyreg.py:105: FutureWarning: `isinstance(treespec, LeafSpec)` is deprecated, use\n  return cls\n",
    ]
    rest = without_remarks_of_old_releases("".join([*remarks, "mine\n"]), release)
    assert rest == "".join([*(remarks[number] for number in kept), "mine\n"])


def test_only_cells_that_say_so_raise(executed):
    raising = {cell.id for cell, _ in outputs(executed, "error")}
    assert raising == {cell.id for cell in code_cells(executed, "raises-exception")}
    deprecated = [cell.id for cell, output in outputs(executed, "error") if output.ename in DEPRECATIONS]
    assert not deprecated, f"the error is not the one that these cells are there for: {deprecated}"


@pytest.mark.parametrize("category", DEPRECATIONS)
@pytest.mark.parametrize("module", ["__main__", "written"])
def test_what_will_be_gone_one_day_ends_a_run(category, module, tmp_path):
    """The test above can only see what does; this one sees that it does."""
    warns = f"import warnings\n\nwarnings.warn('gone one day', {category})\n"
    cells = [warns] if module == "__main__" else ["%%writefile written.py\n" + warns, "import written"]
    (tmp_path / "place").mkdir()
    with pytest.raises(RuntimeError, match=rf"{category}\S*: gone one day"):
        run_notebook(small_notebook(tmp_path, *cells), tmp_path / "place")


def test_every_pattern_of_what_is_measured_fits(executed):
    for cell in code_cells(executed):
        for pattern in measured(cell):
            assert re.search(pattern, text_shown(cell), re.MULTILINE), f"{cell.id} shows nothing like {pattern}"


def test_every_picture_has_an_alternative_text(executed):
    for kind in ("display_data", "execute_result"):
        for cell, output in outputs(executed, kind):
            if "image/png" in output.data:
                assert cell.metadata.get("mystnb", {}).get("image", {}).get("alt"), f"{cell.id} draws without alt text"


def test_no_object_is_shown_by_its_address(executed):
    """`<Axes: >` or `<… at 0x7f…>` below a cell is noise, and differs from run to run."""
    for cell, output in outputs(executed, "execute_result"):
        text = output.data.get("text/plain", "")
        assert not re.search(r"<Axes|Line2D object|at 0x[0-9a-f]+>", text), f"{cell.id} shows {text}"


def seconds_of(cell):
    """Return how long the kernel worked on a cell."""
    times = {name: datetime.fromisoformat(time) for name, time in cell.metadata.execution.items()}
    return (times["shell.execute_reply"] - times["iopub.execute_input"]).total_seconds()


def surprises(notebook):
    """Return what is wrong with the slow cells of an executed notebook."""
    found = set()
    for index, cell in enumerate(notebook.cells):
        if "execution" not in cell.metadata or seconds_of(cell) <= SLOW_CELL:
            continue
        before = next(above for above in reversed(notebook.cells[:index]) if above.cell_type == "markdown")
        print(f"{cell.id}: {seconds_of(cell):.0f} s")
        if not re.search(r"\b(seconds?|minutes?)\b", before.source):
            found.add(f"{cell.id}: the text before it should say how long")
        if not re.search(r"\bGPU\b", before.source):
            found.add(f"{cell.id}: what a GPU changes is not said before it")
        if not cell.outputs:
            found.add(f"{cell.id} shows no progress")
    return found


def test_a_slow_cell_says_so_beforehand_and_shows_progress(executed, second_run):
    found = surprises(executed)
    assert not found or not found & surprises(second_run().notebook)


def test_a_slow_cell_can_be_found(monkeypatch, executed):
    monkeypatch.setattr(f"{__name__}.SLOW_CELL", -1)
    assert surprises(executed)


@pytest.mark.skipif(not isolation(), reason="this system cannot take the network away; the guard below stands in")
def test_the_system_takes_the_network_away(tmp_path):
    """The isolation of these tests itself, without the guard in front of it."""
    code = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=5)"
    finished = run_offline([sys.executable, "-c", code], tmp_path, PYTHONPATH="")
    assert finished.returncode != 0
    assert "unreachable" in finished.stderr, "refused at once, not after waiting"


def test_the_guard_for_systems_without_namespaces(tmp_path, monkeypatch):
    monkeypatch.setattr("offline.isolation", tuple)
    finished = python_offline("import socket; socket.create_connection(('192.0.2.1', 80), timeout=5)", tmp_path)
    assert "no network in this test" in finished.stderr


def test_notebooks_import_nothing_of_the_project():
    own = {path.stem for folder in ("tests", "tools", "book") for path in (ROOT / folder).rglob("*.py")} | {"bookkit"}
    for path in notebook_paths():
        for cell in code_cells(read(path)):
            imported = set(re.findall(r"^\s*(?:from|import) (\w+)", cell.source, flags=re.MULTILINE))
            assert not imported & own, f"{path.stem}, cell {cell.id} imports {imported & own}"
