"""Promise 3: a check passes on the solution, fails on the stub, and tells each wrong answer what it got wrong."""

import tomllib
from pathlib import Path

import pytest

from book_files import (
    TEMPLATE,
    chapter_paths,
    code_cells,
    copy_packed_data,
    exercises,
    has_tag,
    read,
    tags,
    wrong_answers_path,
)
from run_cells import CellFailed, CellRunner

PARTS_OF_EXERCISES = {"exercise", "solution", "check"}
FEWEST_WRONG_ANSWERS = 2


def wrong_answers(path: Path) -> list[dict]:
    """Return the collected wrong answers to a chapter's exercises."""
    return tomllib.loads(wrong_answers_path(path).read_text("utf8"))["wrong"]


class Chapter:
    """A chapter whose cells have been run, but for its exercises."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.notebook = read(path)
        self.runner = CellRunner(folder)
        self.exercises = {exercise.number: exercise for exercise in exercises(self.notebook)}
        self.wrong_answers = wrong_answers(path)
        for cell in code_cells(self.notebook):
            if PARTS_OF_EXERCISES & set(tags(cell)):
                continue
            error, _ = self.runner.run(cell.source)
            if (error is not None) != has_tag(cell, "raises-exception"):
                raise CellFailed(f"{path.stem}, cell {cell.id}: {error!r}")

    def answer(self, number: int, answer: str) -> tuple[BaseException | None, str]:
        """Run an answer and its check after the solutions of the earlier exercises."""
        exercise = self.exercises[number]
        with self.runner.restored():
            for cell in [e.solution for n, e in sorted(self.exercises.items()) if n < number] + [exercise.stub]:
                error, _ = self.runner.run(cell.source)
                assert error is None, f"cell {cell.id} raises {error!r}"
            self.runner.run(exercise.check.source)  # Run All has run it on the stub before the learner answers
            error, _ = self.runner.run(answer)
            assert error is None, f"the answer itself raises {error!r}"
            return self.runner.run(exercise.check.source)


@pytest.fixture(scope="module", params=[*chapter_paths(), TEMPLATE], ids=lambda path: path.stem)
def chapter(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param.stem)
    copy_packed_data(folder)
    return Chapter(request.param, folder)


def test_untouched_stub_fails_with_a_message_of_its_own(chapter):
    for number, exercise in chapter.exercises.items():
        error, _ = chapter.answer(number, exercise.stub.source)
        assert isinstance(error, AssertionError), f"exercise {number}: the stub ends with {error!r}"
        assert "..." in str(error), f"exercise {number}: the message should say which ... to replace, not {error}"


def test_solution_passes(chapter):
    for number, exercise in chapter.exercises.items():
        error, printed = chapter.answer(number, exercise.solution.source)
        assert error is None, f"exercise {number}: the solution is rejected: {error!r}"
        assert printed.strip().startswith("✓ Exercise"), f"exercise {number}: the check prints {printed!r}"
        assert len(printed.strip().splitlines()) == 1


def test_wrong_answers_are_told_what_is_wrong(chapter):
    failures = []
    for wrong in chapter.wrong_answers:
        error, _ = chapter.answer(wrong["exercise"], wrong["code"])
        name = f"exercise {wrong['exercise']}, {wrong['misconception']!r}"
        if not isinstance(error, AssertionError):
            failures.append(f"{name}: not rejected by an assertion, but {error!r}")
        elif wrong["says"] not in str(error):
            failures.append(f"{name}: expected {wrong['says']!r} in the message {str(error)!r}")
    assert not failures, "\n".join(failures)


def test_solutions_still_pass_after_the_wrong_answers(chapter):
    """A wrong answer that changes the chapter's tensors in place would spoil what follows."""
    for number, exercise in chapter.exercises.items():
        error, _ = chapter.answer(number, exercise.solution.source)
        assert error is None, f"exercise {number}: {error!r}"


def test_every_exercise_has_wrong_answers(chapter):
    for number in chapter.exercises:
        collected = [wrong for wrong in chapter.wrong_answers if wrong["exercise"] == number]
        assert len(collected) >= FEWEST_WRONG_ANSWERS, f"exercise {number} has {len(collected)} wrong answers"
    assert {wrong["exercise"] for wrong in chapter.wrong_answers} <= set(chapter.exercises)
