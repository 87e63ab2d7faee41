"""The schedules of workshops: `book/teaching/schedules.yml` as tables of start, minutes, what and where.

The file says what is taught in which order; how long it takes stands in the teaching notes, and is added up here. The
directive `{schedule} half_day` becomes the table of that variant, a day after the other, with what to leave out when
late; `{chapter-minutes}` becomes the table of all chapters with their minutes and the run time of their cells.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from myst_parser.mdit_to_docutils.base import default_slugify
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

from bookkit.teaching_notes import TEACHING, Notes, notes_path, read_notes

SCHEDULES = TEACHING / "schedules.yml"
COSTS = TEACHING.parent / "records" / "notebook_costs.json"
LUNCH = 45  # a break as long as this ends a half-day


@dataclass(frozen=True)
class Entry:
    """One row of a schedule: a talk, a break, sections taught live, or exercises in the room.

    `numbers` are those of the sections or the exercises; `cut` says as which of its day to leave it out when late.
    """

    kind: str
    minutes: int
    what: str = ""
    chapter: str = ""
    numbers: tuple[int, ...] = ()
    cut: int | None = None


@dataclass(frozen=True)
class Day:
    """One day of a workshop; `start` and the announced `end` are minutes since midnight."""

    start: int
    end: int
    entries: tuple[Entry, ...]

    @property
    def minutes(self) -> int:
        """The minutes of all entries, breaks included."""
        return sum(entry.minutes for entry in self.entries)

    @property
    def net_minutes(self) -> int:
        """The minutes of all entries but the breaks."""
        return sum(entry.minutes for entry in self.entries if entry.kind != "break")

    def starts(self) -> list[int]:
        """Return when each entry starts, in minutes since midnight."""
        return [self.start + sum(entry.minutes for entry in self.entries[:i]) for i in range(len(self.entries))]


@dataclass(frozen=True)
class Variant:
    """One way to run a workshop; `instead` holds, for a chapter that is left out, what the teacher says instead."""

    key: str
    title: str
    days: tuple[Day, ...]
    instead: dict[str, str]

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The entries of all days."""
        return tuple(entry for day in self.days for entry in day.entries)


def minutes_since_midnight(time: Any) -> int:
    """Return a time such as "09:30" as minutes; raise ValueError where it is none (in YAML it needs its quotes)."""
    hours, colon, minutes = time.partition(":") if isinstance(time, str) else ("", "", "")
    if not (colon and hours.isdigit() and minutes.isdigit() and int(hours) < 24 and int(minutes) < 60):
        raise ValueError(f'a time is written "09:30", with its quotes, not {time!r}')
    return int(hours) * 60 + int(minutes)


