"""A notebook alone on a machine of a service such as Colab: it downloads its data, whatever the network does to it.

torchvision's mirrors are replaced by mirrors.py on this machine; everything else is real.
"""

import ast
import importlib.metadata
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell
from packaging.requirements import Requirement
from torchvision import datasets

from book_files import ROOT, code_cells, exercises, has_tag, notebook_paths, read
from chapter_runs import WRITTEN_MODULE
from mirrors import mirrors
from offline import GUARD
from test_data import FINGERPRINT

# A second without a byte is enough here; the notebooks wait longer.
PATIENCE = 1
FAILURES = ["cut", "reset", "missing", "wrong", "silent", "stalled"]
LIGHT = "01_tensors"  # the quickest of those with data
# What the notebooks import and Colab does not install: googlecolab/backend-info, its own list, on 19 August 2026.
NOT_ON_COLAB = {"torchviz", "pygraphviz", "onnx", "onnxscript", "onnxruntime"}


@pytest.fixture(scope="module")
def server():
    """A mirror that can be good, and bad in several ways."""
    with mirrors() as server:
        yield server


@pytest.fixture
def load(server, data_cell, tmp_path, monkeypatch):
    """A function that loads the data in an empty folder from mirrors of some manners; returns their fingerprint."""
    names = {}
    exec(data_cell, names)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    def load(*manners):
        monkeypatch.setattr(datasets.MNIST, "mirrors", server.addresses(*manners))
        server.asked.clear()
        train, test = (names["load_mnist"](train=train, patience=PATIENCE) for train in (True, False))
        sums = int(train.data.sum()), int(test.data.sum()), int(train.targets.sum())
        return " ".join(map(str, (len(train), len(test), *sums)))

    return load


def files(folder):
    """Return the names of the data files that lie in a folder."""
    return sorted(path.name for path in (folder / "data" / "MNIST" / "raw").iterdir())


def test_the_data_are_downloaded_into_an_empty_folder(load, tmp_path, capfd):
    assert load("good") == FINGERPRINT
    assert load("silent") == FINGERPRINT, "a second call asks nobody"
    assert capfd.readouterr().out.count("downloading") == 1, "said once, before the wait"
    names = [name for name, _ in datasets.MNIST.resources]
    assert files(tmp_path) == sorted(names + [name.removesuffix(".gz") for name in names])


def test_a_slow_mirror_is_waited_for_and_shows_progress(load, capfd):
    assert load("slow") == FINGERPRINT
    assert len(re.findall(r"\d+(\.\d)?%", capfd.readouterr().err)) > 10, "no progress is shown"


@pytest.mark.parametrize("manner", FAILURES)
def test_where_a_mirror_fails_the_next_is_asked(load, server, manner):
    assert load(manner, "good") == FINGERPRINT
    asked = [address.partition("/")[0] for address in server.asked]
    assert asked.index("good") > asked.index(manner)


@pytest.mark.parametrize("manner", FAILURES)
def test_where_all_mirrors_fail_one_sentence_says_what_to_do_and_a_second_try_succeeds(load, tmp_path, manner):
    began = time.monotonic()
    with pytest.raises(RuntimeError) as failure:
        load(manner, manner)
    assert time.monotonic() - began < 30 * PATIENCE, "a mirror that says nothing is given up"
    message = str(failure.value)
    assert "could not be downloaded: copy the book's folder notebooks/data beside this notebook" in message
    assert "go online and run this cell again" in message
    assert message.count(f"/{manner}/: ") == 2, "what each mirror did"
    assert "\n" not in message
    assert failure.value.__cause__ is failure.value.__context__ is None, "one error, not a chain of them"
    assert not [name for name in files(tmp_path) if name.endswith(".gz")], "nothing broken bears the name of a file"
    assert load("good") == FINGERPRINT


def test_a_file_that_one_mirror_lacks_is_the_only_one_asked_of_the_next(load, server, tmp_path):
    load("good")
    (lost := tmp_path / "data" / "MNIST" / "raw" / "t10k-labels-idx1-ubyte.gz").unlink()
    lost.with_suffix("").unlink()
    assert load("missing", "good") == FINGERPRINT
    assert set(server.asked) == {f"{manner}/{lost.name}" for manner in ("missing", "good")}


