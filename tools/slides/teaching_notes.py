"""A page of teaching notes as HTML for the speaker view; bookkit.teaching_notes knows the form of the page."""

from dataclasses import dataclass
from pathlib import Path

from bookkit.teaching_notes import SECTION, parse_notes, parts
from slides.markdown_blocks import render_inline, render_page


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
            raise ValueError(f"{self.page} has no notes to the section {heading!r}: add '## {SECTION}{heading}'.")
        return self.sections[heading]

    def exercise(self, number: int) -> Debrief:
        """Return the notes to an exercise. Raises ValueError if the page has none."""
        if number not in self.exercises:
            raise ValueError(f"{self.page} has no row for exercise {number} in its table below '## Exercises'.")
        return self.exercises[number]


def read_notes(path: Path) -> TeachingNotes:
    """Return the notes of a page.

    Raises ValueError when the page is missing or has another form.
    """
    if not path.is_file():
        raise ValueError(f"{path.name} is missing: write this page of teaching notes in {path.parent}, then repeat.")
    markdown = path.read_text("utf8")
    try:
        notes = parse_notes(markdown)
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from error
    below = dict(parts(markdown))
    sections = {section.heading: render_page(below[f"## {SECTION}{section.heading}"]) for section in notes.sections}
    debriefs = {row.number: Debrief(row.where, row.minutes, render_inline(row.afterwards)) for row in notes.exercises}
    return TeachingNotes(
        path.name,
        notes.live,
        notes.room,
        notes.home,
        render_page(f"{notes.opening}\n\n{below['## Before you start']}"),
        sections,
        debriefs,
        render_page(notes.if_time_is_short),
        render_page(notes.exit),
    )
