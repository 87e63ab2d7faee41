"""The contract of a chapter: headings, goals, exercises, tags, ids, alternative texts, links, order."""

import io
import itertools
import re
import tokenize
from urllib.parse import unquote

import nbformat
import pytest

from book_files import (
    NOTEBOOKS,
    RIGHT_ANSWERS,
    ROOT,
    TEMPLATE,
    TIME,
    chapter_paths,
    code_cells,
    exercises,
    goals,
    has_tag,
    headings,
    markdown_cells,
    notebook_paths,
    prose,
    read,
    tags,
    whole_prose,
    wrong_answers_path,
)

CLOSING_SECTIONS = ["Exercises", "In one breath", "What's next", "Further reading"]
KNOWN_TAGS = {
    *("setup", "data", "exercise", "check", "solution", "claim"),
    *("raises-exception", "varies", "cover", "recipe", "record", "script"),
    *("hide-input", "remove-cell", "remove-output"),
}
LONGEST_CELL, LONGEST_CHECK, LONGEST_SCRIPT = 14, 25, 60
WIDEST_LINE = 110
OLD_FORMS = "a2_reading_old_pytorch"
MYST_DIRECTIVE = re.compile(r"^(:{3,}|`{3,})\{|^\s*\(\w[\w-]*\)=$|\{(ref|doc|numref|cite|term|eq)\}`", re.MULTILINE)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
DRAWS = re.compile(r"plt\.show\(|\.lmplot\(|\.show_graph\(|^show_graph\(", re.MULTILINE)
BANNED = {
    r"\.data\b(?!\[)(?=\s*[-+*]?=[^=])": "assigning through .data; use torch.no_grad()",
    r"from \S+ import \*": "import *",
    r"warnings\.(filterwarnings|simplefilter)\(['\"]ignore": "a silenced warning",
    r"\bexcept\s*(Exception)?\s*:": "an except that hides a failure",
    r"\bVariable\(": "the old Variable wrapper",
    r"torch\.set_default_tensor_type": "a deprecated call",
}


@pytest.fixture(params=[*notebook_paths(), TEMPLATE], ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def notebook(path):
    return read(path)


# An appendix has no goals, predictions and exercises that it must have.
chapters_only = pytest.mark.parametrize("path", [*chapter_paths(), TEMPLATE], indirect=True, ids=lambda path: path.stem)


def lines_of_code(source):
    """Count lines that hold code: no blank lines, no comments."""
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENDMARKER,
                              tokenize.INDENT, tokenize.DEDENT):  # fmt: skip
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines)


def test_every_notebook_is_in_the_table_of_contents():
    assert sorted(NOTEBOOKS.glob("*.ipynb")) == sorted(notebook_paths())


def test_chapters_are_in_the_order_of_their_numbers():
    names = [path.name for path in notebook_paths()]
    assert names == sorted(names)
    assert all(re.match(r"(\d\d|a\d)_[a-z0-9_]+\.ipynb$", name) for name in names)


def test_notebook_is_valid_and_stripped(notebook):
    nbformat.validate(notebook)
    for cell in code_cells(notebook):
        assert not cell.outputs, f"cell {cell.id} holds outputs: run `make normalise`"
        assert cell.execution_count is None, f"cell {cell.id} holds an execution count: run `make normalise`"
    assert set(notebook.metadata) == {"kernelspec", "language_info"}


def test_cell_ids_say_what_is_inside(notebook):
    ids = [cell.id for cell in notebook.cells]
    assert len(ids) == len(set(ids))
    for cell_id in ids:
        assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", cell_id), f"cell id {cell_id!r} is not in kebab-case"
        assert not re.fullmatch(r"(?=.*\d)[0-9a-f]{8}", cell_id), f"cell id {cell_id!r} says nothing"


def test_title(notebook):
    first = notebook.cells[0]
    assert first.id == "title"
    assert len(headings(notebook, 1)) == 1
    assert first.source.startswith("# ")
    motivation = first.source.split("\n\n")[1]
    assert len(motivation) > 80, "the paragraph below the title should say why the chapter matters"


@chapters_only
def test_opening(notebook):
    first = notebook.cells[0]
    assert TIME.search(first.source), "the line '**Time:** 35 minutes reading, 25 minutes exercises.' is missing"
    assert "**Before you start:**" in first.source


