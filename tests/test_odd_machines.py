"""One core, an odd folder, another language and time zone, a container: the book works there as it does here."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from book_files import ROOT, notebook_paths
from hard_machines import mounted, needs_all_faults, needs_mounts, on_one_core, run_notebook, turkish
from offline import run_offline

# Workers that share memory, and scripts that a cell writes.
IN_EVERY_RUN = ["07_datasets_and_dataloaders", "a2_reading_old_pytorch"]
FOLDER = "Übung 1 – 数字"
TIME_ZONE = "<+14>-14"  # fourteen hours ahead, as on Kiritimati, whose name is not known to every system
DOCKER = "mount -t tmpfs -o size=64m tmpfs /dev/shm"  # what a container gets unless somebody asks for more


CONDITIONS = """
import locale, os, shutil, time
print(locale.setlocale(locale.LC_ALL, ""), locale.localeconv()["decimal_point"], locale.getpreferredencoding())
print(time.localtime().tm_gmtoff / 3600, len(os.sched_getaffinity(0)), shutil.disk_usage("/dev/shm").total >> 20)
"""

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="takes cores and shared memory away as only Linux can")


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """The variables of another language and time zone."""
    return turkish(tmp_path_factory.mktemp("locale")) | {"TZ": TIME_ZONE}


def on_an_odd_machine():
    """Return the words to put before a command that shall have one core and little shared memory."""
    if not on_one_core():
        pytest.skip("there is no taskset here, which takes cores away")
    return [*mounted(DOCKER), *on_one_core()]


def some_always(path):
    """Return a notebook as a parameter; most of them only run when all faults are asked for."""
    return pytest.param(path, id=path.stem, marks=[] if path.stem in IN_EVERY_RUN else [needs_all_faults])


@on_linux
@needs_mounts
def test_the_odd_machine_is_odd(elsewhere, tmp_path):
    command = [*on_an_odd_machine(), sys.executable, "-c", CONDITIONS]
    finished = run_offline(command, tmp_path, **elsewhere)
    assert finished.stdout.split() == ["tr_TR.UTF-8", ",", "UTF-8", "14.0", "1", "64"], finished.stderr


@on_linux
@needs_mounts
@pytest.mark.parametrize("path", [some_always(path) for path in notebook_paths()])
def test_a_notebook_on_an_odd_machine(path, one_chapter_at_a_time, elsewhere):
    """All at once, claims included: when this fails, take the conditions away one by one."""
    # Not in pytest's own folder, whose long name would end at "AF_UNIX path too long": see chapter A1.
    with tempfile.TemporaryDirectory(prefix=FOLDER, dir="/tmp") as name, one_chapter_at_a_time:
        folder = Path(name)
        (folder / "tmp").mkdir()  # where chapters write their scripts
        surroundings = elsewhere | {"TMPDIR": f"{folder}/tmp"}
        assert run_notebook(path, folder, *on_an_odd_machine(), **surroundings) is None


TOOLS = {
    "learner_notebooks": ["tools/learner_notebooks.py", "learner"],
    "normalise_notebooks": ["tools/normalise_notebooks.py", "--check"],
    "size_hub": ["tools/size_hub.py"],
    "preflight": ["preflight.py", "--quick"],
}


@pytest.mark.parametrize("tool", TOOLS)
def test_a_tool_reads_and_writes_the_same_where_text_is_ascii(tool, tmp_path):
    """Where no encoding is named, Python takes the system's; the files of the book are in UTF-8."""
    script, *arguments = TOOLS[tool]
    arguments = [str(tmp_path / "learner") if argument == "learner" else argument for argument in arguments]
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "utf8"}
    command = [sys.executable, "-X", "warn_default_encoding", script, *arguments]
    finished = subprocess.run(
        command, cwd=ROOT, env=os.environ | plain, capture_output=True, encoding="utf8", check=False
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    own = [line for line in finished.stderr.splitlines() if "EncodingWarning" in line and ".venv" not in line]
    assert not own
    if tool == "learner_notebooks":
        assert (tmp_path / "learner" / "01_tensors.ipynb").read_text("utf8").count("→") > 0


def test_no_line_of_code_leaves_the_encoding_to_the_system():
    rule = ["check", "--preview", "--select", "PLW1514", "--output-format", "concise", "--no-cache", "."]
    finished = subprocess.run(
        [sys.executable, "-m", "ruff", *rule], cwd=ROOT, capture_output=True, encoding="utf8", check=False
    )
    assert finished.returncode == 0, finished.stdout
