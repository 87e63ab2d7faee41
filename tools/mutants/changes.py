"""Every way to change a piece of code in one place: another operator, another number, a call left out.

mutmut and cosmic-ray do the same for packages: they change a module's file and run its test command. A solution is a
cell whose check runs in the kernel of a chapter, so only their idea fits, and their list of operators; this list adds
what goes wrong with tensors (dim=, keepdim=, no_grad).

A change is made in the source, at the positions that `ast` knows, so that layout and comments stay as they are.
Positions count bytes, since that is what `ast` does.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

OPERATORS: dict[type[ast.AST], tuple[str, ...]] = {
    ast.Add: ("-",), ast.Sub: ("+",), ast.Mult: ("/",), ast.Div: ("*",), ast.MatMult: ("*",), ast.FloorDiv: ("/",),
    ast.Mod: ("//",), ast.Pow: ("*",), ast.BitAnd: ("|",), ast.BitOr: ("&",), ast.And: ("or",), ast.Or: ("and",),
    ast.Lt: ("<=", ">"), ast.LtE: ("<", ">="), ast.Gt: (">=", "<"), ast.GtE: (">", "<="),
    ast.Eq: ("!=",), ast.NotEq: ("==",), ast.Is: ("is not",), ast.IsNot: ("is",), ast.In: ("not in",),
    ast.NotIn: ("in",),
}  # fmt: skip
TOKENS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.MatMult: "@", ast.FloorDiv: "//", ast.Mod: "%",
    ast.Pow: "**", ast.BitAnd: "&", ast.BitOr: "|", ast.And: "and", ast.Or: "or", ast.Lt: "<", ast.LtE: "<=",
    ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=", ast.Is: "is", ast.IsNot: "is not", ast.In: "in",
    ast.NotIn: "not in",
}  # fmt: skip
AXES = ("0", "1", "-1")
NAMESPACES = {"torch", "np", "nn", "F", "optim", "math", "plt", "dist", "random", "os", "pickle", "set"}
# Without these calls the code cannot run: such a mutant says nothing about a check.
NEEDED = {
    "range",
    "len",
    "zip",
    "enumerate",
    "super",
    "isinstance",
    "hasattr",
    "getattr",
    "iter",
    "next",
    "list",
    "dict",
}
SAME_EITHER_WAY = {"max", "min", "maximum", "minimum", "equal", "allclose", "isclose"}  # arguments may change places
BARE = (ast.Name, ast.Call, ast.Attribute, ast.Subscript, ast.Constant, ast.Tuple, ast.List, ast.Dict, ast.GeneratorExp)


@dataclass(frozen=True)
class Mutant:
    """A piece of code with one change: which line became what, and the whole changed source.

    `occurrence` counts, from 1, the mutants of one source in which the same line became the same.
    """

    kind: str
    line: str
    becomes: str
    source: str
    occurrence: int = 1


@dataclass(frozen=True)
class Edit:
    """New text for the bytes from `start` to `end`."""

    kind: str
    start: int
    end: int
    text: str


class Code:
    """A source, its tree, and the way from one to the other."""

    def __init__(self, source: str) -> None:
        self.bytes = source.encode()
        self.tree = ast.parse(source)
        self.line_starts = [0]
        for line in self.bytes.splitlines(keepends=True):
            self.line_starts.append(self.line_starts[-1] + len(line))

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Return where a node begins and ends."""
        start = self.line_starts[node.lineno - 1] + node.col_offset
        return start, self.line_starts[node.end_lineno - 1] + node.end_col_offset

    def text(self, node: ast.AST) -> str:
        """Return the source of a node."""
        start, end = self.span(node)
        return self.bytes[start:end].decode()

    def grouped(self, node: ast.expr) -> str:
        """Return the source of an expression, in parentheses where another place may need them."""
        return self.text(node) if isinstance(node, BARE) else f"({self.text(node)})"

    def edit(self, kind: str, node: ast.AST, text: str) -> Edit:
        """Return the edit that puts a text in the place of a node."""
        return Edit(kind, *self.span(node), text)

    def edit_between(self, kind: str, left: ast.AST, right: ast.AST, old: str, new: str) -> Edit:
        """Return the edit that changes what stands between two nodes; nothing else of it holds `old`."""
        start, end = self.span(left)[1], self.span(right)[0]
        return Edit(kind, start, end, self.bytes[start:end].decode().replace(old, new, 1))

    def apply(self, edit: Edit) -> str:
        """Return the source after an edit."""
        return (self.bytes[: edit.start] + edit.text.encode() + self.bytes[edit.end :]).decode()


