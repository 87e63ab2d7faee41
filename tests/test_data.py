"""The data: the right files, loaded without a network, by several notebooks at once, with clear words when damaged."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from torchvision import datasets

from book_files import NOTEBOOKS, ROOT, copy_packed_data
from offline import python_offline

RAW = Path("MNIST") / "raw"
LOAD_BOTH = """
train, test = load_mnist(train=True), load_mnist(train=False)
print(len(train), len(test), int(train.data.sum()), int(test.data.sum()), int(train.targets.sum()))
"""
# The sums of all pixels and labels of the four files: a file read half would give others.
FINGERPRINT = "60000 10000 1567298545 264923200 267236"


@pytest.fixture
def folder(tmp_path):
    """A folder with the packed data beside it, as a notebook would find it."""
    copy_packed_data(tmp_path)
    return tmp_path


def last_line(text):
    return text.strip().splitlines()[-1]


@pytest.mark.parametrize(("name", "md5"), datasets.MNIST.resources)
def test_files_are_those_that_torchvision_expects(name, md5):
    assert hashlib.md5((NOTEBOOKS / "data" / RAW / name).read_bytes()).hexdigest() == md5


def test_readme_names_source_licence_and_checksums():
    text = (NOTEBOOKS / "data" / RAW / "README.md").read_text("utf8")
    for name, md5 in datasets.MNIST.resources:
        assert f"| `{name}` | `{md5}` |" in text
    for words in ("LeCun", "Cortes", "Attribution-Share Alike 3.0"):
        assert words in text


def test_unpacked_files_are_ignored_by_git():
    names = [f"notebooks/data/MNIST/raw/{name.removesuffix('.gz')}" for name, _ in datasets.MNIST.resources]
    command = ["git", "-C", str(ROOT), "check-ignore", *names, "notebooks/data/mnist.lock"]
    ignored = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
    assert len(ignored) == 5


def test_the_ordinary_call_needs_no_network(folder):
    code = "from torchvision import datasets; print(len(datasets.MNIST('data', download=True)))"
    finished = python_offline(code, folder)
    assert finished.stdout.strip() == "60000", finished.stderr


def test_the_data_cell_needs_no_network(folder, data_cell):
    finished = python_offline(data_cell + LOAD_BOTH, folder)
    assert finished.stdout.strip() == FINGERPRINT, finished.stderr


def test_parallel_first_use_is_safe(folder, data_cell):
    (folder / "load.py").write_text(data_cell + LOAD_BOTH, "utf8")
    started = [
        subprocess.Popen(
            [sys.executable, "load.py"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    for process in started:
        out, err = process.communicate(timeout=120)
        assert out.strip() == FINGERPRINT, err


def spoil_truncate(path):
    path.write_bytes(path.read_bytes()[:100_000])


def spoil_alter(path):
    content = bytearray(path.read_bytes())
    content[5000] ^= 0xFF
    path.write_bytes(content)


@pytest.mark.parametrize("spoil", [spoil_truncate, spoil_alter])
def test_a_damaged_file_gives_one_clear_sentence(folder, data_cell, spoil):
    spoil(folder / "data" / RAW / "train-images-idx3-ubyte.gz")
    finished = python_offline(data_cell + LOAD_BOTH, folder)
    assert finished.returncode != 0
    message = last_line(finished.stderr)
    assert "train-images-idx3-ubyte.gz is damaged: delete it" in message
    assert "urllib" not in finished.stderr
    assert "During handling" not in finished.stderr


def test_missing_data_and_no_network_gives_one_clear_sentence(tmp_path, data_cell):
    finished = python_offline(data_cell + LOAD_BOTH, tmp_path)
    assert finished.returncode != 0
    message = last_line(finished.stderr)
    assert "could not be downloaded" in message
    assert "copy the book's folder" in message
    assert "During handling" not in finished.stderr


def test_a_half_unpacked_file_is_unpacked_again(folder, data_cell):
    half = folder / "data" / RAW / "train-images-idx3-ubyte"
    half.write_bytes(b"\x00\x00\x08\x03" + bytes(1000))
    finished = python_offline(data_cell + LOAD_BOTH, folder)
    assert finished.stdout.strip() == FINGERPRINT, finished.stderr


def test_loading_leaves_the_packed_files_alone(folder, data_cell):
    python_offline(data_cell + LOAD_BOTH, folder)
    for name, md5 in datasets.MNIST.resources:
        assert hashlib.md5((folder / "data" / RAW / name).read_bytes()).hexdigest() == md5
