"""The kit for a workshop without a network: what is in it, that it works from a folder, that it installs offline."""

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import make_kit
from book_files import ROOT, notebook_paths
from browser_pages import remote
from kit.wheels import WheelsError, collect_wheels, requirements_of_learners
from make_kit import NAME, KitError, fill, pack
from offline import run_offline
from site_build import Page

WITH_WHEELS = os.environ.get("TEST_KIT_WITH_WHEELS")  # gigabytes and minutes: once a week


@pytest.fixture(scope="module")
def book(site, tmp_path_factory):
    """A folder that looks like the project after `make book slides`, with one short deck."""
    root = tmp_path_factory.mktemp("book")
    for name in ("preflight.py", "requirements.txt", "constraints.txt", "LICENSE", "_toc.yml", "notebooks"):
        (root / name).symlink_to(ROOT / name)
    (root / "_build" / "slides").mkdir(parents=True)
    (root / "_build" / "slides" / "index.html").write_text("<!doctype html><title>Slides</title>", "utf8")
    (root / "_build" / "html").symlink_to(site)
    return root


@pytest.fixture(scope="module")
def unpacked(book, tmp_path_factory):
    """The kit, packed and unpacked again into a folder with a space in its name, as it is on a learner's desk."""
    archive = make_kit.make_kit(book, with_wheels=False)
    folder = tmp_path_factory.mktemp("stick") / "My workshop"
    with zipfile.ZipFile(archive) as packed:
        assert packed.testzip() is None
        packed.extractall(folder)
    return folder / NAME


def test_everything_is_in_it(unpacked):
    found = {path.name for path in unpacked.iterdir()}
    files = {"START-HERE.html", "preflight.py", "requirements.txt", "constraints.txt", "LICENSE"}
    assert found == files | {"site", "slides", "notebooks"}
    assert {path.stem for path in (unpacked / "notebooks").glob("*.ipynb")} == {path.stem for path in notebook_paths()}
    assert not list((unpacked / "notebooks").rglob("*-ubyte")), "the data travels packed"


def test_no_path_of_this_machine_is_in_it(unpacked):
    for path in unpacked.rglob("*"):
        if path.suffix in {".html", ".ipynb", ".txt", ".py", ".js"}:
            assert str(ROOT) not in path.read_text("utf8"), path


def test_every_link_of_the_start_page_and_of_the_notebooks_leads_somewhere(unpacked):
    links = [(unpacked, link) for link in Page(unpacked / "START-HERE.html").links]
    assert len(links) >= 3
    own = re.compile(r"\]\(((?:\.\.|\w+\.ipynb)[^)]*)\)")
    for path in (unpacked / "notebooks").glob("*.ipynb"):
        links += [(path.parent, link) for link in own.findall(path.read_text("utf8"))]
    for folder, link in links:
        assert (folder / unquote(urlsplit(link).path)).exists(), f"{link} leads nowhere"


def test_the_start_page_and_the_site_open_by_double_click(unpacked, browser):
    page = browser.new_page()
    problems, traffic = [], []
    page.on("console", lambda line: problems.append(line.text) if line.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: traffic.append(request.url))
    page.goto((unpacked / "START-HERE.html").as_uri())
    assert "Nothing in it needs the internet" in page.inner_text("main")
    page.click("text=site")
    page.wait_for_url("**/site/index.html")
    page.goto((unpacked / "site" / "notebooks" / "02_autograd.html").as_uri())
    assert "Autograd" in page.inner_text("h1")
    page.close()
    assert not problems
    assert not remote(traffic)


def test_the_preflight_of_the_kit_finds_the_data(unpacked):
    finished = run_offline([sys.executable, "preflight.py", "--quick", "--json"], unpacked)
    report = json.loads(finished.stdout)
    assert "OK" in str(next(line for line in report["checks"] if "data" in line["name"].lower())), report


def test_learners_get_the_packages_of_the_notebooks_alone():
    text = requirements_of_learners((ROOT / "requirements.txt").read_text("utf8"))
    names = {re.match(r"[\w-]+", line)[0] for line in text.splitlines() if line and line[0] != "#"}
    assert {"torch", "torchvision", "jupyterlab", "matplotlib"} <= names
    assert not {"jupyter-book", "pytest", "playwright", "nbconvert"} & names


def test_requirements_without_the_block_are_refused():
    with pytest.raises(ValueError, match="no line"):
        requirements_of_learners("torch\n")


@pytest.mark.parametrize(("missing", "words"), [("html", "make book"), ("slides", "make slides")])
def test_one_sentence_where_something_has_not_been_made(book, tmp_path, missing, words):
    (tmp_path / "_build").mkdir()
    for name in {"html", "slides"} - {missing}:
        (tmp_path / "_build" / name).symlink_to(book / "_build" / name)
    with pytest.raises(KitError, match=words):
        fill(tmp_path, tmp_path / "kit", with_wheels=False)
    assert not (tmp_path / "kit").exists()


