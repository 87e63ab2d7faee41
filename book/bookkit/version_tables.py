"""The tables of the page on versions, made from book/records/versions.json: `{version-tables}` in Markdown.

Nothing in them is typed: what was not measured says so. tools/record_versions.py writes the record.
"""

import json
from pathlib import Path
from typing import Any

import nbformat
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

BOOK = Path(__file__).resolve().parents[1]
RECORD = BOOK / "records" / "versions.json"
NOTEBOOKS = BOOK.parent / "notebooks"
CHOICES = {"lowest": "oldest", "pinned": "pinned", "newest": "newest"}  # as the record and as the page call them
MISSING = "not measured"


def read_record(path: Path = RECORD) -> dict[str, Any]:
    """Return the record; raise ValueError where it is missing."""
    if not path.is_file():
        raise ValueError(f"the record {path.name} is missing: run `make matrix`")
    return json.loads(path.read_text("utf8"))


def title(notebook: Path) -> str:
    """Return the title of a notebook, with the number of a chapter."""
    first = nbformat.read(notebook, as_version=4).cells[0].source.splitlines()[0].removeprefix("# ")
    return f"{int(notebook.name[:2])} · {first}" if notebook.name[0].isdigit() else first


def released(version: str) -> str:
    """Return 2.14.1 for 2.14.1+cu130: the part after the plus names a build, not a release."""
    return version.partition("+")[0]


def seconds_and_failures(row: dict[str, Any] | None, notebook: str) -> str:
    """Return the cell of one notebook with one pair of versions."""
    if row is None or notebook not in row["notebooks"]:
        return MISSING
    result = row["notebooks"][notebook]
    seconds = MISSING if result["seconds"] is None else f"{result['seconds']:.0f} s"
    if result["failed"]:
        failed, ran = result["failed"], result["failed"] + result["passed"]
        return f"{seconds}, **{failed} of {ran} tests fail**"
    return seconds


def table(environments: dict[str, Any], python: str, notebooks: list[tuple[str, str]]) -> str:
    """Return the table of one version of Python as Markdown; `notebooks` holds names and titles."""
    rows = {choice: environments.get(f"{python} {choice}") for choice in CHOICES}
    heads = [f"{CHOICES[choice]}: {released(row['torch'])}" if row else CHOICES[choice] for choice, row in rows.items()]
    lines = [f"| | {' | '.join(heads)} |".replace("| |", "| PyTorch |", 1), "|---|---:|---:|---:|"]
    for name, words in notebooks:
        cells = [seconds_and_failures(row, name) for row in rows.values()]
        lines.append(f"| [{words}](../notebooks/{name}.ipynb) | {' | '.join(cells)} |")
    facts = {
        "torchvision": lambda row: released(row["torchvision"]),
        "Python": lambda row: row["python"],
        "tests passed": lambda row: str(row["tests"]["passed"]),
        "tests failed": lambda row: str(row["tests"]["failed"]),
        "tests skipped": lambda row: str(row["tests"]["skipped"]),
        "all tests, minutes": lambda row: f"{row['test_seconds'] / 60:.0f}",
        "measured on": lambda row: row["date"],
        "the book's commit": lambda row: f"`{row['commit']}`",
    }
    for words, fact in facts.items():
        lines.append(f"| *{words}* | {' | '.join(fact(row) if row else MISSING for row in rows.values())} |")
    return "\n".join(lines)


def failures(environments: dict[str, Any]) -> str:
    """Return the list of the tests that failed, as Markdown; "" where none did."""
    lines = [f"- Python {name}: `{test}`" for name, row in environments.items() for test in row["failures"]]
    return "\n".join(["**Tests that failed**", "", *lines]) if lines else ""


def machines(environments: dict[str, Any]) -> str:
    """Return on what the rows were measured, as one sentence."""
    places = {f"{row['cores']} cores of {row['hardware']}, {row['system']}" for row in environments.values()}
    return f"Measured with {' and with '.join(sorted(places))}, without a graphics card." if places else ""


def markdown(record: dict[str, Any], notebooks: list[tuple[str, str]]) -> str:
    """Return the tables of all versions of Python, as Markdown."""
    environments = record["environments"]
    pythons = sorted({name.split()[0] for name in environments}, key=lambda python: int(python.partition(".")[2]))
    pieces = [machines(environments)]
    for python in pythons:
        pieces += [f"**With Python {python}**", table(environments, python, notebooks)]
    return "\n\n".join([*pieces, failures(environments)]).strip()


class VersionTables(SphinxDirective):
    """`{version-tables}`: all that the record holds."""

    def run(self) -> list[nodes.Node]:
        """Return the nodes of the tables."""
        self.env.note_dependency(str(RECORD))
        notebooks = [(path.stem, title(path)) for path in sorted(NOTEBOOKS.glob("*.ipynb"))]
        try:
            return self.parse_text_to_nodes(markdown(read_record(), notebooks))
        except ValueError as error:
            raise ExtensionError(f"{self.env.docname}: {error}") from error


def connect(app: Sphinx) -> None:
    """Register the directive."""
    app.add_directive("version-tables", VersionTables)
