"""What breaks while somebody works: disks, processes, memory. Nothing is lost, and the message says what to do."""

import json
import os
import sys
import tempfile
from pathlib import Path

import pytest

from book_files import NOTEBOOKS, copy_packed_data, prose, read
from hard_machines import can_mount, cells_of, mounted, needs_mounts, on_one_core, turkish, without_privileges
from offline import run_offline
from test_data import FINGERPRINT, RAW

asked_for = pytest.mark.skipif(not os.environ.get("REQUIRE_FAULTS"), reason="for a machine with REQUIRE_FAULTS=1")
linux = pytest.mark.skipif(sys.platform != "linux", reason="forks processes that have loaded PyTorch: only on Linux")
UNPACKED = RAW / "train-images-idx3-ubyte"
# Defines load_mnist, and a function that says how loading ended. What runs in one process need import PyTorch once.
LOADING = """
import json, os, subprocess
exec(open("data_cell.py", encoding="utf8").read())

def ending():
    try:
        train, test = load_mnist(train=True), load_mnist(train=False)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    sums = (train.data.sum(), test.data.sum(), train.targets.sum())
    return " ".join(map(str, (len(train), len(test), *map(int, sums))))
"""


def run_python(code, folder, *words):
    """Run Python code in `folder`, with some words before the command; return what it printed."""
    finished = run_offline([*words, sys.executable, "-c", code], folder)
    assert finished.returncode == 0, finished.stderr[-3000:]
    return finished.stdout


@asked_for
def test_no_fault_is_left_out_for_lack_of_means(tmp_path):
    assert can_mount(), "REQUIRE_FAULTS is set, but this system mounts no disk for a single process"
    assert on_one_core(), "REQUIRE_FAULTS is set, but there is no taskset"
    assert os.geteuid() or without_privileges(), "REQUIRE_FAULTS is set, but root has no setpriv"
    assert turkish(tmp_path)


# --- the data: a full disk, a folder that nobody may change, a process that is killed ---

DISKS = (
    LOADING
    + """
def remount(options):
    subprocess.run(["mount", "-o", f"remount,{options}", "data"], check=True)

endings = {}
os.chdir("full")
endings["full"] = ending()
endings["left"] = sorted(path.name for path in Path("data/MNIST/raw").glob("*-ubyte"))
remount("size=100m")
endings["room again"] = ending()
os.chdir("../read_only")
endings["read-only"] = ending()
remount("rw")
ending()
remount("ro")
endings["read-only, unpacked"] = ending()
os.chdir("../forbidden")
endings["forbidden"] = ending()
os.chdir("../empty")
endings["empty, forbidden"] = ending()
print(json.dumps(endings))
"""
)


@pytest.fixture(scope="module")
def endings(tmp_path_factory, data_cell):
    """How loading the data ended, on disks of several kinds."""
    folder = tmp_path_factory.mktemp("disks")
    (folder / "data_cell.py").write_text(data_cell, "utf8")
    for name in ("full", "read_only"):
        (folder / name / "data").mkdir(parents=True)
    for name in ("packed", "forbidden"):
        copy_packed_data(folder / name)
    (folder / "empty").mkdir()
    forbidden = [folder / "empty", folder / "forbidden", *(folder / "forbidden").rglob("*")]
    for path in forbidden:
        path.chmod(path.stat().st_mode & 0o555)
    steps = []
    for name, options in (("full", "size=40m"), ("read_only", "size=100m")):
        steps += [f"mount -t tmpfs -o {options} tmpfs {name}/data", f"cp -R packed/data/. {name}/data"]
    words = [*mounted(*steps, "mount -o remount,ro read_only/data"), *without_privileges()]
    try:
        return json.loads(run_python(DISKS, folder, *words))
    finally:
        for path in forbidden:
            path.chmod(path.stat().st_mode | 0o200)


@needs_mounts
def test_a_full_disk_gives_one_clear_sentence_and_half_a_file_is_not_left(endings):
    """The last room is needed for something else: saving the notebook."""
    assert endings["full"].startswith("RuntimeError: MNIST could not be unpacked in data/MNIST/raw: make 60 MB of room")
    assert endings["full"].endswith("([Errno 28] No space left on device)")
    assert "train-images-idx3-ubyte" not in endings["left"]


@needs_mounts
def test_when_there_is_room_again_the_data_load(endings):
    assert endings["room again"] == FINGERPRINT


