"""Every notebook prints what the record says, and a second run shows the same as the first."""

import os

import pytest
import torch
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from book_files import TEMPLATE, code_cells, has_tag, notebook_paths, read
from chapter_runs import run_notebook, small_notebook
from number_drift import KEY, Tolerance, drifts
from printed_numbers import VARIES, measured, pictures, texts
from record_printed_numbers import (
    FOLDER,
    code_digest,
    conditions,
    differences,
    is_out_of_date,
    read_record,
    record_anew,
)

ALL = [*notebook_paths(), TEMPLATE]
TWICE = os.environ.get("TEST_TWICE")  # the chapters that train take minutes: once a week
CHEAP = {"02_autograd", "03_linear_regression_numpy", "05_computation_graphs", "a3_numpy_phrasebook", TEMPLATE.stem}

on_the_cpu = pytest.mark.skipif(
    torch.accelerator.is_available(), reason="the numbers are those of a CPU: hide the GPU (CUDA_VISIBLE_DEVICES=)"
)


def tolerances(notebook):
    """Return the tolerance of each code cell by its id."""
    return {cell.id: Tolerance.of(cell) for cell in code_cells(notebook)}


def drifts_from_record(name, executed, record, here):
    """Return one message about all cells of a notebook that show something else than recorded; "" if none does.

    Letter by letter where the machine and the versions are those of the record, within the tolerances elsewhere.
    """
    elsewhere = differences(record["circumstances"], here)
    # On stderr PyTorch speaks, not the book, and every release says something else there. Here it says nothing.
    shown = texts(executed, stderr=not elsewhere)
    found = drifts(record["cells"], shown, tolerances(executed) if elsewhere else None)
    if not found:
        return ""
    lines = [f"{name} shows something else than book/records/printed_numbers says:", *map(str, found)]
    how = f"within the tolerances, because of another {', '.join(elsewhere)}" if elsewhere else "exactly"
    lines.append(f"This was compared {how}.")
    lines.append(f"If this is what you want: make numbers ONLY={name}")
    return "\n  ".join(lines)


@on_the_cpu
def test_the_numbers_are_those_of_the_record(chapter):
    record = read_record(chapter.path)
    assert record, f"nobody has recorded what {chapter.path.stem} prints: make numbers"
    message = drifts_from_record(chapter.path.stem, chapter.notebook, record, conditions())
    assert not message, message


def second_run(path, folder):
    """Run a notebook in a folder of another name, with another order of sets than the first run had."""
    other = folder / "another place"
    other.mkdir()
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"  # the first run's is drawn, or what is set
    return run_notebook(path, other, PYTHONHASHSEED=seed)


def assert_same(path, first, second):
    """Assert that two runs of a notebook showed the same, letter by letter and dot by dot."""
    found = [str(drift) for drift in drifts(texts(first), texts(second))]
    drawn, again = pictures(first), pictures(second)
    found += [f"cell {cell}, another picture" for cell in drawn | again if drawn.get(cell) != again.get(cell)]
    assert not found, "\n  ".join([f"{path.stem} shows something else the second time:", *found])


@on_the_cpu
def test_a_second_run_shows_the_same(chapter, one_chapter_at_a_time, tmp_path):
    if chapter.path.stem not in CHEAP and not TWICE:
        pytest.skip("minutes for all notebooks: set TEST_TWICE=1, as once a week")
    with one_chapter_at_a_time:
        again = second_run(chapter.path, tmp_path)
    assert_same(chapter.path, chapter.notebook, again)


def test_no_record_is_left_of_a_notebook_that_is_gone():
    assert {path.stem for path in FOLDER.glob("*.json")} == {path.stem for path in notebook_paths()}


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_a_tolerance_gives_its_reason(path):
    for cell in code_cells(read(path)):
        assert Tolerance.of(cell), "of() says what is wrong"
        assert not (KEY in cell.metadata and has_tag(cell, VARIES)), f"{cell.id}: what varies needs no tolerance"


# The tests above can fail: a small notebook shows what does not repeat.


