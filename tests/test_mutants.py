"""The checks are good: they catch nearly every solution with one change in it, and each exception has its reason.

All mutants take half an hour, so `make mutants` tries them and writes tests/mutants.json; here the record is read, and
the mutants of the template are really tried.
"""

import ast
import functools
import time
import tomllib

import nbformat
import pytest

from book_files import TEMPLATE, exercises, notebook_paths, read
from mutant_runs import CAN_RUN, WHY_NOT, run_mutants
from mutants.changes import mutants
from mutants.record import (
    SHARE,
    Name,
    caught_and_all,
    code_digest,
    quoted,
    read_record,
    reasons,
    survivors,
)

RECORD = read_record()["notebooks"]
EXERCISES = {
    path.stem: {str(exercise.number): exercise for exercise in exercises(read(path))}
    for path in [*notebook_paths(), TEMPLATE]
    if exercises(read(path))
}
FEWEST_MUTANTS = 4
made_of = functools.cache(mutants)  # two tests look at all of them
on_linux = pytest.mark.skipif(not CAN_RUN, reason=WHY_NOT)


def changes(source):
    """Return what the mutants of a source make of its changed line."""
    return [mutant.becomes for mutant in mutants(source)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a = (b + c) * d", {"a = (b - c) * d", "a = (b + c) / d"}),
        ("a = b @ c", {"a = b * c"}),
        ("a = b <= c", {"a = b < c", "a = b >= c"}),
        ("a = b < c < d", {"a = b <= c < d", "a = b > c < d", "a = b < c <= d", "a = b < c > d"}),
        ("a = b is not c", {"a = b is c"}),
        ("a = b and c and d", {"a = b or c and d", "a = b and c or d"}),
        ("a = not b", {"a = b"}),
        ("a = ~(b & c)", {"a = (b & c)", "a = ~(b | c)"}),
        ("a = 3", {"a = 4", "a = 2", "a = 0"}),
        ("a = 0", {"a = 1", "a = -1"}),
        ("a = 0.5", {"a = 1.0", "a = -0.5"}),
        ("a = True", {"a = False"}),
        ("a = -b", {"a = b"}),
        ("a += b", {"a -= b", "pass"}),
        ("a.grad = None", {"pass"}),
        ("model.eval()", {"pass"}),
        ("a = x.abs()", {"a = x"}),
        ("a = (x - y).abs()", {"a = (x - y)", "a = (x + y).abs()"}),
        ("a = torch.sqrt(x + y)", {"a = (x + y)", "a = torch.sqrt(x - y)"}),
        ("a = self.conv(x)", {"a = x"}),
        ("a = f(b, c)", {"a = f(c, b)", "a = b"}),
        ("a = Layer(b, bias=c)", {"a = Layer(b)"}),
        ("a = max(b, c)", {"a = b"}),
        ("a = x.sum(dim=1)", {"a = x.sum(dim=0)", "a = x.sum(dim=-1)", "a = x.sum()", "a = x", "a = x.sum(dim=2)"}),
        ("a = log('t', b)", {"a = log(b, 't')", "a = 't'", "a = log('tx', b)"}),
        ("with no_grad():\n    f(x)", {"if True:", "pass"}),
        ("with no_grad() as mode:\n    a = x", set()),
        ("@no_grad()\ndef f(x):\n    return x, y", {"", "return -x, y", "return x, -y"}),
        ("if a:\n    b = c", {"if False:"}),
        ("a = [b for b in c if d]", {"a = [b for b in c if True]"}),
        ("while a:\n    break", {"pass"}),
    ],
)
def test_each_change_is_made(source, expected):
    assert set(changes(source)) == expected


@pytest.mark.parametrize(
    "source",
    [
        '"""A text with 1 number."""',
        "print(a + 1)",
        "raise ValueError('a' + 1)",
        "a = f'{b + 1}'",
        "def f(a, b=2):\n    pass",
        "for a in range(len(b)):\n    pass",
    ],
)
def test_what_no_check_looks_at_is_not_changed(source):
    assert changes(source) == []


def test_a_mutant_is_a_program_with_one_change():
    for of_notebook in EXERCISES.values():
        for exercise in of_notebook.values():
            source = exercise.solution.source
            made = made_of(source)
            trees = {ast.dump(ast.parse(mutant.source)) for mutant in made}
            assert len(trees) == len(made), "two mutants are the same program"
            assert ast.dump(ast.parse(source)) not in trees
            assert len({(mutant.line, mutant.becomes, mutant.occurrence) for mutant in made}) == len(made)