def test_an_archive_appears_only_when_it_is_whole(tmp_path, monkeypatch):
    folder = tmp_path / "kit"
    folder.mkdir()
    (folder / "file.txt").write_text("text", "utf8")
    monkeypatch.setattr(zipfile.ZipFile, "write", lambda *arguments: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        pack(folder, tmp_path / "kit.zip")
    assert not (tmp_path / "kit.zip").exists()


def package(folder: Path, name: str, needs: str = "") -> None:
    """Write the sources of a small package that needs no other package to be built."""
    (folder / name).mkdir(parents=True)
    (folder / name / f"{name}.py").write_text("answer = 42\n", "utf8")
    (folder / name / "setup.py").write_text(
        f"from setuptools import setup\nsetup(name={name!r}, version='1.0', py_modules=[{name!r}],"
        f" install_requires={[needs] if needs else []!r})\n",
        "utf8",
    )


@pytest.fixture(scope="module")
def offline_packages(tmp_path_factory):
    """The wheels of two small packages, collected as `make kit WHEELS=1` collects torch, and what names them."""
    folder = tmp_path_factory.mktemp("packages")
    package(folder, "needed")
    package(folder, "wanted", needs="needed")
    (folder / "constraints.txt").write_text("wanted==1.0\nneeded==1.0\n", "utf8")
    (folder / "requirements.txt").write_text(f"{folder / 'wanted'}\n{folder / 'needed'}\n", "utf8")
    variables = {
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",
        "PIP_FIND_LINKS": "",
    }  # 0 is pip's word for "no isolation"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        wheels = collect_wheels(folder / "requirements.txt", folder / "constraints.txt", folder / "wheels")
    assert {path.name.partition("-")[0] for path in wheels} == {"needed", "wanted"}
    (folder / "requirements.txt").write_text("wanted\n", "utf8")
    return folder


def install_command(start_page: str) -> list[str]:
    """Return what the start page tells a learner on Linux to type after `python`."""
    (line,) = re.findall(r"^\.venv/bin/python (-m pip install.*)$", start_page, flags=re.MULTILINE)
    return line.split()


def installs_offline(folder: Path, start_page: str, proof: str) -> subprocess.CompletedProcess[str]:
    """Make a virtual environment in a folder, install as the start page says, run `proof`; all without a network."""
    python = folder / ".venv" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    made = run_offline([sys.executable, "-m", "venv", ".venv"], folder)
    assert made.returncode == 0, made.stderr
    installed = run_offline([str(python), *install_command(start_page)], folder, PYTHONPATH="")
    assert installed.returncode == 0, installed.stdout[-2000:] + installed.stderr[-2000:]
    return run_offline([str(python), "-c", proof], folder, PYTHONPATH="")


def test_a_laptop_without_a_network_installs_from_the_wheels(offline_packages):
    """With two small packages; the real ones are installed once a week, by the test below."""
    page = make_kit.start_page(offline_packages, wheels=2)
    finished = installs_offline(offline_packages, page, "import wanted, needed; print(wanted.answer)")
    assert finished.stdout.strip() == "42", finished.stderr


def test_a_kit_without_wheels_says_that_it_needs_the_network(offline_packages):
    page = make_kit.start_page(offline_packages, wheels=0)
    assert "--no-index" not in page
    assert "needs the internet, and several gigabytes" in page


def test_pip_is_quoted_where_it_fails(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    (tmp_path / "requirements.txt").write_text("a-package-that-nobody-has\n", "utf8")
    (tmp_path / "constraints.txt").touch()
    with pytest.raises(WheelsError, match="a-package-that-nobody-has"):
        collect_wheels(tmp_path / "requirements.txt", tmp_path / "constraints.txt", tmp_path / "wheels")


@pytest.mark.skipif(not WITH_WHEELS, reason="gigabytes and minutes: set TEST_KIT_WITH_WHEELS, as once a week")
def test_the_real_kit_installs_and_runs_without_a_network(book, tmp_path):
    kit = tmp_path / "My workshop" / NAME
    fill(book, kit, with_wheels=True)
    page = (kit / "START-HERE.html").read_text("utf8")
    finished = installs_offline(kit, page, "import torch; print(torch.ones(2).sum().item())")
    assert finished.stdout.strip() == "2.0", finished.stderr
    python = next((kit / ".venv").glob("*/python"))
    ready = run_offline([str(python), "preflight.py"], kit, PYTHONPATH="")
    assert ready.returncode == 0, ready.stdout
    execute = ["-m", "nbconvert", "--to", "notebook", "--execute", "--inplace", "notebooks/08_mnist_cnn.ipynb"]
    finished = run_offline([str(python), *execute], kit, PYTHONPATH="")
    assert finished.returncode == 0, finished.stderr[-3000:]