def test_what_differs_from_run_to_run_is_found(tmp_path):
    names = "print({name for name in 'abcdefghijkl'})"
    path = small_notebook(tmp_path, names, "import os; print(os.getcwd())", "print(7)")
    (tmp_path / "first").mkdir()
    first = run_notebook(path, tmp_path / "first", PYTHONHASHSEED="0")
    with pytest.raises(AssertionError) as caught:
        assert_same(path, first, second_run(path, tmp_path))
    assert "cell cell-1" in str(caught.value)
    assert "cell cell-2" in str(caught.value)
    assert "cell cell-3" not in str(caught.value)
    assert_same(path, first, first)


def test_another_picture_is_found(monkeypatch):
    seen = iter([{"plot": ["1"]}, {"plot": ["2"]}])
    monkeypatch.setattr(f"{__name__}.pictures", lambda _notebook: next(seen))
    with pytest.raises(AssertionError, match="cell plot, another picture"):
        assert_same(TEMPLATE, read(TEMPLATE), read(TEMPLATE))


def test_a_record_is_made_anew(tmp_path, monkeypatch):
    monkeypatch.setattr("record_printed_numbers.FOLDER", tmp_path / "records")
    (tmp_path / "records").mkdir()
    path = small_notebook(tmp_path, "print(0.5)", "2 + 2")
    assert is_out_of_date(path)
    assert record_anew(path) == ["recorded for the first time"]
    assert not is_out_of_date(path)
    record = read_record(path)
    assert record["cells"] == {"cell-1": "0.5", "cell-2": "4"}
    lines = (tmp_path / "records" / "small.json").read_text("utf8").splitlines()
    assert '  "cell-1": "0.5",' in lines, "a line for each cell"

    path = small_notebook(tmp_path, "print(0.6)", "2 + 2")
    assert is_out_of_date(path)
    assert record_anew(path) == ["cell cell-1, line 1: 0.5 → 0.6, allowed ±0: “0.6”, recorded is “0.5”"]


def test_elsewhere_tolerances_hold():
    notebook = new_notebook(cells=[new_code_cell("…", id="loss"), new_code_cell("…", id="count")])
    for cell, shown in zip(notebook.cells, ("loss 0.2501", "3 of 4"), strict=True):
        cell.outputs = [new_output("stream", name="stdout", text=shown)]
    here = {"date": "2026-01-01", "python": "3.11.1", "torch": "2.9.0", "hardware": "A"}
    record = {"circumstances": here, "cells": {"loss": "the loss is 0.2500", "count": "3 of 4"}}
    later = here | {"date": "2027-01-01", "python": "3.11.2"}
    assert "line 1: 0.2500 → 0.2501, allowed ±0" in drifts_from_record("x", notebook, record, later)
    assert "was compared exactly" in drifts_from_record("x", notebook, record, later)
    for change in ({"python": "3.12.1"}, {"torch": "2.10.0"}, {"hardware": "B"}, {"threads": 4}):
        assert drifts_from_record("x", notebook, record, here | change) == ""
    record["cells"] = {"loss": "0.2600", "gone": "1"}
    message = drifts_from_record("x", notebook, record, here | {"torch": "2.10.0"})
    assert "cell loss, line 1: 0.2600 → 0.2501, allowed ±0.00036" in message
    assert "cell count, which shows something, is not in the record" in message
    assert "cell gone, which the record holds, is gone" in message
    assert "because of another torch" in message
    assert "make numbers ONLY=x" in message


def digest_of(source, **metadata):
    cells = [new_markdown_cell("a"), new_code_cell(source, id="a", metadata=metadata)]
    return code_digest(new_notebook(cells=cells))


def test_what_makes_a_record_out_of_date():
    assert digest_of("1") == digest_of("1", tolerance={"rtol": 1, "why": "so"}, tags=["raises-exception"])
    assert digest_of("1") != digest_of("2")
    assert digest_of("1") != digest_of("1", tags=["varies"])
    assert digest_of("1") != digest_of("1", measured=["\\d s"])


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_what_a_cell_calls_measured_is_a_part_of_it(path):
    for cell in code_cells(read(path)):
        assert not (measured(cell) and has_tag(cell, VARIES)), f"{cell.id}: the tag leaves out the whole cell"