@chapters_only
def test_goals(notebook):
    promised = goals(notebook)
    assert 3 <= len(promised) <= 5
    for goal in promised:
        assert re.match(r"[a-z]+ ", goal), f"a goal starts with a verb in lower case: {goal!r}"


@chapters_only
def test_sections_follow_the_goals(notebook):
    sections = headings(notebook, 2)
    assert sections[-4:] == CLOSING_SECTIONS
    assert len(sections) - 4 == len(goals(notebook)), "one ## section a goal"


def sections_of(notebook):
    """Return the cells of each ## section before the exercises."""
    sections = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            sections.append([])
        if sections:
            sections[-1].append(cell)
    return sections[: -len(CLOSING_SECTIONS)]


@chapters_only
def test_every_section_asks_for_a_prediction_before_it_runs_something(notebook):
    for section in sections_of(notebook):
        title = section[0].source.splitlines()[0]
        asks = [i for i, c in enumerate(section) if c.cell_type == "markdown" and "**Predict.**" in c.source]
        assert asks, f"{title}: no **Predict.** question"
        for index in asks:
            assert section[index + 1].cell_type == "code", f"{title}: a prediction is followed by the cell that answers"


@chapters_only
def test_mistakes_are_run_predicted_and_repaired(notebook):
    mistakes = [i for i, c in enumerate(notebook.cells) if has_tag(c, "raises-exception") and not has_tag(c, "check")]
    assert mistakes, "no deliberate mistake (tag raises-exception)"
    for index in mistakes:
        cell, before = notebook.cells[index], notebook.cells[index - 1]
        assert "**Predict.**" in before.source, f"{cell.id}: the error is not predicted in the cell before it"
        after = [c for c in notebook.cells[index + 1 : index + 5] if c.cell_type == "markdown"]
        assert after, f"{cell.id}: nobody explains the error"


def test_setup_cell_is_the_same_in_every_notebook(notebook):
    expected = code_cells(read(TEMPLATE), "setup")[0]
    found = code_cells(notebook, "setup")
    assert len(found) == 1
    assert found[0].source == expected.source
    assert code_cells(notebook)[0] is found[0], "the setup cell is the first code cell"


def test_data_cell_is_the_same_in_every_notebook():
    sources = {cell.source for path in notebook_paths() for cell in code_cells(read(path), "data")}
    assert len(sources) == 1


def test_mnist_is_loaded_through_the_data_cell(notebook):
    uses = [cell.id for cell in code_cells(notebook) if "datasets.MNIST(" in cell.source]
    assert set(uses) <= {"data"}


def test_tags(notebook):
    for cell in notebook.cells:
        assert set(tags(cell)) <= KNOWN_TAGS, f"{cell.id}: unknown tag in {tags(cell)}"
        if has_tag(cell, "claim"):
            assert has_tag(cell, "remove-cell"), f"{cell.id}: a claim stays off the page (tag remove-cell)"
            assert "assert" in cell.source
        if has_tag(cell, "check"):
            assert has_tag(cell, "raises-exception"), f"{cell.id}: Run All goes on after an unsolved exercise"
            assert has_tag(cell, "remove-output"), f"{cell.id}: the book does not show what the check says to the stub"
        if has_tag(cell, "solution"):
            assert has_tag(cell, "hide-input"), f"{cell.id}: the book folds a solution (tag hide-input)"
            assert cell.metadata.jupyter.source_hidden is True, f"{cell.id}: Jupyter folds a solution"
            assert cell.metadata.cellView == "form", f"{cell.id}: Colab folds a solution"
            assert re.match(r"# @title Solution \d+\n", cell.source), f"{cell.id}: Colab shows the title of a form"


@chapters_only
def test_exercises_practise_every_goal(notebook):
    practised = {goal for exercise in exercises(notebook) for goal in exercise.goals}
    assert practised == set(range(1, len(goals(notebook)) + 1))


def test_exercises_have_a_hint_a_stub_and_a_check_that_answers(notebook):
    found = exercises(notebook)
    assert [exercise.number for exercise in found] == list(range(1, len(found) + 1))
    for exercise in found:
        source = exercise.task.source
        assert re.search(r"<details><summary>Hint.*?</summary>\n\n.+\n\n</details>", source, re.DOTALL), exercise.title
        assert "..." in exercise.stub.source, f"exercise {exercise.number}: the stub has no ..."
        printed = re.findall(r"^print\(.*✓ Exercise (\d+)", exercise.check.source, flags=re.MULTILINE)
        assert printed == [str(exercise.number)], f"exercise {exercise.number}: the check ends with one line ✓ Exercise"


