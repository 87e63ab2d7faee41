"""The habits: lint, normal form, pins, workflows, README, a new chapter in ten minutes."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from book_files import ROOT, TEMPLATE, exercises, goals, headings, read
from bookkit.teaching_notes import parse_notes
from contents import pages_with_captions
from new_chapter import start_chapter
from normalise_notebooks import normal_form, project_notebooks
from record_printed_numbers import code_digest
from serve_book import serve

needs_make = pytest.mark.skipif(
    sys.platform == "win32" or not shutil.which("make"), reason="make and a POSIX shell are needed; Windows uses pip"
)
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def run(*command, cwd=ROOT, **environment):
    variables = os.environ | {"PYTHONUTF8": "1"} | environment
    return subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True, check=False)


def tracked_files():
    return [ROOT / name for name in run("git", "ls-files").stdout.split("\n") if name and (ROOT / name).is_file()]


def requirement_lines(name):
    lines = (ROOT / name).read_text("utf8").splitlines()
    return [Requirement(line.partition("#")[0].strip()) for line in lines if line.strip() and line.lstrip()[0] != "#"]


@pytest.mark.parametrize("arguments", [("check", "."), ("format", "--check", ".")])
def test_ruff_is_content(arguments):
    finished = run(sys.executable, "-m", "ruff", *arguments)
    assert finished.returncode == 0, finished.stdout


def test_notebooks_are_in_their_normal_form():
    finished = run(sys.executable, "tools/normalise_notebooks.py", "--check")
    assert finished.returncode == 0, finished.stdout


def test_normal_form_strips_outputs_and_settles():
    notebook = read(TEMPLATE)
    cell = next(cell for cell in notebook.cells if cell.cell_type == "code")
    cell.outputs = [{"output_type": "stream", "name": "stdout", "text": "a secret result"}]
    cell.execution_count = 7
    cell.metadata["ExecuteTime"] = {"start_time": "2026"}
    once = normal_form(notebook)
    assert "a secret result" not in once
    assert "ExecuteTime" not in once
    assert once == TEMPLATE.read_text("utf8")


def test_every_notebook_of_the_project_is_looked_at():
    tracked = {path for path in tracked_files() if path.suffix == ".ipynb"}
    assert tracked <= set(project_notebooks())


def test_every_requirement_is_pinned_within_its_range():
    pins = {}
    for pin in requirement_lines("constraints.txt"):
        pins.setdefault(pin.name.lower(), []).append(str(pin.specifier).removeprefix("=="))
    for requirement in requirement_lines("requirements.txt"):
        versions = pins.get(requirement.name.lower())
        assert versions, f"{requirement.name} is not in constraints.txt: run `make constraints`"
        assert all(requirement.specifier.contains(version) for version in versions), requirement


def test_the_tests_run_with_the_pinned_versions():
    import torch
    import torchvision

    pins = {pin.name: str(pin.specifier).removeprefix("==") for pin in requirement_lines("constraints.txt")}
    assert pins["torch"].count(".") == pins["torchvision"].count(".") == 2
    if os.environ.get("CI"):
        assert torch.__version__.partition("+")[0] == pins["torch"]
        assert torchvision.__version__.partition("+")[0] == pins["torchvision"]


def test_constraints_name_no_host_and_three_systems():
    text = (ROOT / "constraints.txt").read_text("utf8")
    assert not re.search(r"://|--index-url|--find-links| @ ", text)
    for marker in ("sys_platform == 'linux'", "sys_platform == 'darwin'", "sys_platform == 'win32'"):
        assert marker in text


def test_narrow_ranges_have_a_reason():
    for line in (ROOT / "requirements.txt").read_text("utf8").splitlines():
        if "<" in line.partition("#")[0]:
            assert line.partition("#")[2].strip(), f"say why the range is narrow: {line}"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflow_fits_its_schema(path):
    command = ("-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(path))
    finished = run(sys.executable, *command)
    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_the_schema_check_can_fail(tmp_path):
    (tmp_path / "wrong.yml").write_text("on: push\njobs:\n  test:\n    runs: nowhere\n", "utf8")
    command = ("-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", "wrong.yml")
    assert run(sys.executable, *command, cwd=tmp_path).returncode != 0


def test_workflows_call_what_exists():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf8"), flags=re.MULTILINE))
    for path in WORKFLOWS:
        text = path.read_text("utf8")
        assert set(re.findall(r"\bmake ([a-z]+)", text)) <= targets
        for script in re.findall(r"\b((?:tools|tests|\.ci)/[\w./]+)", text):
            assert (ROOT / script).exists(), f"{path.name} calls {script}"


def test_the_workflows_cover_what_was_promised():
    loaded = {path.stem: yaml.safe_load(path.read_text("utf8")) for path in WORKFLOWS}
    assert set(loaded) == {"pull_request", "publish", "weekly"}
    matrix = loaded["pull_request"]["jobs"]["test"]["strategy"]["matrix"]
    assert len(matrix["os"]) == 3
    assert len(matrix["python"]) >= 2
    for name, job in (("pull_request", "test"), ("weekly", "newest")):
        steps = loaded[name]["jobs"][job]["steps"]
        (testing,) = (step for step in steps if "-m pytest" in step.get("run", ""))
        required = {"REQUIRE_BROWSER", "REQUIRE_EPUBCHECK", "REQUIRE_FAULTS"}
        assert required <= set(testing["env"]), f"{name} may skip tests"
        assert any("apt-get install --yes epubcheck" in step.get("run", "") for step in steps)
    assert "schedule" in loaded["weekly"][True]  # YAML reads the key `on` as true
    weekly = loaded["weekly"]["jobs"]
    assert set(weekly["report"]["needs"]) == set(weekly) - {"report"}, "a failure of the others is told to nobody"


def test_readme_commands_exist():
    readme = (ROOT / "README.md").read_text("utf8")
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf8"), flags=re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z]+)", readme))
    assert {"book", "test", "serve"} <= named <= targets


@needs_make
def test_make_help_lists_every_target():
    listed = set(re.findall(r"^  make (\w+)", run("make", "help").stdout, flags=re.MULTILINE))
    phony = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text("utf8"), flags=re.MULTILINE)[1].split()
    assert listed == set(phony)


@needs_make
def test_an_old_python_gets_one_clear_sentence(tmp_path):
    old = tmp_path / "old_python"
    old.write_text("#!/bin/sh\nexit 1\n", "utf8")
    old.chmod(0o755)
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("requirements.txt", "constraints.txt"):
        (tmp_path / name).touch()
    finished = run("make", "book", f"PYTHON={old}", cwd=tmp_path)
    assert finished.returncode != 0
    assert "needs Python 3.11 or newer" in finished.stdout


def test_serve_shows_the_book_and_prints_the_address(tmp_path):
    (tmp_path / "index.html").write_text("the book", "utf8")
    (tmp_path / "404.html").write_text("the page for dead links", "utf8")
    code = f"import serve_book, pathlib; serve_book.serve(pathlib.Path({str(tmp_path)!r}), 0)"
    variables = os.environ | {"PYTHONPATH": str(ROOT / "tools")}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=variables, text=True) as server:
        address = re.search(r"http://127\.0\.0\.1:\d+/", server.stdout.readline())[0]
        assert urllib.request.urlopen(address).read() == b"the book"
        with pytest.raises(urllib.error.HTTPError) as missing:
            urllib.request.urlopen(f"{address}a/b/c")
        assert (missing.value.code, missing.value.read()) == (404, b"the page for dead links")
        server.terminate()


def test_serve_explains_what_is_wrong(tmp_path, capsys):
    assert serve(tmp_path, 0) == 1
    assert "make book" in capsys.readouterr().err
    (tmp_path / "index.html").touch()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert serve(tmp_path, taken.getsockname()[1]) == 1
    assert "Name another" in capsys.readouterr().err


def test_no_large_file_is_tracked():
    large = [path for path in tracked_files() if path.stat().st_size > 2_000_000 and "MNIST" not in path.parts]
    assert not large


def small_root(folder: Path) -> Path:
    """Make a folder with all that starting a chapter touches."""
    (folder / "notebooks").mkdir()
    shutil.copy(ROOT / "_toc.yml", folder)
    (folder / "tests").mkdir()
    shutil.copy(ROOT / "tests" / "mutants.json", folder / "tests")
    return folder


def test_a_new_chapter_is_complete_at_once(tmp_path):
    root = small_root(tmp_path)
    start_chapter(root, "98_my_topic", "My topic", "Foundations")
    notebook = read(root / "notebooks" / "98_my_topic.ipynb")
    assert notebook.cells[0].source.startswith("# My topic\n")
    assert len(goals(notebook)) == 3
    assert normal_form(notebook) == (root / "notebooks" / "98_my_topic.ipynb").read_text("utf8")
    assert (root / "tests" / "wrong_answers" / "98_my_topic.toml").exists()
    numbers = json.loads((root / "book" / "records" / "printed_numbers" / "98_my_topic.json").read_text("utf8"))
    assert numbers["code"] == code_digest(notebook), "the record is that of the template's code"
    tried = json.loads((root / "tests" / "mutants.json").read_text("utf8"))["notebooks"]
    assert set(tried["98_my_topic"]) == {str(e.number) for e in exercises(notebook)}
    parts = yaml.safe_load((root / "_toc.yml").read_text("utf8"))["parts"]
    foundations = next(part for part in parts if part["caption"] == "Foundations")
    assert foundations["chapters"][-1] == {"file": "notebooks/98_my_topic"}
    assert [page for page, _ in pages_with_captions(root)].count("book/teaching/notes_98_my_topic") == 1
    notes = parse_notes((root / "book" / "teaching" / "notes_98_my_topic.md").read_text("utf8"))
    assert (notes.chapter, notes.title) == (98, "My topic")
    assert [section.heading for section in notes.sections] == headings(notebook, 2)[:3]
    assert [(row.number, row.minutes) for row in notes.exercises] == [
        (e.number, e.minutes) for e in exercises(notebook)
    ]
    assert "# The only place" in (root / "_toc.yml").read_text("utf8"), "comments survive"


@pytest.mark.parametrize(
    ("name", "part", "words"),
    [("My Topic", "Foundations", "no name for a chapter"), ("98_topic", "Nowhere", "no part 'Nowhere'")],
)
def test_a_bad_new_chapter_changes_nothing(tmp_path, name, part, words):
    root = small_root(tmp_path)
    before = (root / "_toc.yml").read_text("utf8")
    with pytest.raises(ValueError, match=words):
        start_chapter(root, name, "My topic", part)
    assert (root / "_toc.yml").read_text("utf8") == before
    assert not list((root / "notebooks").iterdir())
