"""Versions: the measuring of them, the page that shows it, and a record that fits the requirements."""

import json
import subprocess
import textwrap

import pytest
import yaml
from bs4 import BeautifulSoup

import record_versions
from book_files import ROOT, notebook_paths
from bookkit.version_tables import MISSING, failures, markdown, read_record, table
from record_versions import CHOICES, ENVIRONMENTS, PYTHONS, lowest_versions, results, without_torch

REPORT = """\
<testsuites><testsuite>
  <testcase classname="tests.test_run_alone" name="test_within_its_time_budget[01_tensors]">
    <properties><property name="seconds" value="7.5"/></properties>
  </testcase>
  <testcase classname="tests.test_exercises" name="test_solution_passes[01_tensors]"><failure message="no"/></testcase>
  <testcase classname="tests.test_exercises" name="test_solution_passes[02_autograd]"><error message="no"/></testcase>
  <testcase classname="tests.test_paper" name="test_epub"><skipped message="no epubcheck"/></testcase>
  <testcase classname="tests.test_site" name="test_links"/>
</testsuite></testsuites>
"""


def requirement_texts():
    return (ROOT / "requirements.txt").read_text("utf8"), (ROOT / "constraints.txt").read_text("utf8")


def packages(constraints):
    return {line.partition("==")[0] for line in constraints.splitlines() if "==" in line and line[0] not in " #"}


def test_the_oldest_versions_are_those_of_the_requirements():
    assert lowest_versions("numpy>=2.0\ntorch>=2.9   # why\ntorchvision>=0.24\n") == {
        "torch": "2.9",
        "torchvision": "0.24",
    }
    with pytest.raises(ValueError, match="no line torchvision>=VERSION"):
        lowest_versions("torch>=2.9\ntorchvision\n")


def test_only_what_torch_needs_is_left_free():
    constraints = textwrap.dedent("""\
        # a remark
        networkx==3.7
            # via torch
        nvidia-cublas==13.1 ; sys_platform == 'linux'
            # via cuda-toolkit
        cuda-toolkit==13.0 ; sys_platform == 'linux'
            # via torch
        pillow==12.0
            # via
            #   -r requirements.txt
            #   torchvision
        sympy==1.14.0
            # via
            #   onnx
            #   torch
        torch==2.14.1
            # via
            #   -r requirements.txt
            #   torchvision
        torchvision==0.29.1
            # via -r requirements.txt
        """)
    assert packages(without_torch(constraints)) == {"pillow"}


def test_the_real_constraints_keep_all_else():
    requirements, constraints = requirement_texts()
    free = packages(constraints) - packages(without_torch(constraints))
    assert {"torch", "torchvision", "triton", "cuda-toolkit"} <= free
    named = {line.partition(">")[0] for line in requirements.splitlines() if ">=" in line}
    assert free & named == {"torch", "torchvision", "filelock"}  # torch asks for this one, too


def test_a_report_becomes_a_row(tmp_path):
    report = tmp_path / "report.xml"
    report.write_text(REPORT, "utf8")
    row = results(report, ["01_tensors", "02_autograd"])
    assert row["tests"] == {"passed": 2, "failed": 2, "skipped": 1}
    assert row["failures"] == [
        "tests.test_exercises.test_solution_passes[01_tensors]",
        "tests.test_exercises.test_solution_passes[02_autograd]",
    ]
    assert row["notebooks"] == {
        "01_tensors": {"seconds": 7.5, "passed": 1, "failed": 1},
        "02_autograd": {"seconds": None, "passed": 0, "failed": 1},
    }


@pytest.fixture
def record():
    """A record of two environments, one of which had a failure."""

    def row(torch, failed):
        return {
            **{"python": "3.12.1", "torch": torch, "torchvision": "0.24.0", "date": "2026-01-02", "cores": 2},
            **{"hardware": "a processor", "system": "Linux", "test_seconds": 600, "code": "0", "commit": "1cfa5fe"},
            "tests": {"passed": 9, "failed": failed, "skipped": 0},
            "failures": ["tests.test_x.test_y[01_tensors]"] * failed,
            "notebooks": {"01_tensors": {"seconds": 7.6, "passed": 9, "failed": failed}},
        }

    return {"environments": {"3.12 lowest": row("2.9.0+cpu", 0), "3.12 newest": row("2.15.0", 1)}}


def test_the_table_shows_what_was_measured_and_what_was_not(record):
    lines = table(record["environments"], "3.12", [("01_tensors", "1 · Tensors"), ("02_autograd", "2")]).splitlines()
    assert lines[0] == "| PyTorch | oldest: 2.9.0 | pinned | newest: 2.15.0 |"
    assert lines[2] == (
        f"| [1 · Tensors](../notebooks/01_tensors.ipynb) | 8 s | {MISSING} | 8 s, **1 of 10 tests fail** |"
    )
    assert lines[3].endswith(f"| {MISSING} | {MISSING} | {MISSING} |")
    assert f"| *tests failed* | 0 | {MISSING} | 1 |" in lines
    assert f"| *all tests, minutes* | 10 | {MISSING} | 10 |" in lines
    assert f"| *the book's commit* | `1cfa5fe` | {MISSING} | `1cfa5fe` |" in lines


