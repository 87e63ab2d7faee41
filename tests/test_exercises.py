"""Promise 3: a check passes on the solution, fails on the stub, and tells each wrong answer what it got wrong."""

FEWEST_WRONG_ANSWERS = 2


def test_untouched_stub_fails_with_a_message_of_its_own(chapter):
    for number in chapter.exercises:
        ending = chapter.ending("stub", number)
        assert ending.error == "AssertionError", f"exercise {number}: the stub ends with {ending}"
        assert "..." in ending.message, f"exercise {number}: the message should say which ... to replace, not {ending}"


def test_solution_passes(chapter):
    for number in chapter.exercises:
        ending = chapter.ending("solution", number)
        assert ending.error == "", f"exercise {number}: the solution is rejected: {ending}"
        assert ending.printed.strip().startswith("✓ Exercise"), (
            f"exercise {number}: the check prints {ending.printed!r}"
        )
        assert len(ending.printed.strip().splitlines()) == 1


def test_wrong_answers_are_told_what_is_wrong(chapter):
    failures = []
    for index, wrong in enumerate(chapter.wrong_answers):
        ending = chapter.ending("wrong", index)
        name = f"exercise {wrong['exercise']}, {wrong['misconception']!r}"
        if ending.error != "AssertionError":
            failures.append(f"{name}: not rejected by an assertion, but {ending}")
        elif wrong["says"] not in ending.message:
            failures.append(f"{name}: expected {wrong['says']!r} in the message {ending.message!r}")
    assert not failures, "\n".join(failures)


def test_other_right_answers_pass(chapter):
    """A check asks for what the task asks, not for the way of the solution."""
    failures = []
    for index, right in enumerate(chapter.right_answers):
        ending = chapter.ending("right", index)
        if ending.error:
            failures.append(f"exercise {right['exercise']}, {right['idea']!r}: {ending}")
    assert not failures, "\n".join(failures)


def test_solutions_still_pass_after_the_wrong_answers(chapter):
    """A wrong answer that changes the chapter's tensors in place would spoil what follows."""
    for number in chapter.exercises:
        ending = chapter.ending("solution again", number)
        assert ending.error == "", f"exercise {number}: {ending}"


def test_every_exercise_has_wrong_answers(chapter):
    for number in chapter.exercises:
        collected = [wrong for wrong in chapter.wrong_answers if wrong["exercise"] == number]
        assert len(collected) >= FEWEST_WRONG_ANSWERS, f"exercise {number} has {len(collected)} wrong answers"
    assert {wrong["exercise"] for wrong in chapter.wrong_answers} <= set(chapter.exercises)