@needs_mounts
@pytest.mark.parametrize("kind", ["read-only", "forbidden"])
def test_a_folder_that_nobody_may_change_gives_one_clear_sentence(endings, kind):
    if kind == "forbidden" and os.geteuid() == 0 and not without_privileges():
        pytest.skip("root may write everywhere, and this system has no setpriv to change that")
    assert endings[kind].startswith("RuntimeError: MNIST could not be unpacked in data/MNIST/raw: make 60 MB of room")
    assert "or copy the folder with the notebooks to where you may write, and run this cell again." in endings[kind]
    assert "Read-only file system" in endings[kind] or "Permission denied" in endings[kind]


@needs_mounts
def test_without_data_and_without_permission_comes_one_clear_sentence(endings):
    if os.geteuid() == 0 and not without_privileges():
        pytest.skip("root may write everywhere, and this system has no setpriv to change that")
    assert "copy the folder with the notebooks to where you may write" in endings["empty, forbidden"]
    assert "Permission denied" in endings["empty, forbidden"]


@needs_mounts
def test_unpacked_data_load_from_a_folder_that_nobody_may_change(endings):
    assert endings["read-only, unpacked"] == FINGERPRINT


KILLED = (
    LOADING
    + """
import signal, sys, time

def started():
    child = os.fork()
    if child == 0:
        sys.stdout.write(ending() + "\\n")
        sys.stdout.flush()
        os._exit(0)
    return child

def killed_in_the_middle(moment, file):  # and tried again where it came too late
    for _ in range(10):
        child = started()
        while not moment() and os.waitpid(child, os.WNOHANG) == (0, 0):
            time.sleep(0.0005)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        if file.stat().st_size < FULL:
            break
        file.unlink()
    return file.stat().st_size

unpacked = Path(UNPACKED)
os.waitpid(started(), 0)  # else the other three files are missing, and torchvision unpacks all four anew anyway
unpacked.unlink()
first = killed_in_the_middle(unpacked.exists, unpacked)
unpacked.unlink()
second = killed_in_the_middle(lambda: unpacked.exists() and unpacked.stat().st_size > 0, unpacked)
print("sizes", first, second, Path("data/mnist.lock").exists(), flush=True)
for child in (started(), started()):  # two notebooks at once
    os.waitpid(child, 0)
"""
)


@linux
def test_killed_while_unpacking_then_two_notebooks_at_once(tmp_path, data_cell):
    """The lock of the killed process is still lying there, and half a file."""
    copy_packed_data(tmp_path)
    (tmp_path / "data_cell.py").write_text(data_cell, "utf8")
    full = 16 + 60000 * 28 * 28
    start = f"FULL, UNPACKED = {full}, {str(Path('data') / UNPACKED)!r}\n"
    lines = run_python(start + KILLED, tmp_path).splitlines()
    (sizes,) = (line.split()[1:] for line in lines if line.startswith("sizes"))
    assert int(sizes[0]) < full
    assert int(sizes[1]) < full
    assert sizes[2] == "True", "a lock was left behind"
    assert [line for line in lines if not line.startswith("sizes")] == [FINGERPRINT] * 3


# --- a checkpoint on a full disk ---

FULL_DISK = """
import shutil, sys
from pathlib import Path
sys.path.insert(0, "code")
import torch
from checkpoint import load_checkpoint, save_checkpoint
from train import build

disk = Path("disk")
generator, parts = build()
save_checkpoint(disk / "run.pt", 1, generator, **parts)
good = (disk / "run.pt").read_bytes()
filler = disk / "filler"
filler.write_bytes(bytes(shutil.disk_usage(disk).free - len(good) // 2))
for _ in range(2):
    try:
        save_checkpoint(disk / "run.pt", 2, generator, **parts)
    except (OSError, RuntimeError) as error:
        print(type(error).__name__, str(error).splitlines()[0])
    print((disk / "run.pt").read_bytes() == good, load_checkpoint(disk / "run.pt", generator, **parts))
    print(*sorted(path.name for path in disk.iterdir()))
filler.unlink()
save_checkpoint(disk / "run.pt", 2, generator, **parts)
print(load_checkpoint(disk / "run.pt", generator, **parts), *(path.name for path in disk.iterdir()))
"""


