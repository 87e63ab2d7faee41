"""The check before the workshop: each thing it looks at made to fail, and the words that it answers with."""

import ast
import ctypes
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections import namedtuple
from importlib import metadata
from pathlib import Path, PurePosixPath
from types import SimpleNamespace

import pytest
from torchvision import datasets

import preflight
from book_files import ROOT, copy_packed_data
from offline import run_offline
from preflight import FAIL, HINT, OK, Answer, Package, Result

SOURCE = (ROOT / "preflight.py").read_text("utf8")
RAW = Path("notebooks") / "data" / "MNIST" / "raw"
HEALTHY = {name: metadata.version(name) for name in ("torch", "torchvision")}  # the pair whose metadata it compares
HEALTHY |= {"device": "cpu", "card": "", "total": 1000.0}
HEALTHY |= {"first_loss": 1.4, "last_loss": 0.1, "seconds": 0.25}
MEMINFO = "MemTotal:       16000000 kB\nMemFree:          100000 kB\nMemAvailable:    8000000 kB\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A learner's copy of the book, but for the data, in a folder whose name has a space; the current folder."""
    copy = tmp_path / "my book"
    (copy / "notebooks").mkdir(parents=True)
    for name in ("preflight.py", "requirements.txt", "constraints.txt"):
        shutil.copy(ROOT / name, copy)
    monkeypatch.chdir(copy)
    return copy


@pytest.fixture
def full_folder(folder):
    """The learner's copy with the data."""
    copy_packed_data(folder / "notebooks")
    return folder


@pytest.fixture
def in_venv(folder, monkeypatch):
    """Let this Python be that of the learner's .venv."""
    monkeypatch.setattr(sys, "prefix", str(folder / ".venv"))
    monkeypatch.setattr(sys, "executable", str(preflight.own_python(folder)))
    return preflight.typed(preflight.own_python(folder))


@pytest.fixture
def outside(monkeypatch):
    """Let this Python be in no environment."""
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    monkeypatch.setattr(preflight, "in_environment", lambda: False)


def answer(**facts):
    return Answer(facts, "", facts.pop("problem", ""))


def package(name, installed, rule=">=1", tested=("1.5",)):
    return Package(name, rule, tested, installed)


def summary_of(text):
    """Return the lines of the summary, which stands at the end between two rules."""
    rule = "-" * preflight.SUMMARY_WIDTH
    assert text.count(rule) == 2
    return (rule + text.partition(rule)[2]).splitlines()


def is_a_screen(lines):
    return len(lines) <= 24 and max(map(len, lines)) <= 80


# --- the whole ---


