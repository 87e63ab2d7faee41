"""Promise 2: every figure in the prose is asserted by a cell tagged `claim`."""

import ast
import re
from decimal import Decimal

import pytest

from book_files import TEMPLATE, code_cells, markdown_cells, notebook_paths, prose, read

# Digits, with spaces between thousands as the book writes them, and an optional exponent.
NUMBER = re.compile(r"(?<![\w.])(\d{1,3}(?:[ \u00a0\u202f]\d{3})+|\d+)(\.\d+)?(?:[eE]([-+]?\d+))?(?![\w]|\.\d)")
# What holds numbers that are no figures: addresses, versions after a package's name, years in brackets, shapes of code.
NOT_FIGURES = [
    re.compile(r"\]\([^)]*\)"),  # the address of a link
    re.compile(r"<[^>]+>"),
    re.compile(r"https?://\S+"),
    re.compile(r"\b(?:PyTorch|torch|torchvision|NumPy|Python|version|release)\s+\d+(?:\.\d+)*", re.IGNORECASE),
    re.compile(r"\b(?:19|20)\d\d\b(?![.,]\d)"),  # years
    re.compile(r"#\s?\d+"),
]


def significant_digits(whole: str, fraction: str | None) -> int:
    """Count the significant digits; trailing zeros of a whole number do not count."""
    if fraction:
        return len((whole + fraction[1:]).lstrip("0"))
    return len(whole.lstrip("0").rstrip("0"))


def figures(text: str) -> set[Decimal]:
    """Return the numbers in a text that have at least three significant digits."""
    for pattern in NOT_FIGURES:
        text = pattern.sub(" ", text)
    found = set()
    for match in NUMBER.finditer(text):
        whole = re.sub(r"\D", "", match[1])
        if significant_digits(whole, match[2]) >= 3:
            found.add(Decimal(whole + (match[2] or "") + (f"e{match[3]}" if match[3] else "")))
    return found


def numbers_in_code(source: str) -> set[Decimal]:
    """Return the numeric literals of a cell."""
    literals = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant))
    return {
        Decimal(str(literal.value))
        for literal in literals
        if isinstance(literal.value, int | float) and not isinstance(literal.value, bool)
    }


@pytest.fixture(params=[*notebook_paths(), TEMPLATE], ids=lambda path: path.stem)
def notebook(request):
    return read(request.param)


def test_every_notebook_claims_something(notebook):
    assert len(code_cells(notebook, "claim")) >= 3


def test_a_claim_only_asserts(notebook):
    for cell in code_cells(notebook, "claim"):
        tree = ast.parse(cell.source)
        assert any(isinstance(node, ast.Assert) for node in ast.walk(tree)), f"{cell.id} asserts nothing"
        for node in ast.walk(tree):
            constant = isinstance(node, ast.Assert) and isinstance(node.test, ast.Constant)
            assert not constant, f"{cell.id} asserts a constant"


def test_every_figure_in_the_prose_is_claimed(notebook):
    claimed = {number for cell in code_cells(notebook, "claim") for number in numbers_in_code(cell.source)}
    unclaimed = {
        cell.id: sorted(map(str, missing))
        for cell in markdown_cells(notebook)
        if (missing := figures(prose(cell.source)) - claimed)
    }
    assert not unclaimed, f"figures in the prose that no claim cell asserts: {unclaimed}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the slope is 1.0235, nearly 2", {Decimal("1.0235")}),
        ("60 000 images of 784 pixels, 100 points", {Decimal(784)}),
        ("60 123 images", {Decimal(60123)}),
        ("see [the docs](https://example.org/1.234) of PyTorch 2.14.1 from 2019", set()),
        ("1.50 and 0.0123 and 3.1 and 1e-3", {Decimal("1.50"), Decimal("0.0123")}),
    ],
)
def test_figures_are_recognised(text, expected):
    assert figures(text) == expected
