"""Learner notebooks: no solution in the file, everything else as in the chapter, and every check still answers."""

import copy
import json
import shutil

import nbformat
import pytest
from nbclient import NotebookClient

from book_files import ROOT, code_cells, exercises, goals, has_tag, notebook_paths, read
from learner_notebooks import CLAIM_TITLE, NOTE, learner_notebook, write_learner_notebooks
from learner_notebooks import main as make_learner_notebooks

NAMES = [path.stem for path in notebook_paths()]
REALLY_RUN = "01_tensors"  # needs the data, and has a cell that is no exercise among its exercises


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the learner notebooks."""
    folder = tmp_path_factory.mktemp("learner")
    write_learner_notebooks(ROOT, folder)
    return folder


def own_lines(chapter):
    """Return the lines that stand in a chapter's solutions and in no other cell."""
    others = "\n".join(cell.source for cell in chapter.cells if not has_tag(cell, "solution"))
    lines = {line.strip() for cell in code_cells(chapter, "solution") for line in cell.source.splitlines()}
    return {line for line in lines if len(line) > 3 and line not in others}


def leaks(chapter, text):
    """Return the lines of a chapter's solutions that the text of a notebook's file holds."""
    return [line for line in own_lines(chapter) if json.dumps(line, ensure_ascii=False)[1:-1] in text]


@pytest.mark.parametrize("name", NAMES)
def test_no_solution_survives_anywhere_in_the_file(folder, name):
    chapter, text = read(ROOT / "notebooks" / f"{name}.ipynb"), (folder / f"{name}.ipynb").read_text("utf8")
    assert not leaks(chapter, text)
    assert "@title Solution" not in text
    for cell in code_cells(chapter, "solution"):
        assert cell.id not in text, "not even its place"


def test_a_solution_in_the_metadata_would_be_found(folder):
    chapter = read(ROOT / "notebooks" / f"{NAMES[0]}.ipynb")
    assert own_lines(chapter), "nothing to look for"
    learner = read(folder / f"{NAMES[0]}.ipynb")
    learner.cells[3].metadata["answer"] = code_cells(chapter, "solution")[0].source
    assert leaks(chapter, nbformat.writes(learner))


@pytest.mark.parametrize("name", NAMES)
def test_everything_else_is_as_in_the_chapter(folder, name):
    chapter, learner = read(ROOT / "notebooks" / f"{name}.ipynb"), read(folder / f"{name}.ipynb")
    expected = [cell for cell in code_cells(chapter) if not has_tag(cell, "solution")]
    found = code_cells(learner)
    assert [cell.id for cell in found] == [cell.id for cell in expected]
    for cell, original in zip(found, expected, strict=True):
        assert cell.source.removeprefix(f"{CLAIM_TITLE}\n") == original.source
        assert cell.metadata.get("tags") == original.metadata.get("tags")
        assert not cell.outputs
    assert goals(learner) == goals(chapter)
    assert learner.cells[1].source == NOTE
    assert {cell.id for cell in chapter.cells} - {cell.id for cell in learner.cells} == {
        cell.id for cell in code_cells(chapter, "solution")
    }


@pytest.mark.parametrize("name", NAMES)
def test_claims_are_folded(folder, name):
    for cell in code_cells(read(folder / f"{name}.ipynb"), "claim"):
        assert cell.metadata.jupyter.source_hidden is True
        assert cell.metadata.cellView == "form"
        assert cell.source.startswith("# @title "), "Colab folds a cell that has a title"


@pytest.mark.parametrize("name", NAMES)
def test_unsolved_exercises_stand_at_the_end_and_do_not_stop_run_all(folder, name):
    learner = read(folder / f"{name}.ipynb")
    code = code_cells(learner)
    first = next((index for index, cell in enumerate(code) if has_tag(cell, "exercise")), len(code))
    for cell in code[first:]:
        part = {"exercise", "check", "claim"} & set(cell.metadata.get("tags", []))
        assert part or name == REALLY_RUN, f"{cell.id} comes after an unsolved exercise: can it run?"
    assert all(has_tag(cell, "raises-exception") for cell in code_cells(learner, "check"))


@pytest.mark.parametrize("name", NAMES)
def test_no_link_leads_out_of_the_folder(folder, name):
    text = (folder / f"{name}.ipynb").read_text("utf8")
    assert "](../" not in text
    assert "<!-- figure" not in text


def test_links_to_pages_lead_into_the_site_where_there_is_one():
    chapter = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("[Draw](../book/draw_a_digit.md#a-b)")])
    assert learner_notebook(chapter, site="../site").cells[0].source == "[Draw](../site/book/draw_a_digit.html#a-b)"
    assert learner_notebook(chapter).cells[0].source == "*Draw* (a page of the book)"


def test_the_chapter_itself_is_not_changed():
    chapter = read(ROOT / "notebooks" / f"{NAMES[0]}.ipynb")
    before = copy.deepcopy(chapter)
    learner_notebook(chapter)
    assert chapter == before


def test_every_check_answers_although_nothing_was_solved_before(chapter):
    """In a learner notebook no solution of an earlier exercise has run."""
    for number in chapter.exercises:
        ending = chapter.ending("unsolved", number)
        assert ending.error == "AssertionError", f"exercise {number}: the check ends with {ending}"
        assert "..." in ending.message


def test_an_exercise_can_be_solved_alone(chapter):
    """Who skips exercise 2 can still solve exercise 3."""
    for number in chapter.exercises:
        ending = chapter.ending("alone", number)
        assert ending.error == "", f"exercise {number}: {ending}"


def test_run_all_of_a_learner_notebook(folder, tmp_path):
    """In a real kernel, in a folder with the data: the cells of the other chapters are those that the fixture runs."""
    shutil.copytree(folder / "data", tmp_path / "data")
    notebook = read(folder / f"{REALLY_RUN}.ipynb")
    NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": tmp_path}}).execute()
    assert all(cell.execution_count for cell in code_cells(notebook) if cell.source.strip())
    checks = code_cells(notebook, "check")
    assert len(checks) == len(exercises(read(ROOT / "notebooks" / f"{REALLY_RUN}.ipynb")))
    for cell in checks:
        (error,) = (output for output in cell.outputs if output.output_type == "error")
        assert (error.ename, "..." in error.evalue) == ("AssertionError", True)


def test_the_data_lies_beside_them_packed(folder):
    files = {path.name for path in (folder / "data" / "MNIST" / "raw").iterdir()}
    assert {name for name in files if name.endswith(".gz")} == {
        f"{part}-{kind}-ubyte.gz" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")
    }
    assert not [name for name in files if name.endswith("-ubyte")]


def test_a_folder_with_notebooks_is_left_alone(tmp_path, monkeypatch, capsys):
    mine = tmp_path / "01_tensors.ipynb"
    mine.write_text("my answers", "utf8")
    monkeypatch.setattr("sys.argv", ["learner_notebooks.py", str(tmp_path)])
    assert make_learner_notebooks() == 1
    assert "Name another folder" in capsys.readouterr().err
    assert mine.read_text("utf8") == "my answers"


def test_every_notebook_of_the_contents_is_there(folder):
    assert {path.stem for path in folder.glob("*.ipynb")} == set(NAMES)
