"""Chapter 5 draws with `dot`, else with pygraphviz, else it prints text. Each way is forced here; none fails a cell."""

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from IPython.utils.capture import capture_output

from book_files import NOTEBOOKS, code_cells, has_tag, read
from run_cells import CellRunner

CELLS = {cell.id: cell for cell in code_cells(read(NOTEBOOKS / "05_computation_graphs.ipynb"))}
# What `show_graph` needs; the last one defines it.
DEFINING = ["setup", "training-data", "heads", "next-functions", "print-graph", "print-graph-tree"]
DEFINING += ["dot-source", "in-words", "render", "picture-yhat"]
SHOW = "show_graph(yhat, names)"
WORDS = "Add(a, Mul(b))\n"
TREE = "AddBackward0\n    AccumulateGrad → a (1,)\n    MulBackward0\n        AccumulateGrad → b (1,)\n"

# A `dot` as small as can be: it notes how it was called and leaves the drawing to pygraphviz.
DOT = """\
import sys
from pathlib import Path

import pygraphviz

with Path(__file__).with_name("calls.txt").open("a", encoding="utf-8") as calls:
    print(*sys.argv[1:], file=calls)
source = sys.stdin.buffer.read().decode("utf-8")
sys.stdout.buffer.write(pygraphviz.AGraph(string=source).draw(format="svg", prog="dot"))
"""
# What a program called `dot` may do instead of drawing.
BROKEN = {
    "fails": "exit 1",
    "prints nothing": "exit 0",
    "is another program": "echo 'dot 1.0: keeps your dotfiles in order'",
    "warns in another encoding": r"printf 'd\351j\340 vu' >&2; exit 1",
}
needs_scripts = pytest.mark.skipif(os.name == "nt", reason="the fake dot is a shell script")


class Notebook(CellRunner):
    """Runs cells, and keeps the pictures that they display."""

    def show(self, source: str) -> tuple[list[str], str]:
        """Run one cell, which must not fail; return the SVG pictures that it displayed and what it printed."""
        with capture_output() as captured:
            result = self.shell.run_cell(source, store_history=False)
        result.raise_error()
        outputs = [output.data for output in captured.outputs]
        return [data["image/svg+xml"] for data in outputs if "image/svg+xml" in data], captured.stdout


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    runner = Notebook(tmp_path_factory.mktemp("chapter"))
    for cell_id in DEFINING:
        error, _ = runner.run(CELLS[cell_id].source)
        assert error is None, f"cell {cell_id} ends with {error!r}"
    return runner


@pytest.fixture
def path(tmp_path, monkeypatch) -> Path:
    """An empty folder, which is the whole PATH."""
    folder = tmp_path / "path"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def put_dot_on(path: Path, script: str | None = None) -> None:
    """Put a program `dot` into the folder: this shell script, or one that draws."""
    (path / "fake_dot.py").write_text(DOT, "utf-8")
    script = script or f'exec "{sys.executable}" "{path / "fake_dot.py"}" "$@"'
    (path / "dot").write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    (path / "dot").chmod(0o755)


def hide(module: str, monkeypatch) -> None:
    """Make a module missing in this process: importing it raises, and find_spec finds nothing."""
    for loaded in [name for name in sys.modules if name.split(".")[0] in {module, "torchviz"}]:
        monkeypatch.delitem(sys.modules, loaded)  # else torchviz would not run its own imports again
    monkeypatch.setitem(sys.modules, module, None)


def assert_draws_yhat(pictures: list[str], printed: str) -> None:
    assert len(pictures) == 1
    assert printed == WORDS, "the picture comes with its description and without the text"
    root = ElementTree.fromstring(pictures[0])
    assert root.tag.endswith("svg")
    texts = [text.strip() for text in root.itertext() if text.strip()]
    for box in ("a", "b", "yhat", "(80, 1)", "AddBackward0", "MulBackward0"):
        assert box in texts, f"no box says {box}"
    assert texts.count("AccumulateGrad") == 2
    assert not {"x_train", "y_train"} & set(texts), "the data have no box"
    fills = [polygon.get("fill") for polygon in root.iter("{http://www.w3.org/2000/svg}polygon")]
    assert fills.count("lightblue") == 2, "a and b are blue"
    assert fills.count("#caff70") + fills.count("darkolivegreen1") == 1, "the head is green"
    assert not re.search(r"<title>|<!-- \d", pictures[0]), "addresses in memory would differ from run to run"


