"""The phrasebook's promise: every row is run on both sides and compared, and every mark says the truth."""

import re
import warnings
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from book_files import NOTEBOOKS, code_cells, has_tag, markdown_cells, read

NOTEBOOK = read(NOTEBOOKS / "a3_numpy_phrasebook.ipynb")
FEWEST_ROWS = 60
DRAWS = 200
EXPRESSIONS, STATEMENTS = "What you want", "What you want to change"
KIND = r"(?:value|shape|dtype|memory|type)"
RESULT = re.compile(rf"same|error|random|≠ {KIND}(?:, {KIND})*|≠ {KIND}, random")
CODE = re.compile(r"`([^`]+)`")
ANSWER = re.compile(r"(NumPy|PyTorch)'s answer: `([^`]+)`")
REFUSAL = re.compile(r"(NumPy|PyTorch): `(\w+)`(?: \(before PyTorch (\d+)\.(\d+) `(\w+)`\))?")


@dataclass(frozen=True)
class Row:
    """One row of a table: two phrases, what the page says about their results, and whether they are statements."""

    numpy: str
    torch: str
    result: str = "same"
    note: str = ""
    statement: bool = False

    @property
    def marks(self) -> set[str]:
        """The words of the mark; none for rows that agree."""
        return set(re.findall(r"\w+", self.result)) - {"same"}

    @property
    def silent(self) -> bool:
        """Whether the page says that the two differ without an error."""
        return self.result.startswith("≠")


@dataclass(frozen=True)
class Outcome:
    """What came of running a phrase: the result, the names afterwards, whether it shares memory, the error."""

    result: object = None
    names: dict | None = None
    shares: bool = False
    error: Exception | None = None