@needs_mounts
def test_a_full_disk_leaves_the_last_checkpoint(tmp_path):
    """Chapter 11's own files: the old checkpoint stays, one unfinished file lies beside it until there is room."""
    chapter = cells_of("11_save_resume_export")
    (tmp_path / "code").mkdir()
    (tmp_path / "disk").mkdir()
    for cell, name in [("digit-net", "digit_net"), ("checkpoint-file", "checkpoint"), ("train-file", "train")]:
        (tmp_path / "code" / f"{name}.py").write_text(chapter[cell].partition("\n")[2], "utf8")
    words = mounted("mount -t tmpfs -o size=1m tmpfs disk")
    lines = run_python(FULL_DISK, tmp_path, *words).splitlines()
    for message, kept, files in (lines[:3], lines[3:6]):
        assert "unexpected pos" in message, "the gallery's index promises these words"
        assert kept == "True 1"
        assert files == "filler run.pt run.pt.unfinished"
    assert lines[6] == "2 run.pt"


# --- too little shared memory for the workers of a DataLoader ---

WORKERS = """
import json, sys
from pathlib import Path
import run_cells

runner = run_cells.CellRunner(Path.cwd())
for cell_id, source in json.loads(Path("cells.json").read_text("utf8")).items():
    error, _ = runner.run(source)
    if error is not None:
        print(cell_id, str(error).strip().splitlines()[-1])
"""
BEFORE_WORKERS = ["setup", "points", "point-dataset", "batch-sizes", "worker-options"]
# A learner's own line after chapter 7's cells: 32 large images a mini-batch, as in a real project.
LARGE = """
large = TensorDataset(torch.zeros(640, 3, 64, 64))
print(len(list(DataLoader(large, batch_size=32, **worker_options(most_workers)))))
"""


@needs_mounts
@linux
def test_too_little_shared_memory_gives_words_that_the_gallery_explains(tmp_path):
    chapter = {
        name: source for name, source in cells_of("07_datasets_and_dataloaders").items() if name in BEFORE_WORKERS
    }
    own = chapter | {"own": f"from torch.utils.data import TensorDataset\n{LARGE}"}
    own["own again"] = LARGE.replace("worker_options(most_workers)", '{"num_workers": 0}')
    (tmp_path / "cells.json").write_text(json.dumps(own), "utf8")
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n{WORKERS}"
    words = mounted("mount -t tmpfs -o size=64k tmpfs /dev/shm")
    (failure,) = run_python(code, tmp_path, *words).splitlines()  # without workers the same line runs
    cell, _, message = failure.partition(" ")
    assert cell == "own"
    gallery = read(NOTEBOOKS / "a1_error_gallery.ipynb")
    index = next(entry.source for entry in gallery.cells if entry.id == "index")
    assert "unable to allocate shared memory(shm)" in message
    assert "`unable to allocate shared memory(shm)`" in index
    why = prose(next(entry.source for entry in gallery.cells if entry.id == "main-guard-why"))
    for repair in ("`num_workers=0`", "`--shm-size`", "`Bus error`", "`unable to allocate shared memory(shm)`"):
        assert repair in why


TEMPORARY_FOLDER = """
import multiprocessing.util
import torch
from torch.utils.data import DataLoader, TensorDataset

print(multiprocessing.util.get_temp_dir(), flush=True)
print(len(list(DataLoader(TensorDataset(torch.zeros(8)), num_workers=1, timeout=20))))
"""


@linux
@pytest.mark.parametrize("length", [20, 100])
def test_a_temporary_folder_with_a_long_name_gives_words_that_the_gallery_explains(length):
    """Recent Pythons take another folder by themselves where the path would be too long."""
    with tempfile.TemporaryDirectory(dir="/tmp") as base:
        folder = Path(base, "x" * (length - len(base) - 1))
        folder.mkdir()
        finished = run_offline([sys.executable, "-c", TEMPORARY_FOLDER], folder, seconds=120, TMPDIR=str(folder))
    assert finished.stdout, finished.stderr
    words = "AF_UNIX path too long"
    fits = len(finished.stdout.splitlines()[0] + "/listener-01234567") <= 107  # bytes of the path of a socket
    assert fits == (finished.returncode == 0) == (words not in finished.stderr), finished.stderr
    assert fits or length == 100
    gallery = {cell.id: cell.source for cell in read(NOTEBOOKS / "a1_error_gallery.ipynb").cells}
    assert f"`{words}`" in gallery["index"]
    assert f"`{words}`" in gallery["main-guard-why"]