def clock(minutes: int) -> str:
    """Return minutes since midnight as a time, such as "09:30"."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


@cache
def notes_as_of(path: Path, _changed: float) -> Notes:
    """Return the notes of a file, read once as long as it does not change."""
    return read_notes(path)


def notes_of(chapter: str) -> Notes:
    """Return the teaching notes of a chapter; raise ValueError where they are missing or have another form."""
    path = notes_path(chapter)
    return notes_as_of(path, path.stat().st_mtime if path.is_file() else 0)


def summed(numbers: list[int], minutes: dict[int, int], what: str) -> int:
    """Return the minutes of these sections or exercises; raise ValueError where one does not exist."""
    unknown = sorted(set(numbers) - set(minutes))
    if unknown:
        raise ValueError(f"{what}: there is no number {', '.join(map(str, unknown))}, only {sorted(minutes)}")
    return sum(minutes[number] for number in numbers)


def read_entry(written: dict[str, Any]) -> Entry:
    """Return one entry of the file, with its minutes.

    Raises ValueError where the entry is of no known kind, misses what it needs or has what it must not say: the
    minutes of sections and exercises are those of the notes, and are written nowhere else.
    """
    fields = {
        "talk": {"talk", "minutes"},
        "break": {"break", "minutes"},
        "live": {"live", "sections"},
        "exercises": {"exercises", "numbers"},
    }
    kind = next((kind for kind in fields if kind in written), None)
    if kind is None or set(written) - {"cut"} != fields[kind]:
        raise ValueError(f"an entry has the keys of one of {list(fields.values())} (and perhaps cut), not {written}")
    cut = written.get("cut")
    if kind in ("talk", "break"):
        return Entry(kind, written["minutes"], what=written[kind], cut=cut)
    chapter = written[kind]
    notes = notes_of(chapter)
    if kind == "live":
        numbers = written["sections"]
        minutes = {number: section.minutes for number, section in enumerate(notes.sections, start=1)}
    else:
        numbers = written["numbers"]
        minutes = {row.number: row.minutes for row in notes.exercises}
    return Entry(kind, summed(numbers, minutes, f"{kind}: {chapter}"), chapter=chapter, numbers=tuple(numbers), cut=cut)


def variants(path: Path = SCHEDULES) -> dict[str, Variant]:
    """Return the variants of the file by their keys; raise ValueError, with one clear sentence, where one is wrong."""
    found = {}
    for key, written in yaml.safe_load(path.read_text("utf8")).items():
        try:
            days = tuple(
                Day(
                    minutes_since_midnight(day["start"]),
                    minutes_since_midnight(day["end"]),
                    tuple(read_entry(entry) for entry in day["entries"]),
                )
                for day in written["days"]
            )
        except ValueError as error:
            raise ValueError(f"{path.name}, {key}: {error}") from None
        found[key] = Variant(key, written["title"], days, written.get("instead", {}))
    return found


def cost_record(path: Path = COSTS) -> dict[str, Any]:
    """Return the record of what the notebooks cost; raise ValueError where it is missing."""
    if not path.is_file():
        raise ValueError(f"the record {path.name} is missing: run `make records`")
    return json.loads(path.read_text("utf8"))


def run_seconds(record: dict[str, Any]) -> dict[str, float]:
    """Return how many seconds the cells of each notebook ran on the machine of the record, by the notebook's name."""
    return {name: row["seconds"] for name, row in record["notebooks"].items()}


def chapter_link(chapter: str, root: str, words: str = "", heading: str = "") -> str:
    """Return a Markdown link to a chapter, or to one of its sections; `root` leads from the page to the book's top."""
    anchor = f"#{default_slugify(heading)}" if heading else ""
    return f"[{words or f'chapter {int(chapter[:2])}'}]({root}notebooks/{chapter}.ipynb{anchor})"


def notes_link(chapter: str, root: str) -> str:
    """Return a Markdown link to a chapter's teaching notes."""
    return f"[notes]({root}book/teaching/{notes_path(chapter).name})"


def what_and_where(entry: Entry, root: str) -> tuple[str, str]:
    """Return the two last columns of an entry's row, as Markdown."""
    if entry.kind in ("talk", "break"):
        return (f"*{entry.what}*" if entry.kind == "break" else entry.what), ""
    if entry.kind == "exercises":
        numbers = ", ".join(map(str, entry.numbers))
        words = f"**Exercise{'s' if len(entry.numbers) > 1 else ''} {numbers}**, in pairs"
        return words, chapter_link(entry.chapter, root, heading="Exercises")
    headings = [notes_of(entry.chapter).sections[number - 1].heading for number in entry.numbers]
    links = " · ".join(chapter_link(entry.chapter, root, heading, heading) for heading in headings)
    return f"**Live:** {links}", f"{chapter_link(entry.chapter, root)}, {notes_link(entry.chapter, root)}"


def day_table(day: Day, root: str) -> str:
    """Return the table of a day as Markdown; raise ValueError where it does not end when it is announced to end."""
    if day.start + day.minutes != day.end:
        raise ValueError(
            f"the entries end at {clock(day.start + day.minutes)}, announced is {clock(day.end)}: "
            "change the entries or the end in schedules.yml"
        )
    lines = ["| start | minutes | what | where |", "|---|---:|---|---|"]
    for start, entry in zip(day.starts(), day.entries, strict=True):
        what, where = what_and_where(entry, root)
        lines.append(f"| {clock(start)} | {entry.minutes} | {what} | {where} |")
    lines.append(f"| {clock(day.end)} | **{day.minutes}** | **End:** {day.net_minutes} minutes without the breaks | |")
    return "\n".join(lines)