def test_positions_are_right_after_letters_of_several_bytes():
    assert changes('a = "ü", b + 1  # é') == ['a = "ü", b - 1', 'a = "ü", b + 0', 'a = "ü", b + 2']


def test_equal_changes_of_equal_lines_are_numbered():
    made = mutants("f.eval()\ng = 1\nf.eval()")
    assert [mutant.occurrence for mutant in made if mutant.line == "f.eval()"] == [1, 2]


def test_names_are_written_as_toml_reads_them():
    for text in ("plain", 'a "b"', "'a'", "'a' \"b\"", "a\\b"):
        assert tomllib.loads(f"text = {quoted(text)}")["text"] == text


# The record


def test_the_record_covers_every_exercise():
    found = {name: set(results) for name, results in RECORD.items()}
    assert found == {name: set(of_notebook) for name, of_notebook in EXERCISES.items()}, "run `make mutants`"


@pytest.mark.parametrize("name", EXERCISES)
def test_the_record_is_up_to_date(name):
    for number, exercise in EXERCISES[name].items():
        result, made = RECORD[name][number], made_of(exercise.solution.source)
        now = code_digest(exercise.stub.source, exercise.check.source, exercise.solution.source)
        assert (result["digest"], result["mutants"]) == (now, len(made)), (
            f"{name}, exercise {number} has changed since its mutants ran: `make mutants ONLY={name}`"
        )
        assert len(made) >= FEWEST_MUTANTS
        assert sum(result["caught"].values()) + len(result["survivors"]) == len(made)
        names = {(mutant.line, mutant.becomes, mutant.occurrence) for mutant in made}
        assert {tuple(survivor.values()) for survivor in result["survivors"]} <= names


def test_nearly_every_mutant_is_caught():
    caught, count = caught_and_all(result for results in RECORD.values() for result in results.values())
    assert caught >= SHARE * count, f"{caught} of {count}"


def test_every_survivor_is_listed_with_a_reason():
    listed, found = reasons(), survivors({"notebooks": RECORD})
    missing = [name for name in found if name not in listed]
    assert not missing, "close the gap in the check, or say in equivalent_mutants.toml why this is no mistake:\n" + (
        "\n".join(map(str, missing))
    )
    idle = [name for name in listed if name not in set(found)]
    assert not idle, "equivalent_mutants.toml lists what is caught:\n" + "\n".join(map(str, idle))
    assert not [name for name, why in listed.items() if len(why.split()) < 3]


def test_a_reason_is_given_once(tmp_path):
    entry = Name("01_tensors", 1, "a", "b").entry()
    (tmp_path / "twice.toml").write_text(f"{entry}\n{entry}\n", "utf8")
    with pytest.raises(ValueError, match="lists this mutant twice"):
        reasons(tmp_path / "twice.toml")


# Real mutants


@on_linux
def test_a_weak_check_lets_mutants_through_and_the_template_does_not(tmp_path):
    """The template's mutants are tried; the check of its second exercise no longer compares the sum."""
    notebook = read(TEMPLATE)
    check = exercises(notebook)[1].check
    lines = check.source.splitlines()
    check.source = "\n".join(line for line in lines if not line.startswith("assert torch.equal"))
    assert check.source.splitlines() != lines
    copy = tmp_path / TEMPLATE.name
    nbformat.write(notebook, copy)
    (tmp_path / "run").mkdir()
    trials = run_mutants(copy, tmp_path / "run")
    by = [trial.by for trial in trials[1]]
    assert {catcher: by.count(catcher) for catcher in set(by)} == {
        catcher: count for catcher, count in RECORD[TEMPLATE.stem]["1"]["caught"].items() if count
    }
    through = {trial.mutant.becomes for trial in trials[2] if not trial.by}
    assert through == {"return a - b", "return -(a + b)"}
    assert not RECORD[TEMPLATE.stem]["2"]["survivors"], "the whole check catches both"


@on_linux
def test_what_runs_apart_ends_in_time_and_leaves_no_trace():
    from try_mutants import apart

    names = []
    assert apart(lambda: names.append(1) or len(names), seconds=20) == 1
    assert names == [], "the copy has names of its own"
    started = time.monotonic()
    assert apart(lambda: time.sleep(60), seconds=0.5) is None
    assert time.monotonic() - started < 10
    with pytest.raises(RuntimeError, match="died"):
        apart(lambda: 1 / 0, seconds=20)
