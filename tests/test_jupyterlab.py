"""A learner at work in the real JupyterLab: Run All, fold, answer an exercise wrongly, then rightly."""

import shutil
import time
import tomllib
from contextlib import suppress

import nbformat
import pytest

from book_files import (
    NOTEBOOKS,
    code_cells,
    copy_packed_data,
    exercises,
    has_tag,
    markdown_cells,
    read,
    wrong_answers_path,
)
from browser_pages import remote, wait_until
from chromium import SCREENS
from lab_server import jupyterlab
from learner_notebooks import learner_notebook

CHAPTER = "01_tensors"  # light, needs the data, and has six exercises
WITHOUT_SOLUTIONS = "02_autograd"
WITH_FORMULAS = "03_linear_regression_numpy"
WITH_LINKS = "a2_reading_old_pytorch"
SECONDS_TO_RUN = 300  # twelve on a quiet machine
READY = "document.querySelectorAll('.jp-NotebookPanel .jp-Cell').length"
# In front of a cell that runs or has run stands [*] or a number.
STARTED = r"[...document.querySelectorAll('.jp-InputPrompt')].some((prompt) => /[*\d]/.test(prompt.textContent))"
STATUS = "document.querySelector('.jp-Notebook-ExecutionIndicator')?.dataset.status"
# Where a formula is to be read there is a formula, not its source; code keeps its dollars.
FORMULAS = """[...document.querySelectorAll('.jp-MarkdownOutput')].map((text) => {
  const copy = text.cloneNode(true);
  copy.querySelectorAll('code, pre, mjx-container').forEach((e) => e.remove());
  return { shown: text.querySelectorAll('mjx-container').length, dollars: copy.textContent.includes('$'),
           wrong: text.querySelectorAll('mjx-merror, [data-mml-node=merror]').length };
})"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab in a folder as a reader would have it: some notebooks, and the data beside them."""
    folder = tmp_path_factory.mktemp("reader")
    for name in (CHAPTER, WITH_FORMULAS, WITH_LINKS):
        shutil.copy(NOTEBOOKS / f"{name}.ipynb", folder)
    nbformat.write(learner_notebook(read(NOTEBOOKS / f"{WITHOUT_SOLUTIONS}.ipynb")), folder / "learner.ipynb")
    copy_packed_data(folder)
    with jupyterlab(folder, tmp_path_factory.mktemp("lab")) as lab:
        yield lab


def is_save(response):
    """Say whether the server has answered that it saved a notebook."""
    return response.request.method == "PUT" and "/api/contents/" in response.url


class Learner:
    """Somebody who has a notebook open and uses mouse and keyboard."""

    def __init__(self, page, lab, notebook):
        self.page, self.file = page, lab.folder / notebook
        self.ids = [cell.id for cell in read(self.file).cells]
        page.goto(lab.page(notebook))
        wait_until(page, f"{READY} === {len(self.ids)}", seconds=120)
        wait_until(page, f"{STATUS} === 'idle'", seconds=120)

    def cell(self, cell_id):
        """Return the cell as it stands on the screen."""
        cell = self.page.locator(".jp-NotebookPanel .jp-Cell").nth(self.ids.index(cell_id))
        cell.scroll_into_view_if_needed()
        return cell

    def run_all(self):
        """Choose Run, Run All Cells; return the notebook as it was saved when everything had run.

        Once in some dozens of runs JupyterLab does nothing when this is chosen right after it has started. A learner
        would choose it again.
        """
        for _ in range(3):
            self.page.get_by_role("menuitem", name="Run", exact=True).click()
            self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
            with suppress(AssertionError):
                wait_until(self.page, STARTED, seconds=30)
                break
        end = time.monotonic() + SECONDS_TO_RUN
        while time.monotonic() < end:
            self.page.wait_for_timeout(500)
            if self.page.evaluate(STATUS) != "idle":
                continue
            with self.page.expect_response(is_save):  # it answers when the file is written
                self.page.keyboard.press("Control+s")
            saved = read(self.file)
            if all(cell.execution_count for cell in code_cells(saved) if cell.source.strip()):
                return saved
        raise AssertionError("Run All did not reach the end")

    def answer(self, cell_id, source):
        """Replace what stands in a cell, and run it."""
        self.cell(cell_id).locator(".cm-content").click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(source)
        self.page.keyboard.press("Control+Enter")

    def run(self, cell_id):
        """Run a cell."""
        self.cell(cell_id).locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")

    def reads(self, cell_id, words):
        """Wait until a cell's output holds some words."""
        output = self.cell(cell_id).locator(".jp-OutputArea-output", has_text=words)
        output.wait_for(timeout=60_000)
        assert output.is_visible()