def cells_of(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def code_in(cell: str) -> str:
    found = CODE.fullmatch(cell)
    assert found, f"the table should hold one phrase in backticks, not {cell!r}"
    return found[1]


def tables() -> list[tuple[list[str], list[list[str]]]]:
    """Return the tables of the notebook: the names of the columns, and the rows."""
    found = []
    for cell in markdown_cells(NOTEBOOK):
        for block in re.findall(r"(?:^\|.*\|$\n?)+", cell.source, flags=re.MULTILINE):
            header, _, *rows = block.splitlines()
            found.append((cells_of(header), [cells_of(row) for row in rows]))
    return found


def phrases() -> list[Row]:
    """Return the rows of all tables that put two phrases side by side."""
    rows = []
    for columns, lines in tables():
        if columns[1:] != ["NumPy", "PyTorch", "Result", "Note"]:
            continue
        assert columns[0] in (EXPRESSIONS, STATEMENTS), f"unknown kind of table: {columns[0]!r}"
        for line in lines:
            assert len(line) == len(columns), f"a row with {len(line)} columns: {line}"
            _, ours, theirs, result, note = line
            rows.append(Row(code_in(ours), code_in(theirs), result, note, columns[0] == STATEMENTS))
    return rows


ROWS = phrases()


def source_of(cell_id: str) -> str:
    return next(cell.source for cell in code_cells(NOTEBOOK) if cell.id == cell_id)


@pytest.fixture(scope="module")
def libraries():
    """The names that the setup cell defines."""
    names = {}
    exec(source_of("setup"), names)
    return names


def fresh_names(libraries: dict) -> dict:
    """Return the names of the setup cell, and the shared values newly made."""
    names = dict(libraries)
    exec(source_of("shared-values"), names)
    return names


def pairs(names: dict) -> list[str]:
    """Return the names of the shared arrays; the tensors have a t in front."""
    return sorted(name for name, value in names.items() if isinstance(value, np.ndarray) and f"t{name}" in names)


def parts(result: object) -> list[object]:
    """Return a result of several parts as a list of all of them, any other result alone."""
    if isinstance(result, tuple | list):
        return [part for item in result for part in parts(item)]
    return [result]


def as_array(result: object) -> np.ndarray:
    """Return a tensor, an array or a number as an array; a tensor keeps its memory."""
    return result.numpy() if isinstance(result, torch.Tensor) else np.asarray(result)


def shares_memory(result: object, names: dict) -> bool:
    """Say whether a part of a result lies in the memory of a shared value."""
    values = [as_array(names[prefix + name]) for name in pairs(names) for prefix in ("", "t")]
    return any(np.shares_memory(as_array(part), value) for part in parts(result) for value in values)


def run(code: str, statement: bool, libraries: dict, *, warn: str = "ignore") -> Outcome:
    """Run a phrase on fresh values; `warn="error"` makes an error of a warning."""
    names = fresh_names(libraries)
    with warnings.catch_warnings():
        warnings.simplefilter(warn)
        try:
            if statement:
                exec(code, names)
                return Outcome(names=names)
            result = eval(code, names)
        except Exception as error:
            return Outcome(error=error)
    return Outcome(result, names, shares_memory(result, names))


def agree(ours: np.ndarray, theirs: np.ndarray) -> bool:
    """Say whether two arrays of one shape hold the same numbers, as exactly as their dtypes allow."""
    if ours.dtype.kind in "iub" and theirs.dtype.kind in "iub":
        return np.array_equal(ours, theirs)
    tolerance = 1e-6 if np.float32 in (ours.dtype, theirs.dtype) else 1e-12
    return np.allclose(ours, theirs, rtol=tolerance, atol=tolerance, equal_nan=True)


def differences(ours: object, theirs: object) -> set[str]:
    """Return in what two results differ: type, shape, dtype, value."""
    if ours is None or theirs is None:
        return set() if ours is theirs else {"type"}
    several = isinstance(ours, tuple | list), isinstance(theirs, tuple | list)
    if any(several):
        if not all(several):
            return {"type"}
        if len(ours) != len(theirs):
            return {"shape"}
        return set().union(*(differences(x, y) for x, y in zip(ours, theirs, strict=True)))
    x, y = as_array(ours), as_array(theirs)
    found = {"dtype"} if x.dtype != y.dtype else set()
    if x.shape != y.shape:
        return found | {"shape"}
    return found if agree(x, y) else found | {"value"}


def compare(ours: Outcome, theirs: Outcome) -> set[str]:
    """Return in what two outcomes differ: results, shared values afterwards, and the sharing of memory."""
    found = differences(ours.result, theirs.result)
    for name in pairs(ours.names):
        found |= differences(ours.names[name], theirs.names[f"t{name}"])
    return found | ({"memory"} if ours.shares != theirs.shares else set())


def changes_something(outcome: Outcome, libraries: dict) -> bool:
    untouched = fresh_names(libraries)
    names = [prefix + name for name in pairs(untouched) for prefix in ("", "t")]
    return any(differences(untouched[name], outcome.names[name]) for name in names)


def check_outcome(row: Row, libraries: dict) -> None:
    """Check a row that runs on both sides; what is called the same must not warn either."""
    warn = "ignore" if row.silent else "error"
    ours, theirs = (run(code, row.statement, libraries, warn=warn) for code in (row.numpy, row.torch))
    for outcome in (ours, theirs):
        assert outcome.error is None, f"raises {outcome.error!r}"
    if row.statement:
        assert changes_something(ours, libraries), "changes nothing"
    found = compare(ours, theirs)
    assert found == row.marks, f"differ in {found or 'nothing'}, and the page says {row.result!r}"


def named_error(refused: re.Match) -> str:
    """Return the name of the error that a note promises for the PyTorch that is installed."""
    _, name, major, minor, earlier_name = refused.groups()
    return earlier_name if earlier_name and torch.__version__ < (int(major), int(minor)) else name


def check_error(row: Row, libraries: dict) -> None:
    """Check a row that one of the two libraries refuses."""
    refused = REFUSAL.search(row.note)
    assert refused, "the note should name who raises which error, as in: PyTorch: `ValueError`"
    outcomes = {
        "NumPy": run(row.numpy, row.statement, libraries),
        "PyTorch": run(row.torch, row.statement, libraries),
    }
    raising = {library for library, outcome in outcomes.items() if outcome.error is not None}
    assert raising == {refused[1]}, f"raised by {raising or 'nobody'}, and the note says {refused[0]}"
    error = outcomes[refused[1]].error
    assert type(error).__name__ == named_error(refused), f"raises {error!r}"


def draws(code: str, libraries: dict) -> list[np.ndarray]:
    names = fresh_names(libraries)
    torch.manual_seed(0)
    return [as_array(eval(code, names)) for _ in range(DRAWS)]


def check_random(row: Row, libraries: dict) -> None:
    """Check a row whose numbers differ from draw to draw: shape, dtype and range."""
    ours, theirs = draws(row.numpy, libraries), draws(row.torch, libraries)
    for drawn in (ours, theirs):
        assert any(not np.array_equal(drawn[0], other) for other in drawn), "gives the same numbers every time"
    found = differences(ours[0], theirs[0]) - {"value"}
    assert found == row.marks - {"random"}, f"differ in {found or 'nothing'}, and the page says {row.result!r}"
    whole = ours[0].dtype.kind == "i"
    ends = [0, 1] if whole else [0.05, 0.95]
    here, there = np.quantile(ours, ends), np.quantile(theirs, ends)
    slack = 0.1 * np.ptp(here)
    assert np.allclose(here, there, rtol=0, atol=0 if whole else slack), f"range: {here} and {there}"
    assert abs(np.mean(ours) - np.mean(theirs)) < slack, f"mean: {np.mean(ours)} and {np.mean(theirs)}"


def check_answers(row: Row, libraries: dict) -> None:
    """Check the phrases in the note that are said to give the other library's answer."""
    for library, code in ANSWER.findall(row.note):
        answer = run(code, row.statement, libraries, warn="error")
        assert answer.error is None, f"{code} raises {answer.error!r}"
        wanted = run(row.numpy if library == "NumPy" else row.torch, row.statement, libraries)
        ours, theirs = (wanted, answer) if library == "NumPy" else (answer, wanted)
        found = compare(ours, theirs)
        if row.marks != {"memory"}:  # elsewhere a copy will do
            found -= {"memory"}
        assert not found, f"{library}'s answer differs in {found}: {code}"


def check(row: Row, libraries: dict) -> None:
    """Check that a row says the truth."""
    assert RESULT.fullmatch(row.result), f"unknown mark {row.result!r}"
    checks = {"error": check_error, "random": check_random}
    chosen = next((checks[mark] for mark in row.marks if mark in checks), check_outcome)
    chosen(row, libraries)
    check_answers(row, libraries)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.numpy)