def cuts(day: Day, root: str) -> str:
    """Return what to leave out when late, first things first, as Markdown; "" where the schedule names nothing."""
    marked = sorted((entry for entry in day.entries if entry.cut is not None), key=lambda entry: entry.cut)
    if not marked:
        return ""
    lines = ["**When you are late,** leave out, in this order:", ""]
    for entry in marked:
        what, where = what_and_where(entry, root)
        place = f" ({where})" if entry.kind == "exercises" else ""
        lines.append(f"1. {what}{place}: saves {entry.minutes} minutes.")
    return "\n".join(lines)


def instead_of(chapter: str, said: str, root: str) -> str:
    """Return the line of a chapter that is left out."""
    return f"- {chapter_link(chapter, root, f'Chapter {int(chapter[:2])}')}: {said}"


def schedule(variant: Variant, root: str) -> str:
    """Return a variant as Markdown: a table for each day, what to cut, and what stands for the chapters left out."""
    pieces = []
    for number, day in enumerate(variant.days, start=1):
        if len(variant.days) > 1:
            pieces.append(f"**Day {number}**")
        pieces += [day_table(day, root), cuts(day, root)]
    if variant.instead:
        pieces.append("**Left out,** and what to say instead:")
        pieces.append("\n".join(instead_of(chapter, said, root) for chapter, said in variant.instead.items()))
    return "\n\n".join(piece for piece in pieces if piece)


def chapter_minutes(chapters: list[str], root: str) -> str:
    """Return the table of the chapters' minutes and of the run time of their cells, as Markdown."""
    record = cost_record()
    ran, measured = run_seconds(record), record["circumstances"]
    lines = ["| chapter | live | in the room | at home | cells run | notes |", "|---|---:|---:|---:|---:|---|"]
    totals = [0, 0, 0]
    missing = [chapter for chapter in chapters if chapter not in ran]
    if missing:
        raise ValueError(f"the record {COSTS.name} lacks {', '.join(missing)}: run `make records`")
    for chapter in chapters:
        notes = notes_of(chapter)
        minutes = [notes.live, notes.room, notes.home]
        totals = [total + part for total, part in zip(totals, minutes, strict=True)]
        link = chapter_link(chapter, root, f"{notes.chapter} · {notes.title}")
        cells = " | ".join(map(str, minutes))
        lines.append(f"| {link} | {cells} | {ran[chapter]:.0f} s | {notes_link(chapter, root)} |")
    lines.append(f"| **all** | {' | '.join(f'**{total}**' for total in totals)} | | |")
    place = f"{measured['cores']} cores of {measured['hardware']}, without a graphics card, on {measured['date']}"
    return "\n".join([*lines, "", f"*Cells run* was measured with {place}."])


class TeachingDirective(SphinxDirective):
    """What both directives share: Markdown made from the notes, and the page depends on every file that it reads."""

    def written(self, root: str) -> str:
        """Return the Markdown that takes the directive's place."""
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        """Return the nodes of that Markdown."""
        for path in [SCHEDULES, COSTS, *TEACHING.glob("notes_*.md")]:
            self.env.note_dependency(str(path))
        try:
            markdown = self.written("../" * self.env.docname.count("/"))
        except ValueError as error:
            raise ExtensionError(f"{self.env.docname}: {error}") from error
        return self.parse_text_to_nodes(markdown)


class Schedule(TeachingDirective):
    """`{schedule} half_day`: the tables of one variant."""

    required_arguments = 1

    def written(self, root: str) -> str:
        """Return the variant's tables."""
        found = variants()
        key = self.arguments[0]
        if key not in found:
            raise ValueError(f"schedules.yml has no variant {key!r}, only {', '.join(found)}")
        return schedule(found[key], root)


class ChapterMinutes(TeachingDirective):
    """`{chapter-minutes}`: every chapter that has notes, with its minutes."""

    def written(self, root: str) -> str:
        """Return the table."""
        chapters = sorted(path.stem.removeprefix("notes_") for path in TEACHING.glob("notes_*.md"))
        return chapter_minutes(chapters, root)


def connect(app: Sphinx) -> None:
    """Register the directives."""
    app.add_directive("schedule", Schedule)
    app.add_directive("chapter-minutes", ChapterMinutes)