def test_this_environment_is_ready_and_needs_no_network():
    finished = run_offline([sys.executable, "preflight.py"], ROOT)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "FAIL" not in finished.stdout
    assert re.search(r"^OK    training     loss \d\.\d\d → 0\.\d\d in \d+\.\d s$", finished.stdout, flags=re.MULTILINE)
    assert "its kernel answers" in finished.stdout
    lines = summary_of(finished.stdout)
    assert is_a_screen(lines)
    assert lines[1].startswith(" ✓ READY")
    shown = "\n".join(lines)
    for words in (platform.node(), platform.python_version(), metadata.version("torch"), "missing   nothing"):
        assert words in shown


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A copy of the book with a virtual environment without any package, not even pip."""
    copy = tmp_path_factory.mktemp("bare") / "my book"
    copy_packed_data(copy / "notebooks")
    for name in ("preflight.py", "requirements.txt", "constraints.txt"):
        shutil.copy(ROOT / name, copy)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", ".venv"], cwd=copy, check=True)
    return copy


def run_bare(bare, *arguments, cwd=None, **environment):
    words = [str(preflight.own_python(bare)), str(bare / "preflight.py"), *arguments]
    variables = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONIOENCODING")}
    variables |= {"PYTHONUTF8": "1"} | environment
    return subprocess.run(words, cwd=cwd or bare, env=variables, capture_output=True, check=False)


def test_a_bare_environment_is_not_ready_and_hears_how_to_install(bare):
    finished = run_bare(bare)
    text = finished.stdout.decode("utf8")
    assert finished.returncode == 1, finished.stderr
    assert "FAIL  packages     17 of 17 missing: torch, torchvision, numpy" in text
    python = preflight.own_python(bare).relative_to(bare)
    install = f"          {python} -m pip install -r requirements.txt -c constraints.txt\n"
    assert f"          {python} -m ensurepip\n{install}" in text.replace("\r\n", "\n")
    assert is_a_screen(summary_of(text))
    assert "✗ NOT READY" in summary_of(text)[1]
    assert max(map(len, text.splitlines())) <= 100
    assert "torch     not tried" in text


def test_elsewhere_the_paths_are_whole_and_quoted(bare, tmp_path):
    text = run_bare(bare, cwd=tmp_path).stdout.decode("utf8")
    quote = '"' if os.name == "nt" else "'"
    assert f"-m pip install -r {quote}{bare / 'requirements.txt'}{quote} -c " in text


def test_an_ascii_console_gets_plain_signs(bare):
    finished = run_bare(bare, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert finished.returncode == 1, finished.stderr
    assert "x NOT READY" in finished.stdout.decode("ascii")


def test_signs_that_a_console_lacks_never_stop_it(capsys, monkeypatch):
    plain = type("Plain", (), {"encoding": "ascii", "write": sys.stdout.write, "flush": lambda self: None})()
    monkeypatch.setattr(sys, "stdout", plain)
    preflight.show("✓ … Übung")
    assert capsys.readouterr().out == "+ ... \\xdcbung\n"


def test_json_says_the_same(bare):
    finished = run_bare(bare, "--json")
    facts = json.loads(finished.stdout)
    assert finished.returncode == 1
    assert facts["ready"] is False
    assert set(facts["missing"]) - {"disk", "memory"} == {"packages"}
    assert (facts["torch"], facts["training_seconds"]) == (None, None)
    assert facts["python"].startswith(platform.python_version())
    assert facts["memory_gb"] > 0
    (torch,) = (found for found in facts["packages"] if found["name"] == "torch")
    assert (torch["state"], torch["rule"]) == ("missing", ">=2.11")
    assert {"status", "name", "text", "advice", "commands", "value"} == set(facts["checks"][0])


def healthy_ask(words, folder, patience=0):
    text = "4.6.6" if "--version" in words else ""
    facts = (
        {"program": "python", "answer": "2", "home": repr(sys.prefix)} if preflight.ASK_JUPYTER in words else HEALTHY
    )
    facts = {name: facts[name] for name in facts if "quick" not in words or name not in ("seconds", "answer", "home")}
    return Answer(facts, text, "")


def test_json_of_a_ready_computer(full_folder, monkeypatch, capsys):
    monkeypatch.setattr(preflight, "ask", healthy_ask)
    assert preflight.main(["--json"], full_folder) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["ready"], facts["missing"], facts["device"]) == (True, [], "cpu")
    assert (facts["torch"], facts["training_seconds"]) == (HEALTHY["torch"], 0.25)


def test_quick_leaves_out_the_training_and_the_kernel(full_folder, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(preflight, "ask", lambda words, folder: asked.append(words[-1]) or healthy_ask(words, folder))
    assert preflight.main(["--quick"], full_folder) == 0
    assert asked == ["quick", "--version", "quick"]
    text = capsys.readouterr().out
    assert "training  not tried" in text
    assert "its kernel not tried" in text


def test_bad_usage_has_an_exit_code_of_its_own(bare):
    finished = run_bare(bare, "--fast")
    assert finished.returncode == 2
    assert b"unrecognized arguments: --fast" in finished.stderr


def test_every_fail_has_its_repair_right_below_and_the_summary_stays_a_screen():
    results = [Result(FAIL, f"check {number}", "word " * 60, "Do this. " * 20, ("type that",)) for number in range(11)]
    for result in results:
        lines = preflight.lines_of(result)
        assert max(map(len, lines)) <= 100
        assert lines[0].startswith("FAIL  check")
        assert [line for line in lines if line.startswith("      > Do this.")]
        assert lines[-1] == "          type that"
    everything = [*results, Result(HINT, "folder", "odd", "move it")]
    assert is_a_screen(preflight.summary(everything))
    assert sum("missing   check" in line for line in preflight.summary(everything)) == 11


# --- an old Python ---


def test_an_old_python_can_read_it():
    ast.parse(SOURCE, feature_version=(3, 7))
    with pytest.raises(SyntaxError):
        ast.parse("(a := 1)", feature_version=(3, 7))
    assert not re.search(r"\{\w+=\}|^from __future__|^\s*match .*:$|capture_output|\btext=True", SOURCE, re.MULTILINE)
    tops = [node for node in ast.parse(SOURCE).body if isinstance(node, (ast.Import, ast.ImportFrom))]
    names = {alias.name for node in tops for alias in node.names} | {getattr(node, "module", None) for node in tops}
    assert "metadata" not in names, "importlib.metadata came with Python 3.8"


@pytest.mark.parametrize("other", ["", "python3.12"])
def test_an_old_python_says_which_is_needed(folder, monkeypatch, capsys, other):
    monkeypatch.setattr(preflight, "suitable_python", lambda folder: other)
    with monkeypatch.context() as old:
        old.setattr(sys, "version_info", (3, 8, 18, "final", 0))
        old.setattr(platform, "python_version", lambda: "3.8.18")
        code = preflight.main([], folder)
    text = capsys.readouterr().out
    assert code == 1
    assert "FAIL  Python       3.8.18, 64 bit\n      > Python 3.11 to 3.13, 64 bit, is needed" in text
    assert ("python3.12 preflight.py" if other else "https://www.python.org/downloads/") in text.replace('"', "")
    assert "packages" not in text
    assert "missing   Python: 3.8.18" in text


def test_32_bits_are_too_few(folder, monkeypatch):
    monkeypatch.setattr(preflight, "suitable_python", lambda folder: "")
    monkeypatch.setattr(sys, "maxsize", 2**31 - 1)
    assert preflight.check_python(folder)[:3] == (FAIL, "Python", f"{platform.python_version()}, 32 bit")


def test_a_newer_python_is_only_a_hint(folder, monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 14, 0, "final", 0))
    result = preflight.check_python(folder)
    assert result.status == HINT
    assert "tested with Python 3.11 to 3.13" in result.advice


@pytest.mark.parametrize("suits", [True, False])
def test_another_python_is_named_only_if_it_suits(folder, monkeypatch, suits):
    monkeypatch.setattr(shutil, "which", lambda name: name if "3.13" in name or name == "py" else None)
    monkeypatch.setattr(preflight, "ask", lambda *_, **__: answer(problem="" if suits else "not found"))
    assert preflight.suitable_python(folder) == (("py -3.13" if os.name == "nt" else "python3.13") if suits else "")


# --- environment, disk, memory ---


def test_without_an_environment_it_says_how_to_make_one(folder, outside):
    result = preflight.check_environment(folder)
    assert result.status == HINT
    make, again = result.commands
    assert make.endswith(" -m venv .venv")
    assert again.split() == [str(preflight.own_python(Path())), "preflight.py"]


def test_an_environment_that_is_there_is_named(folder, outside):
    preflight.own_python(folder).parent.mkdir(parents=True)
    preflight.own_python(folder).touch()
    result = preflight.check_environment(folder)
    assert (result.status, result.advice, len(result.commands)) == (HINT, "Use the one in .venv:", 1)


def test_debian_needs_a_package_to_make_one(folder, outside, monkeypatch):
    with monkeypatch.context() as bare:
        bare.setattr(preflight.importlib.util, "find_spec", lambda name: None)
        result = preflight.check_environment(folder)
    assert result.advice.startswith("First: sudo apt install python3-venv")


@pytest.mark.parametrize(
    ("linux", "missing", "wheels", "needed"),
    [
        (True, ["torch", "numpy"], [], "7 GB"),
        (True, ["torch", "numpy"], ["nvidia_cublas-13.whl", "torch-2.whl"], "7 GB"),
        (True, ["torch", "numpy"], ["torch-2+cpu.whl"], "2 GB"),
        (False, ["torch", "numpy"], [], "2 GB"),
        (True, ["numpy"], [], "1.5 GB"),
        (True, [], [], "0.5 GB"),
    ],
)
def test_the_disk_must_hold_what_is_still_to_be_installed(folder, monkeypatch, linux, missing, wheels, needed):
    monkeypatch.setattr(preflight, "LINUX", linux)
    for name in wheels:
        (folder / "wheels").mkdir(exist_ok=True)
        (folder / "wheels" / name).touch()
    packages = [package(name, "" if name in missing else "1.5") for name in ("torch", "numpy", "onnx")]
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(1, 1, 400_000_000))
    full = preflight.check_disk(folder, packages)
    assert (full.status, full.text) == (FAIL, f"0.4 GB free, {needed} needed")
    assert ("small CPU build" in full.advice) == (needed == "7 GB")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(1, 1, 7_000_000_000))
    assert preflight.check_disk(folder, packages).status == OK


def fake_root(folder, cgroup, files):
    (folder / "proc" / "self").mkdir(parents=True)
    (folder / "proc" / "meminfo").write_text(MEMINFO)
    (folder / "proc" / "self" / "cgroup").write_text(cgroup)
    for name, content in files.items():
        path = folder / "sys" / "fs" / "cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return str(folder)


LIMIT_2 = {
    "memory.max": "3000000000\n",
    "memory.current": "2500000000\n",
    "memory.stat": "anon 1\ninactive_file 500000000\n",
}
LIMIT_1 = {
    "memory.limit_in_bytes": "3000000000\n",
    "memory.usage_in_bytes": "2500000000\n",
    "memory.stat": "cache 1\ntotal_inactive_file 500000000\n",
}


@pytest.mark.parametrize(
    ("cgroup", "place", "limit"),
    [
        ("0::/\n", "", LIMIT_2),
        ("0::/user.slice/jupyter-ann.service\n", "user.slice/jupyter-ann.service/", LIMIT_2),
        ("0::/user.slice/jupyter-ann.service\n", "user.slice/", LIMIT_2),
        ("8:pids:/\n4:memory:/docker/1\n0::/\n", "memory/docker/1/", LIMIT_1),
        ("4:memory:/docker/1\n", "memory/", LIMIT_1),
    ],
)
def test_a_container_counts_what_it_may_still_take(tmp_path, cgroup, place, limit):
    root = fake_root(tmp_path, cgroup, {place + name: content for name, content in limit.items()})
    assert preflight.linux_memory(root) == (1_000_000_000, "cgroup limit")


@pytest.mark.parametrize("files", [{}, LIMIT_2 | {"memory.max": "max\n"}, LIMIT_2 | {"memory.max": "90000000000\n"}])
def test_without_a_tight_limit_the_machine_counts(tmp_path, files):
    assert preflight.linux_memory(fake_root(tmp_path, "0::/\n", files)) == (8_192_000_000, "/proc/meminfo")


@pytest.mark.parametrize(
    ("free", "source", "status", "advice"),
    [
        (1.9e9, "/proc/meminfo", FAIL, "Close other programs"),
        (1.9e9, "cgroup limit", FAIL, "ask who runs it"),
        (2.1e9, "GlobalMemoryStatusEx", OK, ""),
    ],
)
def test_two_gigabytes_of_memory_are_needed(monkeypatch, free, source, status, advice):
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(preflight, "linux_memory", lambda: (int(free), source))
    result = preflight.check_memory()
    assert (result.status, result.text) == (status, f"{free / 1e9} GB free, 2 GB needed (read from {source})")
    assert advice in result.advice


def test_macos_is_asked_with_sysctl(monkeypatch):
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(preflight, "ask", lambda *_, **__: Answer({}, "8589934592\n20", ""))
    assert preflight.check_memory().text == "1.7 GB free, 2 GB needed (read from sysctl)"
    monkeypatch.setattr(preflight, "ask", lambda *_, **__: Answer({}, "", "unknown oid"))
    result = preflight.check_memory()
    assert result.status == HINT
    assert "could not be read: ValueError('unknown oid')" in result.text


def test_windows_is_asked_through_ctypes(monkeypatch):
    def tell(status):
        status._obj.total, status._obj.free = 8 * 10**9, 3 * 10**9
        return 1

    kernel = SimpleNamespace(GlobalMemoryStatusEx=tell)
    monkeypatch.setattr(ctypes, "windll", SimpleNamespace(kernel32=kernel), raising=False)
    monkeypatch.setattr(platform, "system", lambda: "Windows")
    assert preflight.check_memory().text == "3.0 GB free, 2 GB needed (read from GlobalMemoryStatusEx)"
    kernel.GlobalMemoryStatusEx = lambda status: 0
    assert preflight.check_memory().status == HINT


@pytest.mark.skipif(sys.platform not in ("linux", "darwin", "win32"), reason="the memory is read on these systems")
def test_the_memory_of_this_machine_is_read():
    result = preflight.check_memory()
    source = {"linux": "/proc/meminfo|cgroup limit", "darwin": "sysctl", "win32": "GlobalMemoryStatusEx"}[sys.platform]
    assert re.search(source, result.text)
    assert 0 < result.value < 10_000


# --- packages ---


@pytest.mark.parametrize(
    ("version", "rule", "expected"),
    [
        ("2.14.1+cu130", ">=2.9", True),
        ("2.9", ">=2.14", False),
        ("2.9.0rc1", ">=2.9", False),
        ("2.9.0.post1", ">=2.9", True),
        ("1.0.4.post1", ">=1.0.4,<2", True),
        ("2.0.1", ">=1.0.4,<2", False),
        ("2.0", "==2", True),
        ("2.0", "!=2.0,>1", False),
        ("84.2.1", "", True),
    ],
)
def test_versions_are_compared(version, rule, expected):
    assert preflight.fits(version, rule) is expected


def test_an_unknown_sign_is_not_guessed_at():
    with pytest.raises(ValueError, match="does not know the sign '~='"):
        preflight.fits("2.0", "~=2.0")


def test_every_line_of_the_requirements_is_understood():
    found = dict(preflight.requirement_lines(ROOT / "requirements.txt"))
    assert found["torch"] == ">=2.11"
    assert found["setuptools"] == ""
    assert {"jupyterlab", "ipykernel", "scikit-learn"} <= set(found)
    assert not {"pytest", "jupyter-book", "nbconvert"} & set(found), "learners need none of these"
    for found in preflight.find_packages(ROOT):
        assert preflight.fits(found.tested[0], found.rule), found


def test_missing_packages_are_named_with_one_command(folder, in_venv):
    result = preflight.check_packages(folder, [package("torch", "1.5"), package("onnx", ""), package("numpy", "")])
    assert (result.status, result.text) == (FAIL, "2 of 3 missing: onnx, numpy")
    assert result.commands == (f"{in_venv} -m pip install -r requirements.txt -c constraints.txt",)


def test_a_folder_of_wheels_is_used_without_the_network(folder, in_venv):
    (folder / "wheels").mkdir()
    (empty,) = preflight.check_packages(folder, [package("onnx", "")]).commands
    assert "--no-index" not in empty
    (folder / "wheels" / "onnx-1.18-py3-none-any.whl").touch()
    result = preflight.check_packages(folder, [package("onnx", "")])
    words = "--no-index --find-links wheels -r requirements.txt -c constraints.txt"
    assert result.commands == (f"{in_venv} -m pip install {words}",)


def test_outside_an_environment_the_command_is_for_the_one_to_be_made(folder, outside):
    (install,) = preflight.check_packages(folder, [package("onnx", "")]).commands
    assert install.startswith(str(preflight.own_python(Path())) + " -m pip install ")


def test_a_wrong_version_fails(folder, in_venv):
    result = preflight.check_packages(folder, [package("numpy", "1.26.4", ">=2.0"), package("onnx", "")])
    assert result.text == "1 of 2 missing: onnx; wrong version: numpy 1.26.4 (needed >=2.0)"
    assert result.status == FAIL
    alone = preflight.check_packages(folder, [package("numpy", "1.26.4", ">=2.0"), package("onnx", "1.5")])
    assert (alone.status, alone.text) == (FAIL, "wrong version: numpy 1.26.4 (needed >=2.0)")


def test_an_untested_version_is_only_a_hint(folder, in_venv):
    result = preflight.check_packages(folder, [package("numpy", "2.6", tested=("2.4.6", "2.5.5"))])
    assert result.status == HINT
    assert "numpy 2.6 (2.4.6)" in result.text
    tested = preflight.check_packages(folder, [package("numpy", "2.5.5", tested=("2.4.6", "2.5.5"))])
    assert tested.status == OK


def test_intel_macs_hear_that_there_is_no_pytorch_for_them(folder, in_venv, monkeypatch):
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    result = preflight.check_packages(folder, [package("torch", "")])
    assert result.commands == ()
    assert "no longer made for Intel Macs: use Colab" in result.advice


def test_a_copy_without_requirements_says_so(folder, monkeypatch, capsys):
    (folder / "requirements.txt").unlink()
    assert preflight.main(["--quick"], folder) == 1
    assert "requirements.txt is not beside preflight.py" in capsys.readouterr().out


# --- torch, device, training: what a process of its own answers ---


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ('import os; print(\'{"torch": "2"}\', flush=True); os._exit(139)', "no message (exit code 139)"),
        ("print('{\"torch\": \"2\"}', flush=True); raise OSError('no such library')", "OSError: no such library (exit"),
        ('import time; print(\'{"torch": "2"}\', flush=True); time.sleep(60)', "no answer within 0.7 seconds"),
    ],
)
def test_a_crash_or_a_hang_costs_nothing_that_was_known(folder, code, problem):
    start = time.monotonic()
    found = preflight.ask([sys.executable, "-c", code], folder, patience=0.7 if "sleep" in code else 30)
    assert time.monotonic() - start < 30
    assert found.problem.startswith(problem)
    assert found.facts == {"torch": "2"}


def test_a_program_that_is_not_there_is_a_problem_not_a_crash(folder):
    assert preflight.ask([str(folder / "nothing")], folder).problem


def test_torch_that_does_not_start_is_installed_again(folder, in_venv):
    result = preflight.check_torch(folder, answer(problem="OSError: libcudart.so (exit code 1)"))
    assert (result.status, result.text) == (FAIL, "does not start: OSError: libcudart.so (exit code 1)")
    remove, install = result.commands
    assert remove == f"{in_venv} -m pip uninstall -y torch torchvision"
    assert install.endswith("-c constraints.txt")


def test_torch_and_torchvision_must_belong_together(folder, in_venv, monkeypatch):
    apart = answer(torch="2.14.1", torchvision_problem="operator torchvision::nms does not exist")
    result = preflight.check_torch(folder, apart)
    assert result.status == FAIL
    assert "torchvision does not work with it: operator torchvision::nms does not exist" in result.text
    assert result.advice == "Install the pair that belongs together:"
    pair = answer(torch="2.14.1+cpu", torchvision="0.28.0")
    for requires, status in ((["numpy", "torch==2.13.0"], FAIL), (["torch (>=2.14.0)", "torchaudio"], OK)):
        monkeypatch.setattr(metadata, "requires", lambda name, requires=requires: requires)
        assert preflight.check_torch(folder, pair).status == status


def test_a_card_that_does_not_work_is_switched_off(monkeypatch):
    broken = answer(device="cuda", card="GTX 680", problem="no kernel image is available (exit code 1)")
    result = preflight.check_device(broken)
    assert (result.status, result.value) == (FAIL, "cuda")
    assert "no kernel image" in result.text
    monkeypatch.setattr(preflight, "WINDOWS", False)
    assert preflight.check_device(broken).commands == ("export CUDA_VISIBLE_DEVICES=-1",)
    monkeypatch.setattr(preflight, "WINDOWS", True)
    monkeypatch.delenv("PROMPT", raising=False)
    assert preflight.check_device(broken).commands == ('$env:CUDA_VISIBLE_DEVICES = "-1"',)
    assert preflight.check_device(answer(device="cpu", total=999.0)).status == FAIL


def test_a_card_that_torch_does_not_see_is_a_hint(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: name)
    assert preflight.check_device(answer(**HEALTHY)).status == HINT
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert preflight.check_device(answer(**HEALTHY)).status == OK
    card = preflight.check_device(answer(device="cuda", card="H100", total=1000.0))
    assert (card.status, card.text) == (OK, "cuda (H100)")


def test_a_network_that_does_not_learn_fails():
    assert preflight.check_training(answer(**HEALTHY)).status == OK
    result = preflight.check_training(answer(**HEALTHY | {"last_loss": 1.3}))
    assert (result.status, result.text) == (FAIL, "loss 1.40 → 1.30 in 0.2 s")
    assert preflight.check_training(answer(**HEALTHY | {"last_loss": float("nan")})).status == FAIL
    result = preflight.check_training(answer(problem="no answer within 180 seconds"))
    assert (result.status, result.text) == (FAIL, "broke off: no answer within 180 seconds")


# --- Jupyter ---


@pytest.mark.parametrize(
    ("facts", "quick", "status", "words"),
    [
        ({"program": "python", "answer": "2"}, False, OK, "its kernel answers"),
        ({"program": "python3.12"}, True, OK, "its kernel not tried"),
        ({"program": "/opt/other/bin/python"}, True, FAIL, "its kernel is another Python: /opt/other/bin/python"),
        ({"program": "python", "answer": "2", "home": "'/opt/other'"}, False, FAIL, "is another Python: /opt/other"),
        ({"program": "python", "problem": "Kernel died"}, False, FAIL, "its kernel does not answer: Kernel died"),
        ({"problem": "NoSuchKernel: python3"}, True, FAIL, "its kernel does not answer: NoSuchKernel"),
    ],
)
def test_the_kernel_must_be_this_python(folder, in_venv, facts, quick, status, words):
    result = preflight.check_jupyter(folder, Answer({}, "4.6.6", ""), answer(**facts), quick)
    assert result.status == status
    assert words in result.text
    assert result.commands == (() if status == OK else (f"{in_venv} -m ipykernel install --sys-prefix",))


def test_a_jupyterlab_that_does_not_start_is_installed_again(folder, in_venv):
    result = preflight.check_jupyter(folder, answer(problem="ImportError: httpx (exit code 1)"), answer(), True)
    assert (result.status, result.text) == (FAIL, "JupyterLab does not start: ImportError: httpx (exit code 1)")
    assert "--force-reinstall" in result.commands[0]


# --- data, folder ---


def test_the_sums_are_those_that_the_notebooks_check():
    assert [(name, md5) for name, _, md5 in preflight.DATA_FILES] == datasets.MNIST.resources
    for name, size, md5 in preflight.DATA_FILES:
        content = (ROOT / RAW / name).read_bytes()
        assert (len(content), hashlib.md5(content).hexdigest()) == (size, md5)


def damage(path):
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (Path.unlink, "train-labels-idx1-ubyte.gz is missing"),
        (lambda path: path.write_bytes(path.read_bytes()[:20000]), "has 20000 bytes instead of 28881"),
        (damage, "train-labels-idx1-ubyte.gz is damaged"),
    ],
)
def test_data_that_is_not_whole_fails(full_folder, harm, words):
    assert preflight.check_data(full_folder).status == OK
    harm(full_folder / RAW / "train-labels-idx1-ubyte.gz")
    result = preflight.check_data(full_folder)
    assert result.status == FAIL
    assert words in result.text
    assert ";" not in result.text
    assert result.advice.endswith(f"into {preflight.typed(full_folder / RAW)}")


def test_data_may_lie_beside_the_script(full_folder):
    (full_folder / "notebooks" / "data").rename(full_folder / "data")
    assert preflight.check_data(full_folder).status == OK
    shutil.rmtree(full_folder / "data")
    assert preflight.check_data(full_folder).text.count("is missing") == 4


def test_in_a_repository_git_brings_the_data_back(full_folder):
    subprocess.run(["git", "init", "--quiet"], cwd=full_folder, check=True)
    subprocess.run(["git", "add", "notebooks"], cwd=full_folder, check=True)
    damage(full_folder / RAW / "t10k-labels-idx1-ubyte.gz")
    (repair,) = preflight.check_data(full_folder).commands
    subprocess.run(repair, shell=True, check=True, cwd=full_folder.parent)
    assert preflight.check_data(full_folder).status == OK


def test_a_folder_that_cannot_be_written_to_fails(folder, monkeypatch):
    assert preflight.check_writing(folder).status == OK

    def refuse(dir):
        if Path(dir).name == "notebooks":
            raise PermissionError(13, "Permission denied")
        return (Path(dir) / "file").open("wb")

    monkeypatch.setattr(preflight.tempfile, "TemporaryFile", refuse)
    result = preflight.check_writing(folder)
    assert (result.status, result.text) == (FAIL, f"nothing can be saved in {folder / 'notebooks'}: Permission denied")
    assert "Copy the whole folder to" in result.advice


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/home/ann/my book (2)", OK, "ordinary"),
        ("/Users/ann/OneDrive - School/book", HINT, "OneDrive"),
        ("/home/zoë/book", HINT, "signs that trouble some programs: ë"),
        ("/home/ann/100% book!", HINT, "signs that trouble some programs: !%"),
    ],
)
def test_an_odd_folder_is_only_a_hint(path, status, words, monkeypatch):
    monkeypatch.setattr(preflight, "WINDOWS", False)
    result = preflight.check_folder(PurePosixPath(path))
    assert (result.status, words in result.text) == (status, True)


@pytest.mark.parametrize(
    ("word", "variables", "expected"),
    [
        (r"C:\Users\Ann Lee\python.exe", {"PROMPT": "$P$G"}, r'"C:\Users\Ann Lee\python.exe" -m pip'),
        (r"C:\Users\Ann Lee\python.exe", {}, r'& "C:\Users\Ann Lee\python.exe" -m pip'),
        (r".venv\Scripts\python.exe", {}, r".venv\Scripts\python.exe -m pip"),
        (r".venv\Scripts\python.exe", {"MSYSTEM": "MINGW64"}, r"'.venv\Scripts\python.exe' -m pip"),
    ],
)
def test_each_shell_of_windows_gets_its_quotes(monkeypatch, word, variables, expected):
    monkeypatch.setattr(preflight, "WINDOWS", True)
    for name in ("PROMPT", "MSYSTEM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert preflight.command(preflight.quoted(word), "-m", "pip") == expected


# --- what the book says about it ---


def test_the_page_and_the_check_name_the_same_versions_and_sizes():
    page = " ".join((ROOT / "book" / "setup.md").read_text("utf8").split())
    versions = [f"3.{minor}" for minor in range(preflight.OLDEST[1], preflight.NEWEST[1] + 1)]
    assert f"You need Python {', '.join(versions[:-1])} or {versions[-1]}" in page
    assert f"about {preflight.DISK_NVIDIA / preflight.GB:g} GB of free disk" in page
    assert f"needs about {preflight.DISK_SMALL / preflight.GB:g} GB" in page
    assert "python preflight.py" in page.partition("## Check that it works")[2].partition("import torch")[0]


@pytest.mark.parametrize("name", ["pull_request", "weekly"])
def test_the_workflows_run_it_once_everything_is_installed(name):
    text = (ROOT / ".github" / "workflows" / f"{name}.yml").read_text("utf8")
    after = text.partition("pip install -r requirements.txt")[2]
    assert "run: python preflight.py\n" in after.partition("python -m pytest")[0]