def is_text(node: ast.AST) -> bool:
    """Say whether a statement is a text for readers: a docstring."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def called_name(call: ast.Call) -> str:
    """Return the last part of the name of what is called."""
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def is_printed(node: ast.AST) -> bool:
    """Say whether a statement prints."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and called_name(node.value) == "print"


def nodes_that_count(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and what is in it, without what no check can be expected to look at.

    These are docstrings, the words of an error, what is printed, and the parameters of a function with their defaults:
    they stand in the stub already.
    """
    yield node
    for child in ast.iter_child_nodes(node):
        if not (is_printed(child) or is_text(child) or isinstance(child, (ast.Raise, ast.arguments, ast.JoinedStr))):
            yield from nodes_that_count(child)


def operators(code: Code, node: ast.AST) -> Iterator[Edit]:
    """Yield other operators: arithmetic, comparisons, and/or."""
    if isinstance(node, ast.BinOp):
        places = [(node.left, node.op, node.right)]
    elif isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        places = list(zip(sides, node.ops, sides[1:], strict=False))
    elif isinstance(node, ast.BoolOp):
        places = [(left, node.op, right) for left, right in zip(node.values, node.values[1:], strict=False)]
    else:
        return
    for left, operator, right in places:
        for new in OPERATORS.get(type(operator), ()):
            yield code.edit_between("operator", left, right, TOKENS[type(operator)], new)


def signs(code: Code, node: ast.AST) -> Iterator[Edit]:
    """Yield other signs: a minus, `not` or `~` taken away, a minus before what is returned, -= for +=."""
    if isinstance(node, ast.UnaryOp):
        yield code.edit("sign", node, code.grouped(node.operand))
    elif isinstance(node, ast.AugAssign) and type(node.op) in OPERATORS:
        new = OPERATORS[type(node.op)][0]
        yield code.edit_between("sign", node.target, node.value, f"{TOKENS[type(node.op)]}=", f"{new}=")
    elif isinstance(node, ast.Return) and node.value is not None:
        values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
        for value in values:
            if isinstance(value, (ast.BinOp, ast.Call, ast.Name)):
                yield code.edit("sign", value, f"-{code.grouped(value)}")


def constants(code: Code, node: ast.AST) -> Iterator[Edit]:
    """Yield other numbers and truth values; `dim=` and `axis=` get the other axes."""
    if isinstance(node, ast.keyword) and node.arg in ("dim", "axis"):
        yield from (code.edit("axis", node.value, axis) for axis in AXES if axis != code.text(node.value))
    elif not isinstance(node, ast.Constant) or node.value is None:
        return
    elif isinstance(node.value, bool):
        yield code.edit("constant", node, str(not node.value))
    elif isinstance(node.value, int):
        for new in sorted({node.value + 1, node.value - 1, 0} - {node.value}):
            yield code.edit("constant", node, str(new))
    elif isinstance(node.value, float):
        for new in (2 * node.value, -node.value) if node.value else (1.0,):
            yield code.edit("constant", node, str(new))


def with_arguments(code: Code, call: ast.Call, arguments: list[ast.AST]) -> str:
    """Return a call with other arguments."""
    return f"{code.text(call.func)}({', '.join(map(code.text, arguments))})"


def arguments(code: Code, node: ast.AST) -> Iterator[Edit]:
    """Yield other arguments: a keyword left out, two neighbours exchanged, another word."""
    if not isinstance(node, ast.Call):
        return
    everything = [*node.args, *node.keywords]
    for keyword in node.keywords:
        rest = [argument for argument in everything if argument is not keyword]
        yield code.edit("keyword left out", node, with_arguments(code, node, rest))
    for first in range(len(node.args) - 1 if called_name(node) not in SAME_EITHER_WAY else 0):
        swapped = everything.copy()
        swapped[first], swapped[first + 1] = swapped[first + 1], swapped[first]
        yield code.edit("arguments exchanged", node, with_arguments(code, node, swapped))
    for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            yield code.edit("constant", argument, repr(argument.value + "x"))


def root(node: ast.expr) -> str:
    """Return the name with which a dotted name begins, "" for another expression."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return getattr(node, "id", "")


def calls(code: Code, node: ast.AST) -> Iterator[Edit]:
    """Yield what remains without a call: x for x.abs(), x for torch.sqrt(x)."""
    if not isinstance(node, ast.Call) or called_name(node) in NEEDED or called_name(node)[:1].isupper():
        return
    is_method = isinstance(node.func, ast.Attribute) and root(node.func) not in NAMESPACES | {"self"}
    if is_method:
        yield code.edit("call left out", node, code.grouped(node.func.value))
    elif node.args and not isinstance(node.args[0], ast.Starred):
        yield code.edit("call left out", node, code.grouped(node.args[0]))


def statements(code: Code, node: ast.AST) -> Iterator[Edit]:
    """Yield statements left out: a call, an assignment in place, a `with`, a decorator, a condition."""
    in_place = isinstance(node, ast.Assign) and isinstance(node.targets[0], (ast.Attribute, ast.Subscript))
    is_call = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    if in_place or is_call or isinstance(node, (ast.AugAssign, ast.Break)):
        yield code.edit("statement left out", node, "pass")
    elif isinstance(node, ast.With) and all(item.optional_vars is None for item in node.items):
        start, end = code.span(node)[0], code.span(node.items[-1].context_expr)[1]
        yield Edit("context left out", start, end, "if True")
    elif isinstance(node, ast.FunctionDef):
        for decorator in node.decorator_list:
            start, end = code.span(decorator)
            yield Edit("context left out", start - 1, end, "")  # with its @
    elif isinstance(node, ast.If):
        yield code.edit("condition left out", node.test, "False")
    elif isinstance(node, ast.comprehension):
        for condition in node.ifs:
            yield code.edit("condition left out", condition, "True")


KINDS: tuple[Callable[[Code, ast.AST], Iterator[Edit]], ...] = (
    operators, signs, constants, arguments, calls, statements,
)  # fmt: skip


def without_comment(line: str) -> str:
    """Return a line without the comment at its end; in these cells a # after two spaces begins one."""
    return line.partition("  # ")[0].strip()


def changed_lines(before: str, after: str) -> tuple[str, str]:
    """Return the lines in which two sources differ, first those of one, then those of the other, joined by spaces."""
    old, new = before.splitlines(), after.splitlines()
    while old and new and old[0] == new[0]:
        old, new = old[1:], new[1:]
    while old and new and old[-1] == new[-1]:
        old, new = old[:-1], new[:-1]
    return " ".join(map(without_comment, old)), " ".join(map(without_comment, new))


def mutants(source: str) -> list[Mutant]:
    """Return every mutant of a source that is a program, and another program than the source and than each other."""
    code, found = Code(source), []
    seen = {ast.dump(code.tree)}
    calls_alone = {id(node.value) for node in ast.walk(code.tree) if isinstance(node, ast.Expr)}
    for node in nodes_that_count(code.tree):
        for kind in KINDS:
            if kind is calls and id(node) in calls_alone:
                continue  # nothing would be left to do: the same as the statement left out
            for edit in kind(code, node):
                changed = code.apply(edit)
                try:
                    tree = ast.dump(ast.parse(changed))
                except SyntaxError:
                    continue
                if tree not in seen:
                    seen.add(tree)
                    line, becomes = changed_lines(source, changed)
                    earlier = sum((mutant.line, mutant.becomes) == (line, becomes) for mutant in found)
                    found.append(Mutant(edit.kind, line, becomes, changed, earlier + 1))
    return found