def test_row_says_the_truth(row, libraries):
    check(row, libraries)


def test_there_are_enough_rows():
    different = {(row.numpy, row.torch) for row in ROWS}
    assert len(different) == len(ROWS), "two rows say the same"
    assert len(different) >= FEWEST_ROWS


def test_every_table_of_phrases_is_read():
    """A heading that is misspelt must not take its rows out of the test."""
    for columns, _ in tables():
        assert columns[1:] == ["NumPy", "PyTorch", "Result", "Note"] or "Note" not in columns, columns


def runs_live(index: int) -> bool:
    """Say whether a cell is predicted before it and asserted after it."""
    before, after = NOTEBOOK.cells[index - 1], NOTEBOOK.cells[index + 1]
    return "**Predict.**" in before.source and has_tag(after, "claim")


@pytest.mark.parametrize("row", [row for row in ROWS if row.silent], ids=lambda row: row.numpy)
def test_what_differs_silently_is_predicted_and_run_on_the_page(row):
    shown = [
        cell.source
        for index, cell in enumerate(NOTEBOOK.cells)
        if cell.cell_type == "code" and not has_tag(cell, "claim") and runs_live(index)
    ]
    assert any(row.numpy in source and row.torch in source for source in shown)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (Row("a + 1", "ta + 2"), "differ in {'value'}"),
        (Row("a.sum(axis=0)", "ta.sum(dim=1)"), "differ in {'shape'}"),
        (Row("np.zeros(3)", "torch.zeros(3)"), "differ in {'dtype'}"),
        (Row("a.flatten()", "ta.flatten()"), "differ in {'memory'}"),
        (Row("np.sort(w)", "tw.sort()"), "differ in {'type'}"),
        (Row("a + 1", "ta.add_(1)"), "differ in"),
        (Row("a.sum()", "ta.sum()", "≠ value"), "differ in nothing"),
        (Row("a.std()", "ta.std()", "≠ dtype"), "differ in {'value'}"),
        (Row("a.std()", "ta.std()", "≠ value", "NumPy's answer: `ta.std(correction=2)`"), "answer differs"),
        (Row("a.sum()", "ta.sum()", "error", "PyTorch: `ValueError`"), "raised by nobody"),
        (Row("a[:, ::-1]", "ta[:, ::-1]", "error", "PyTorch: `TypeError`"), "raises ValueError"),
        (Row("k.astype(np.uint8) + 300", "tk", "error", "NumPy: `ArithmeticError`"), "raises OverflowError"),
        (Row("a[:, ::-1]", "ta[:, ::-1]"), "raises ValueError"),
        (Row("rng.integers(0, 10, 5)", "torch.randint(0, 9, (5,))", "random"), "range"),
        (Row("rng.integers(0, 2, 5)", "torch.randint(0, 4, (5,)) // 3", "random"), "mean"),
        (Row("rng.random(5)", "torch.zeros(5)", "≠ dtype, random"), "same numbers every time"),
        (Row("rng.random(5)", "torch.rand(5)", "random"), "differ in {'dtype'}"),
        (Row("a += 1", "ta + 1", statement=True), "differ in {'value'}"),
        (Row("a + 1", "ta + 1", statement=True), "changes nothing"),
        (Row("a", "ta", "≠ looks"), "unknown mark"),
    ],
    ids=lambda value: value.numpy if isinstance(value, Row) else value,
)
def test_a_row_that_is_wrong_is_noticed(row, says, libraries):
    with pytest.raises(AssertionError, match=re.escape(says)):
        check(row, libraries)
