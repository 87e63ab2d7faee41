"""Read a page of teaching notes, book/teaching/notes_NN_name.md."""

import re
from dataclasses import dataclass
from pathlib import Path

from slides.markdown_blocks import render_inline, render_page

FENCE = re.compile(r"^```.*?^```\s*$", re.MULTILINE | re.DOTALL)
EXERCISE_ROW = re.compile(r"^\|\s*(\d+)\s*\|\s*(room|home)\s*\|\s*(\d+)\s*\|\s*(.*?)\s*\|\s*$", re.MULTILINE)
MINUTES_ROW = re.compile(r"^\|\s*(live, with the teacher|exercises in the room|exercises at home)\s*\|\s*(\d+)", re.M)
PARTS = ("live, with the teacher", "exercises in the room", "exercises at home")


@dataclass(frozen=True)
class Debrief:
    """What the notes say about an exercise: where it is done, in how many minutes, and what to say afterwards."""

    where: str
    minutes: int
    html: str


@dataclass(frozen=True)
class TeachingNotes:
    """The notes to one chapter, as HTML for the speaker view. `sections` has the chapter's headings as its keys."""

    page: str
    live: int
    room: int
    home: int
    beginning: str
    sections: dict[str, str]
    exercises: dict[int, Debrief]
    if_short: str
    end: str

    def section(self, heading: str) -> str:
        """Return the notes to a section. Raises ValueError if the page has none."""
        if heading not in self.sections:
            raise ValueError(f"{self.page} has no notes to the section {heading!r}: add '## Section: {heading}'.")
        return self.sections[heading]

    def exercise(self, number: int) -> Debrief:
        """Return the notes to an exercise. Raises ValueError if the page has none."""
        if number not in self.exercises:
            raise ValueError(f"{self.page} has no row for exercise {number} in its table below '## Exercises'.")
        return self.exercises[number]


def parts_below_headings(text: str) -> dict[str, str]:
    """Return the text below each ## heading, and under "" what stands above the first; code may contain ## too."""
    masked = FENCE.sub(lambda fence: re.sub(r"[^\n]", " ", fence[0]), text)
    starts = [(found.start(), found.end(), found[1].strip()) for found in re.finditer(r"^## (.+)$", masked, re.M)]
    parts = {"": text[: starts[0][0]] if starts else text}
    ends = [start for start, _, _ in starts[1:]] + [len(text)]
    for (_, begin, heading), end in zip(starts, ends, strict=True):
        parts[heading] = text[begin:end].strip()
    return parts


def read_notes(path: Path) -> TeachingNotes:
    """Return the notes of a page.

    Raises ValueError when the page is missing or lacks a part that the slides need.
    """
    if not path.is_file():
        raise ValueError(f"{path.name} is missing: write this page of teaching notes in {path.parent}, then repeat.")
    parts = parts_below_headings(path.read_text("utf8"))
    for needed in ("Minutes", "Before you start", "Exercises", "If time is short", "Exit"):
        if needed not in parts:
            raise ValueError(f"{path.name} has no part '## {needed}': the slides take their speaker notes from it.")
    minutes = {part: int(number) for part, number in MINUTES_ROW.findall(parts["Minutes"])}
    for part in PARTS:
        if part not in minutes:
            raise ValueError(f"{path.name}: the table below '## Minutes' lacks a row '{part}' with a number.")
    lead = re.sub(r"^# .+$", "", parts[""], count=1, flags=re.MULTILINE)
    debriefs = {
        int(number): Debrief(where, int(time), render_inline(words))
        for number, where, time, words in EXERCISE_ROW.findall(parts["Exercises"])
    }
    sections = {
        heading.removeprefix("Section: "): render_page(text)
        for heading, text in parts.items()
        if heading.startswith("Section: ")
    }
    live, room, home = (minutes[part] for part in PARTS)
    beginning = render_page(f"{lead}\n\n{parts['Before you start']}")
    return TeachingNotes(
        path.name,
        live,
        room,
        home,
        beginning,
        sections,
        debriefs,
        render_page(parts["If time is short"]),
        render_page(parts["Exit"]),
    )