def assert_prints_yhat(pictures: list[str], printed: str) -> None:
    assert pictures == []
    assert printed.startswith(WORDS + TREE)


@needs_scripts
@pytest.mark.parametrize("pygraphviz", ["there", "missing"])
def test_dot_comes_first(notebook, pygraphviz, path, monkeypatch):
    put_dot_on(path)
    if pygraphviz == "missing":
        hide("pygraphviz", monkeypatch)  # not in the fake dot, which draws with it
    assert_draws_yhat(*notebook.show(SHOW))
    assert (path / "calls.txt").read_text("utf-8").splitlines() == ["-Tsvg"]


@pytest.mark.usefixtures("path")
def test_pygraphviz_comes_second(notebook):
    assert_draws_yhat(*notebook.show(SHOW))


@pytest.mark.usefixtures("path")
def test_text_comes_last(notebook, monkeypatch):
    hide("pygraphviz", monkeypatch)
    assert_prints_yhat(*notebook.show(SHOW))


@pytest.mark.usefixtures("path")
def test_a_pygraphviz_that_does_not_load_gives_text(notebook, tmp_path, monkeypatch):
    (tmp_path / "pygraphviz.py").write_text("raise ImportError('libcgraph.so.6: cannot open')", "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert_prints_yhat(*notebook.show(SHOW))


@needs_scripts
@pytest.mark.parametrize("module", ["torchviz", "graphviz", "distutils"])
def test_without_torchviz_comes_text(notebook, module, path, monkeypatch):
    put_dot_on(path)
    hide(module, monkeypatch)
    assert_prints_yhat(*notebook.show(SHOW))
    assert not (path / "calls.txt").exists(), "nothing to draw, so nobody is asked to"


@needs_scripts
@pytest.mark.parametrize("behaviour", BROKEN)
def test_a_dot_that_does_not_draw_is_passed_over(notebook, behaviour, path):
    put_dot_on(path, BROKEN[behaviour])
    assert_draws_yhat(*notebook.show(SHOW))  # by pygraphviz


@needs_scripts
def test_a_dot_that_does_not_start_is_passed_over(notebook, path):
    put_dot_on(path)
    (path / "dot").write_text("#!/no/such/interpreter\n", "utf-8")
    assert_draws_yhat(*notebook.show(SHOW))


@needs_scripts
def test_a_dot_that_hangs_is_passed_over(notebook, path, monkeypatch):
    run = subprocess.run

    def hang(command, **options):
        if "-Tsvg" in command:
            assert options.get("timeout"), "without a timeout a dot that hangs stops the notebook"
            raise subprocess.TimeoutExpired(command, options["timeout"])
        return run(command, **options)

    put_dot_on(path)
    monkeypatch.setattr(subprocess, "run", hang)
    assert_draws_yhat(*notebook.show(SHOW))


@pytest.mark.usefixtures("path")
def test_boxes_without_a_name_are_drawn_too(notebook):
    """An empty first line in a label crashes pygraphviz 2.0."""
    pictures, printed = notebook.show("show_graph(yhat, {})")
    assert "".join(ElementTree.fromstring(pictures[0]).itertext()).count("(1)") == 2
    assert printed == "Add(leaf, Mul(leaf))\n"


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("way", ["picture", "text"])
def test_every_cell_that_shows_a_graph(way, notebook, monkeypatch):
    """No cell fails, and each gives a picture where one is possible, else text."""
    if way == "text":
        hide("pygraphviz", monkeypatch)
    seen = 0
    with notebook.restored():
        notebook.run(CELLS["two-losses"].source)  # a deliberate mistake, but it defines two_losses
        for cell in CELLS.values():
            if not cell.source.startswith("show_graph(") and "\nshow_graph(" not in cell.source:
                continue
            assert not has_tag(cell, "raises-exception")
            pictures, printed = notebook.show(cell.source)
            assert len(pictures) == (way == "picture"), f"{cell.id}: {len(pictures)} pictures"
            assert ("AccumulateGrad →" in printed) == (way == "text"), f"{cell.id} prints {printed!r}"
            seen += 1
    assert seen >= 10