def test_the_page_names_the_tests_that_failed_and_the_machine(record):
    assert failures(record["environments"]).endswith("- Python 3.12 newest: `tests.test_x.test_y[01_tensors]`")
    assert failures({"3.12 lowest": record["environments"]["3.12 lowest"]}) == ""
    assert "Measured with 2 cores of a processor, Linux" in markdown(record, [])


def test_a_missing_record_gives_one_clear_sentence(tmp_path):
    with pytest.raises(ValueError, match=r"versions\.json is missing: run `make matrix`"):
        read_record(tmp_path / "versions.json")


def test_the_page_of_the_site_shows_the_record(pages):
    shown = " ".join(BeautifulSoup(pages["book/versions"].html, "html.parser").get_text().split())
    assert "make matrix" in shown
    for name, row in read_record()["environments"].items():
        assert f"With Python {name.split()[0]}" in shown
        assert f"{row['torch'].partition('+')[0]}" in shown
        assert row["date"] in shown


def test_nothing_failed_with_the_versions_that_were_measured():
    environments = read_record()["environments"]
    requirements, constraints = requirement_texts()
    assert list(environments) == ENVIRONMENTS
    stems = {path.stem for path in notebook_paths()}
    for name, row in environments.items():
        assert not row["failures"], f"{name}: {row['failures']}"
        assert set(row["notebooks"]) == stems, f"{name} was measured with other notebooks: run `make matrix`"
        assert all(result["seconds"] and result["passed"] for result in row["notebooks"].values())
        assert row["python"].startswith(f"{name.split()[0]}.")
        assert row["commit"], f"{name} does not say which state of the book it was measured with"
        versions = {pair: row[pair].partition("+")[0] for pair in ("torch", "torchvision")}
        if row["choice"] == "pinned":
            assert all(f"\n{pair}=={version}\n" in constraints for pair, version in versions.items()), name
        if row["choice"] == "lowest":
            lowest = lowest_versions(requirements)
            assert all(f"{version}.".startswith(f"{lowest[pair]}.") for pair, version in versions.items()), name


def test_the_test_that_judges_the_record_exists():
    """It is left out while the record is written; under another name it would not be."""
    name = record_versions.NOT_THE_VERSIONS[1].partition("::")[2]
    assert name == test_nothing_failed_with_the_versions_that_were_measured.__name__


def test_an_environment_of_other_code_is_measured_again(monkeypatch):
    monkeypatch.setattr(record_versions, "code_digest", lambda: "now")
    done = {name: {"code": "now"} for name in ENVIRONMENTS[1:]}
    assert record_versions.chosen({"environments": done}, None) == ENVIRONMENTS[:1]
    done["3.13 newest"]["code"] = "before"
    assert record_versions.chosen({"environments": done}, None) == [ENVIRONMENTS[0], "3.13 newest"]
    assert record_versions.chosen({"environments": done}, "3.12 pinned") == ["3.12 pinned"]


def test_what_is_measured_is_the_commit_without_the_record(tmp_path):
    def commit(name, text):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf8")
        git = ("git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(tmp_path))
        subprocess.run([*git, "add", "."], check=True)
        subprocess.run([*git, "commit", "--quiet", "-m", "one"], check=True)
        return record_versions.code_digest(tmp_path)

    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    before = commit("a.py", "1")
    assert commit("book/records/versions.json", "{}") == before
    assert commit("a.py", "2") != before


def test_a_python_that_is_missing_gives_one_clear_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit, match=r"no python3\.12 with pip here"):
        record_versions.interpreter("3.12")


def test_rows_of_other_machines_are_merged_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(record_versions, "RECORD", tmp_path / "versions.json")
    rows = {"3.13 newest": {"a": 1}, "3.12 lowest": {"old": 0}}
    record_versions.write({"environments": rows})
    (tmp_path / "other.json").write_text(
        json.dumps({"environments": {"3.13 newest": {"old": 0}, "3.12 lowest": {"b": 2}}}), "utf8"
    )
    monkeypatch.setattr("sys.argv", ["x", "--merge", str(tmp_path / "other.json"), "--only", "3.12 lowest"])
    assert record_versions.main() == 0
    merged = json.loads((tmp_path / "versions.json").read_text("utf8"))["environments"]
    assert list(merged.items()) == [("3.12 lowest", {"b": 2}), ("3.13 newest", {"a": 1})]


def test_the_weekly_workflow_measures_the_same():
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "weekly.yml").read_text("utf8"))["jobs"]
    matrix = jobs["versions"]["strategy"]["matrix"]
    assert (matrix["python"], matrix["torch"]) == (list(PYTHONS), list(CHOICES))
    (measuring,) = (step for step in jobs["versions"]["steps"] if "record_versions.py" in step.get("run", ""))
    assert '--only "${{ matrix.python }} ${{ matrix.torch }}"' in measuring["run"]