@pytest.fixture(scope="module")
def opened(browser, lab):
    """A function that opens a notebook; nothing of the page may come from another host."""
    contexts, traffic = [], []

    def open_notebook(name):
        contexts.append(browser.new_context(viewport=SCREENS["wide"]))
        contexts[-1].set_default_timeout(120_000)  # milliseconds; a busy machine is no fault of the book
        page = contexts[-1].new_page()
        page.on("request", lambda request: traffic.append(request.url))
        return Learner(page, lab, name)

    yield open_notebook
    for context in contexts:
        context.close()
    assert traffic
    assert not remote(traffic)


@pytest.fixture(scope="module")
def chapter():
    return read(NOTEBOOKS / f"{CHAPTER}.ipynb")


@pytest.fixture(scope="module")
def learner(opened):
    """A learner with a chapter, before anything has run."""
    return opened(f"{CHAPTER}.ipynb")


@pytest.fixture(scope="module")
def saved(learner):
    """The chapter after Run All."""
    return learner.run_all()


def raised(notebook):
    """Return the ids of the cells whose output is an error."""
    return {cell.id for cell in code_cells(notebook) if any(out.output_type == "error" for out in cell.outputs)}


def test_run_all_goes_to_the_end_past_the_checks(saved, chapter):
    assert raised(saved) == {cell.id for cell in code_cells(chapter) if has_tag(cell, "raises-exception")}
    assert {f"check-{number + 1}" for number in range(len(exercises(chapter)))} <= raised(saved)
    said = [output for cell in code_cells(saved) for output in cell.outputs if output.get("name") == "stderr"]
    assert not said


def test_a_solution_is_folded_until_the_learner_opens_it(learner, saved):
    cell = learner.cell("solution-1")
    assert "Solution 1" in cell.inner_text(), "its first line says what is folded"
    assert "torch.float32" not in cell.inner_text()
    cell.locator(".jp-InputPlaceholder").click()
    cell.locator(".cm-content").wait_for(state="visible")
    assert "torch.float32" in cell.locator(".cm-content").inner_text()


def test_a_hint_is_folded_until_the_learner_opens_it(learner):
    task = learner.cell(learner.ids[learner.ids.index("exercise-1") - 1])
    hint = task.locator("details p").first
    assert not hint.is_visible()
    task.locator("summary").first.click()
    hint.wait_for(state="visible")


def test_a_wrong_answer_is_answered_and_a_right_one_praised(learner, saved, chapter):
    wrong = tomllib.loads(wrong_answers_path(NOTEBOOKS / f"{CHAPTER}.ipynb").read_text("utf8"))["wrong"][0]
    number = wrong["exercise"]
    learner.answer(f"exercise-{number}", wrong["code"].strip())
    learner.run(f"check-{number}")
    learner.reads(f"check-{number}", wrong["says"])
    learner.answer(f"exercise-{number}", exercises(chapter)[number - 1].solution.source)
    learner.run(f"check-{number}")
    learner.reads(f"check-{number}", f"✓ Exercise {number}")
    assert "AssertionError" not in learner.cell(f"check-{number}").inner_text()


def test_a_learner_notebook_runs_to_the_end(opened):
    learner = opened("learner.ipynb")
    saved = learner.run_all()
    assert raised(saved) == {cell.id for cell in code_cells(saved) if has_tag(cell, "raises-exception")}
    assert not [cell for cell in saved.cells if has_tag(cell, "solution")]
    for cell in code_cells(saved, "check"):
        assert "..." in cell.outputs[-1].evalue, "the check says what is still to be replaced"


def test_formulas_are_shown_as_formulas(opened):
    learner = opened(f"{WITH_FORMULAS}.ipynb")
    dollars = sum("$" in cell.source for cell in markdown_cells(read(learner.file)))
    wait_until(learner.page, f"{FORMULAS}.filter((text) => text.shown).length >= {dollars}", seconds=60)
    texts = learner.page.evaluate(FORMULAS)
    assert sum(text["shown"] for text in texts) > 50
    assert not [text for text in texts if text["wrong"] or text["dollars"]]


def test_a_link_inside_a_notebook_leads_to_its_section(opened):
    page = opened(f"{WITH_LINKS}.ipynb").page
    page.locator(".jp-MarkdownOutput a[href='#old-onnx']").first.click()
    heading = page.locator(".jp-MarkdownOutput h3", has_text="The legacy ONNX exporter")
    end = time.monotonic() + 20
    while not 0 < (top := heading.bounding_box()["y"]) < SCREENS["wide"]["height"]:
        assert time.monotonic() < end, f"the heading stands at {top}"
        page.wait_for_timeout(200)
