"""Records: what a page shows is what was measured, with the code that the page shows."""

import json
import subprocess
import sys
from pprint import pformat

import pytest
import torch

from book_files import ROOT, code_cells, notebook_paths, read
from recording import (
    NOTEBOOKS,
    RECORDS,
    SAME_NUMBERS,
    cells_with,
    chapter_names,
    good_recipes,
    recipe_digest,
    without_comments,
)

RECORD_FILES = sorted(RECORDS.glob("*.json"))
# Most records belong to the recipe cells of one chapter. Others are about all notebooks: tests/test_hub.py knows when
# that of their costs is out of date, tests/test_versions.py that of the versions.
OF_A_CHAPTER = [file for file in RECORD_FILES if "chapter" in json.loads(file.read_text("utf8"))]
RECORD_CELLS = [(path.stem, cell) for path in notebook_paths() for cell in code_cells(read(path), "record")]


@pytest.mark.parametrize(("chapter", "cell"), RECORD_CELLS, ids=[f"{name}-{c.id}" for name, c in RECORD_CELLS])
def test_the_page_shows_what_the_record_holds(chapter, cell):
    source = cell.metadata["record"]
    names = {}
    exec(cell.source, names)
    shown = json.loads(json.dumps(names[source["variable"]]))
    measured = json.loads((RECORDS / source["file"]).read_text("utf8"))[source["key"]]
    expected = pformat(measured, width=100, sort_dicts=False)
    assert shown == measured, f"{chapter}, cell {cell.id} should be:\n{source['variable']} = {expected}"


@pytest.mark.parametrize(("chapter", "cell"), RECORD_CELLS, ids=[f"{name}-{c.id}" for name, c in RECORD_CELLS])
def test_the_page_says_when_and_on_what_it_was_measured(chapter, cell):
    circumstances = json.loads((RECORDS / cell.metadata["record"]["file"]).read_text("utf8"))["circumstances"]
    text = " ".join(c.source for c in read(ROOT / "notebooks" / f"{chapter}.ipynb").cells)
    for key in ("date", "hardware", "torch"):
        value = circumstances[key].partition("+")[0]  # 2.14.1+cu130 is called 2.14.1
        assert value in text, f"{chapter} does not say the record's {key}, {value}"


@pytest.mark.parametrize("file", OF_A_CHAPTER, ids=lambda file: file.stem)
def test_the_recipe_has_not_changed_since(file):
    record = json.loads(file.read_text("utf8"))
    assert record["recipe"] in good_recipes(record["chapter"]), (
        f"the recipe cells of {record['chapter']} have changed since {file.name} was written: run `make records`"
    )


@pytest.mark.parametrize("chapter", SAME_NUMBERS)
def test_a_recipe_that_saves_memory_gives_the_numbers_of_the_recipe_that_was_measured(chapter, monkeypatch):
    monkeypatch.chdir(NOTEBOOKS)  # chapter_names goes there; go back afterwards
    assert recipe_digest(chapter) == SAME_NUMBERS[chapter][0], (
        f"{chapter} has another recipe now: take it out of SAME_NUMBERS"
    )
    names = chapter_names(chapter)
    dataset = names["load_mnist"](train=True)
    before = dataset.data.clone()
    images, targets = names["prepare"](dataset).tensors
    assert torch.equal(images, (before.unsqueeze(1).float() / 255 - names["MEAN"]) / names["STD"]), "other bits"
    assert torch.equal(dataset.data, before), "the dataset was changed"
    assert torch.equal(targets, dataset.targets)


@pytest.mark.parametrize("file", RECORD_FILES, ids=lambda file: file.stem)
def test_every_record_has_a_script_and_a_page(file):
    assert (ROOT / "tools" / f"record_{file.stem}.py").exists()
    page = json.loads(file.read_text("utf8")).get("page")  # a page without cells: it names the script instead
    if page is None:
        assert any(cell.metadata["record"]["file"] == file.name for _chapter, cell in RECORD_CELLS)
    else:
        assert f"tools/record_{file.stem}.py" in (ROOT / page).read_text("utf8")


@pytest.mark.parametrize("file", OF_A_CHAPTER, ids=lambda file: file.stem)
def test_the_recipe_runs_without_the_rest_of_the_chapter(file):
    chapter = json.loads(file.read_text("utf8"))["chapter"]
    code = f"from recording import chapter_names; print(len(chapter_names({chapter!r})))"
    finished = subprocess.run([sys.executable, "-c", code], cwd=ROOT / "tools", capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr[-2000:]


def test_there_are_records():
    assert len(OF_A_CHAPTER) >= 1
    assert {file.stem for file in RECORD_FILES} - {file.stem for file in OF_A_CHAPTER} <= {"notebook_costs", "versions"}
    assert len(RECORD_CELLS) >= len([file for file in RECORD_FILES if "page" not in json.loads(file.read_text("utf8"))])


def test_a_comment_does_not_make_a_record_stale():
    assert without_comments("a = 1  # one\n\n# two\nb = '#'\n") == "a = 1\nb = '#'"
    assert without_comments("a = 1\n") != without_comments("a = 2\n")


def test_a_chapter_without_a_recipe_has_nothing_to_record():
    with pytest.raises(ValueError, match="no cell tagged `recipe`"):
        cells_with("01_tensors", "recipe")
