"""Compare what a notebook shows now with what it showed before, and say where the numbers have drifted."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from itertools import zip_longest
from typing import Self

from nbformat import NotebookNode

from printed_numbers import Value, values

KEY = "tolerance"  # in the metadata of a cell
MOST_PLACES = 3  # that are named of one cell


@dataclass(frozen=True)
class Tolerance:
    """How far the numbers of a cell may be from the recorded ones on another machine or with other versions.

    `rtol` and `atol` hold for numbers with decimals or an exponent: the same float32 sums, added up in another order,
    differ from the seventh digit on, and a thousand steps of training blow that up, so the third digit should stand.
    What is below a millionth is the rounding error of float32 itself. On top comes half a unit of the last digit for
    each of the two numbers, since both were rounded. Whole numbers may differ by `integers`. With `only_here` the cell
    is compared on the machine of the record alone.

    `why` is what a cell with a tolerance of its own must say.
    """

    rtol: float = 1e-3
    atol: float = 1e-6
    integers: int = 0
    only_here: bool = False
    why: str = ""

    @classmethod
    def of(cls, cell: NotebookNode) -> Self:
        """Return the tolerance of a cell: its own, or the usual one.

        Raises ValueError where its metadata hold something else, or no reason.
        """
        own = cell.metadata.get(KEY, {})
        known = [field.name for field in fields(cls)]
        unknown = set(own).difference(known)
        if unknown:
            raise ValueError(f"{cell.id}: a tolerance knows {', '.join(known)}, not {', '.join(unknown)}")
        if own and not own.get("why"):
            raise ValueError(f'{cell.id}: say in its tolerance why it needs one: "why": "…"')
        return cls(**own)

    def allowed(self, recorded: Value, now: Value) -> float:
        """Return by how much two numbers may differ."""
        if not recorded.unit and not now.unit:
            return self.integers
        return max(self.rtol * abs(recorded.number), self.atol) + (recorded.unit + now.unit) / 2

    def admits(self, recorded: Value, now: Value) -> bool:
        """Say whether two values are the same to within the tolerance."""
        if isinstance(recorded.number, str) or isinstance(now.number, str):
            return recorded.number == now.number
        if not (math.isfinite(recorded.number) and math.isfinite(now.number)):
            return recorded.number == now.number
        # the factor is for the last bit of 0.3 - 0.2
        return abs(recorded.number - now.number) <= self.allowed(recorded, now) * (1 + 1e-9)


@dataclass(frozen=True)
class Drift:
    """A place where a cell shows something else than was recorded."""

    cell: str
    what: str

    def __str__(self) -> str:
        return f"cell {self.cell}, {self.what}"


def within_tolerance(recorded: str, now: str, tolerance: Tolerance) -> Iterator[str]:
    """Yield where the values in two texts differ by more than the tolerance.

    Words do not count, nor does how the values are spread over lines: other versions word a message in another way, and
    break the lines of an array elsewhere.
    """
    before, after, lines = values(recorded), values(now), now.splitlines()
    different = [pair for pair in zip(before, after, strict=False) if not tolerance.admits(*pair)]
    if len(before) != len(after):
        where = f"; the first that differs: “{lines[different[0][1].line - 1].strip()}”" if different else ""
        yield f"{len(after)} numbers, recorded are {len(before)}{where}"
        return
    for old, new in different:
        allowed = 0 if isinstance(old.number, str) else tolerance.allowed(old, new)
        yield f"line {new.line}: {old.text} → {new.text}, allowed ±{allowed:.2g}: “{lines[new.line - 1].strip()}”"


def exactly(recorded: str, now: str) -> Iterator[str]:
    """Yield where two texts differ at all, words included."""
    for number, (old, new) in enumerate(zip_longest(recorded.splitlines(), now.splitlines()), 1):
        if old is None:
            yield f"line {number} is new: “{new.strip()}”"
        elif new is None:
            yield f"line {number} is gone: “{old.strip()}”"
        elif old != new:
            pairs = zip_longest(*([value.text for value in values(line)] for line in (old, new)), fillvalue="(none)")
            changed = [f"{before} → {after}" for before, after in pairs if before != after]
            what = f"{', '.join(changed)}, allowed ±0" if changed else "other words"
            yield f"line {number}: {what}: “{new.strip()}”, recorded is “{old.strip()}”"


def drifts(
    recorded: Mapping[str, str], now: Mapping[str, str], tolerances: Mapping[str, Tolerance] | None = None
) -> list[Drift]:
    """Return where the texts of cells, by their ids, have drifted; without tolerances every letter counts.

    With tolerances only numbers do: a deprecated call, for one, shows nothing where it is not yet deprecated.
    """
    found = []
    for cell in recorded | now:
        in_one = cell not in now or cell not in recorded
        if in_one and tolerances is not None and not values(recorded.get(cell) or now[cell]):
            continue
        if cell not in now:
            found.append(Drift(cell, "which the record holds, is gone, or shows nothing that is compared"))
        elif cell not in recorded:
            found.append(Drift(cell, "which shows something, is not in the record"))
        elif tolerances is None or not tolerances[cell].only_here:
            both = recorded[cell], now[cell]
            what = list(exactly(*both) if tolerances is None else within_tolerance(*both, tolerances[cell]))
            found += [Drift(cell, place) for place in what[:MOST_PLACES]]
            if len(what) > MOST_PLACES:
                found.append(Drift(cell, f"{len(what) - MOST_PLACES} more places"))
    return found
