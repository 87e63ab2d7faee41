"""One core, an odd folder, another language and time zone, a container: the book works there as it does here."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from book_files import ROOT, notebook_paths
from hard_machines import can_mount, mounted, needs_all_faults, on_one_core, run_notebook

# Workers that share memory, and scripts that a cell writes.
IN_EVERY_RUN = ["07_datasets_and_dataloaders", "a2_reading_old_pytorch"]
FOLDER = "Übung 1 – 数字"
LANGUAGES = ["tr_TR.UTF-8", "de_DE.UTF-8", "C"]  # Turkish has another i, German another decimal point
TIME_ZONE = "Pacific/Kiritimati"  # fourteen hours ahead
DOCKER = "mount -t tmpfs -o size=64m tmpfs /dev/shm"  # what a container gets unless somebody asks for more


def language():
    """Return the first of the languages that this system has; C has neither umlauts nor digits of other scripts."""
    if not shutil.which("locale"):
        return "C"
    known = subprocess.run(["locale", "-a"], capture_output=True, text=True, check=False).stdout.lower().split()
    return next((name for name in LANGUAGES if name.lower().replace("-", "") in known), "C")


def some_always(path):
    """Return a notebook as a parameter; most of them only run when all faults are asked for."""
    return pytest.param(path, id=path.stem, marks=[] if path.stem in IN_EVERY_RUN else [needs_all_faults])


@pytest.mark.skipif(sys.platform != "linux", reason="takes cores and shared memory away as only Linux can")
@pytest.mark.parametrize("path", [some_always(path) for path in notebook_paths()])
def test_a_notebook_on_an_odd_machine(path, one_chapter_at_a_time):
    """All at once, claims included: when this fails, take the conditions away one by one."""
    words = [*(mounted(DOCKER) if can_mount() else ()), *on_one_core()]
    # Not in pytest's own folder, whose long name would end at "AF_UNIX path too long": see chapter A1.
    with tempfile.TemporaryDirectory(prefix=FOLDER, dir="/tmp") as name, one_chapter_at_a_time:
        folder = Path(name)
        (folder / "tmp").mkdir()  # where chapters write their scripts
        surroundings = {"LC_ALL": language(), "LANG": "C", "PYTHONUTF8": "", "TZ": TIME_ZONE, "TMPDIR": f"{folder}/tmp"}
        assert run_notebook(path, folder, *words, **surroundings) is None


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