@chapters_only
def test_exercise_count_and_minutes(path, notebook):
    found = exercises(notebook)
    assert len(found) >= (2 if path == TEMPLATE else 3)
    minutes = int(TIME.search(notebook.cells[0].source)[2])
    assert sum(exercise.minutes for exercise in found) == minutes, "the exercises' minutes do not add up to the title's"


def test_cells_are_short(notebook):
    for cell in code_cells(notebook):
        if has_tag(cell, "data") or has_tag(cell, "setup"):
            continue
        limit = LONGEST_CHECK if has_tag(cell, "check") or has_tag(cell, "claim") else LONGEST_CELL
        if has_tag(cell, "script"):  # %%writefile: a file cannot be spread over cells
            assert cell.source.startswith("%%writefile "), f"{cell.id}: the tag script is for %%writefile"
            limit = LONGEST_SCRIPT
        plain = re.sub(r"^(\s*)[%!].*$", r"\1pass", cell.source, flags=re.MULTILINE)
        if not (has_tag(cell, "check") or has_tag(cell, "claim")):
            widest = max(map(len, cell.source.splitlines()))
            assert widest <= WIDEST_LINE, f"{cell.id} has a line of {widest} columns, at most {WIDEST_LINE}"
        assert lines_of_code(plain) <= limit, f"{cell.id} has {lines_of_code(plain)} lines of code, at most {limit}"


def test_every_figure_says_what_is_seen(notebook):
    for cell in code_cells(notebook):
        if not DRAWS.search(cell.source) or has_tag(cell, "solution"):
            continue
        alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
        assert len(alt.split()) >= 8, f"{cell.id} draws a figure: its alternative text should say what is seen"
        assert not re.match(r"(a |the )?(plot|figure|image|picture|graph) (of|showing)\b", alt, re.IGNORECASE), (
            f"{cell.id}: say what is seen, not that there is a plot: {alt!r}"
        )


def test_plain_commonmark(notebook):
    for cell in markdown_cells(notebook):
        found = MYST_DIRECTIVE.search(cell.source)
        assert not found, f"{cell.id}: {found[0]!r} is understood by the book only, not by Colab or GitHub"


def test_every_column_of_a_table_has_a_heading(notebook):
    for cell in markdown_cells(notebook):
        lines = prose(cell.source).splitlines()
        for header, below in itertools.pairwise(lines):
            if re.fullmatch(r"\|[\s:|-]*-[\s:|-]*\|", below):
                names = [name.strip() for name in header.strip()[1:-1].split("|")]
                assert all(names), f"{cell.id}: a screen reader has no name for a column of {header!r}"


def test_links_between_files_resolve(path, notebook):
    folder = NOTEBOOKS if path == TEMPLATE else path.parent
    for target in LINK.findall(whole_prose(notebook)):
        if re.match(r"https?://|mailto:|#", target):
            continue
        file = unquote(target).partition("#")[0]
        assert (folder / file).exists(), f"the link to {target} leads nowhere"
        assert (folder / file).resolve().is_relative_to(ROOT)


def test_nothing_banned(path, notebook):
    for cell in code_cells(notebook):
        if has_tag(cell, "raises-exception") or has_tag(cell, "data"):
            continue
        if path.stem == OLD_FORMS and (cell.id.endswith("-old") or has_tag(cell, "claim")):
            continue  # shows, on purpose, how it was done once
        for pattern, name in BANNED.items():
            assert not re.search(pattern, cell.source), f"{cell.id}: {name}"


def test_no_two_chapters_share_a_title():
    titles = [read(path).cells[0].source.splitlines()[0] for path in notebook_paths()]
    assert len(titles) == len(set(titles))


def test_every_file_of_right_answers_belongs_to_a_notebook():
    assert {file.stem for file in RIGHT_ANSWERS.iterdir()} <= {path.stem for path in notebook_paths()}


def test_every_notebook_with_exercises_has_wrong_answers(path, notebook):
    assert wrong_answers_path(path).exists() == bool(exercises(notebook))