def test_a_download_that_is_killed_leaves_nothing_that_stops_the_next(load, server, data_cell, tmp_path):
    lines = ["", f"datasets.MNIST.mirrors = {server.addresses('stalled')}", "load_mnist(True)"]
    server.asked.clear()
    process = subprocess.Popen([sys.executable, "-c", data_cell + "\n".join(lines)], stderr=subprocess.DEVNULL)
    part = tmp_path / "data" / "MNIST" / "raw" / "train-images-idx3-ubyte.part"
    while not (part.exists() and part.stat().st_size):
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    assert process.wait() in (-getattr(signal, "SIGKILL", 0), 1), "it was killed, and did not end by itself"
    assert load("good") == FINGERPRINT


def test_the_usual_patience_of_other_connections_is_untouched(load):
    import socket

    with pytest.raises(RuntimeError):
        load("missing")
    assert socket.getdefaulttimeout() is None


def test_a_notebook_runs_alone_with_its_data_from_a_mirror(server, tmp_path):
    notebook = read(ROOT / "notebooks" / f"{LIGHT}.ipynb")
    mirror = f"from torchvision import datasets\ndatasets.MNIST.mirrors = {server.addresses('good')}"
    notebook.cells.insert(1, new_code_cell(mirror))
    client = NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": tmp_path}})
    environment = {"PYTHONPATH": str(GUARD), "no_proxy": "127.0.0.1", "IPYTHONDIR": str(tmp_path / ".ipython")}
    server.asked.clear()
    client.execute(env=os.environ | environment)
    assert {address.partition("/")[2] for address in server.asked} == {name for name, _ in datasets.MNIST.resources}
    assert all(cell.execution_count for cell in code_cells(notebook) if cell.source.strip())
    failed = {cell.id for cell in code_cells(notebook) if any(output.output_type == "error" for output in cell.outputs)}
    assert failed == {cell.id for cell in code_cells(notebook) if has_tag(cell, "raises-exception")}
    assert len(exercises(notebook)) == len([name for name in failed if name.startswith("check-")])


@pytest.fixture(scope="module")
def owners():
    """Which installed distributions each module belongs to."""
    return importlib.metadata.packages_distributions()


def imported(notebook):
    """Yield the cells that import a package from elsewhere, with its name; what a notebook writes itself is no package.

    A cell that writes a file is read as what it writes.
    """
    written = set(WRITTEN_MODULE.findall("\n".join(cell.source for cell in code_cells(notebook))))
    for cell in code_cells(notebook):
        source = re.sub(r"^(\s*)[%!].*$", r"\1pass", cell.source, flags=re.MULTILINE)
        if cell.source.startswith('%%writefile "{folder}/old'):
            continue  # a program of 2017, in the Python of 2017
        for node in ast.walk(ast.parse(source)):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module] if isinstance(node, ast.ImportFrom) else []
            for name in {module.partition(".")[0] for module in modules} - written - set(sys.stdlib_module_names):
                yield cell, name


def distributions_of(names):
    """Return the distributions that installing some requirements brings, those of their requirements included once."""
    found = set(names)
    for name in names:
        for line in importlib.metadata.requires(name) or ():
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                found.add(needed.name.lower())
    return found


def needed_to_run():
    """Return the names of the packages that requirements.txt lists for running the notebooks."""
    lines = (ROOT / "requirements.txt").read_text("utf8").partition("# --- build the book ---")[0].splitlines()
    return {Requirement(line.partition("#")[0]).name.lower() for line in lines if line.partition("#")[0].strip()}


@pytest.mark.parametrize("path", notebook_paths(), ids=lambda path: path.stem)
def test_a_notebook_imports_only_what_requirements_txt_brings(path, owners):
    """A package that a named one needs counts as brought: pandas by seaborn, Pillow by torchvision."""
    brought = distributions_of(needed_to_run())
    found = {name: {owner.lower() for owner in owners.get(name, [])} for _, name in imported(read(path))}
    assert {"torch", "numpy"} <= set(found), "the setup cell alone imports these"
    assert not {name for name, owning in found.items() if not owning & brought}


@pytest.mark.parametrize("path", notebook_paths(), ids=lambda path: path.stem)
def test_what_colab_lacks_can_be_installed_as_the_text_says(path):
    notebook = read(path)
    for cell, name in imported(notebook):
        if name in NOT_ON_COLAB:
            before = [above for above in notebook.cells[: notebook.cells.index(cell)] if above.cell_type == "markdown"]
            commands = re.findall(r"`%pip install ([^`]+)`", "\n".join(text.source for text in before))
            assert any(name in command.split() for command in commands), f"{cell.id} imports {name}: how do I get it?"
