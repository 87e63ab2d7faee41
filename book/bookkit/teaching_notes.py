"""The teaching notes of a chapter, taken apart: minutes, sections, exercises, warm-up and exit questions.

One page a chapter, `book/teaching/notes_NAME.md`, is written for people and read by programs: the schedules take their
minutes from it, the slides their speaker notes, the tests their lines of code. This module alone knows its form.
"""

import re
from dataclasses import dataclass
from pathlib import Path

TEACHING = Path(__file__).resolve().parents[1] / "teaching"
PARTS_OF_A_SECTION = ("Say", "Type", "Ask", "Stumble")
HEADINGS_AROUND_SECTIONS = (["Minutes", "Before you start"], ["Exercises", "If time is short", "Exit"])
SECTION = "Section: "

TITLE = re.compile(r"# Teaching chapter (\d+): (.+)")
CODE = re.compile(r"^```python\n(.*?)^```\s*$", re.MULTILINE | re.DOTALL)
RAISES = re.compile(r"# raises (\w+)\s*\Z")
PRINTS = re.compile(r"# → (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class TypeBlock:
    """Lines that the teacher types live."""

    code: str

    @property
    def error(self) -> str:
        """The kind of error that the block announces, such as "ValueError", or "" if it must run through."""
        announced = RAISES.search(self.code)
        return announced[1] if announced else ""

    @property
    def prints(self) -> tuple[str, ...]:
        """The texts that the block announces in what it prints."""
        return tuple(text.strip() for text in PRINTS.findall(self.code))


@dataclass(frozen=True)
class Section:
    """What a teacher does in one section of a chapter. The texts are Markdown, "" where the page has none."""

    heading: str
    minutes: int
    say: str
    type: str
    ask: str
    stumble: str
    type_blocks: tuple[TypeBlock, ...]  # all code of the section in its order: an Ask or a Stumble may have some too


@dataclass(frozen=True)
class ExerciseRow:
    """An exercise: `where` is "room" or "home"; `afterwards` is what to say when it is solved."""

    number: int
    where: str
    minutes: int
    afterwards: str


@dataclass(frozen=True)
class Notes:
    """A page of teaching notes. `live`, `room` and `home` are the minutes that its first table announces."""

    chapter: int
    title: str
    opening: str
    live: int
    room: int
    home: int
    before: str
    warm_up: str
    sections: tuple[Section, ...]
    exercises: tuple[ExerciseRow, ...]
    if_time_is_short: str
    exit: str

    @property
    def type_blocks(self) -> tuple[TypeBlock, ...]:
        """The blocks of code of all sections, in order."""
        return tuple(block for section in self.sections for block in section.type_blocks)


def notes_path(chapter: str) -> Path:
    """Return where the notes of a chapter are; `chapter` is the notebook's name without suffix."""
    return TEACHING / f"notes_{chapter}.md"


def parts(markdown: str) -> list[tuple[str, str]]:
    """Return the parts of a page as (heading line, text); what looks like a heading inside code is none."""
    found: list[tuple[str, list[str]]] = [("", [])]
    in_code = False
    for line in markdown.splitlines():
        in_code ^= line.startswith("```")
        if re.match(r"#+ ", line) and not in_code:
            found.append((line, []))
        else:
            found[-1][1].append(line)
    return [(heading, "\n".join(lines).strip()) for heading, lines in found]


def table(text: str) -> list[list[str]]:
    """Return the rows of a pipe table below its two lines of head, cell by cell."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]] for line in lines[2:]]


def labelled(text: str, labels: tuple[str, ...]) -> dict[str, str]:
    """Return what follows each bold label (`**Say.**`), up to the next one; "" for a label that is not there."""
    pieces = re.split(rf"^\*\*({'|'.join(labels)})\.\*\*", text, flags=re.MULTILINE)
    found = dict.fromkeys(labels, "")
    for label, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        found[label] = f"{found[label]}\n\n{piece.strip()}".strip()
    return found


def type_blocks(text: str) -> tuple[TypeBlock, ...]:
    """Return the blocks of Python in a text, in order."""
    return tuple(TypeBlock(code) for code in CODE.findall(text))


def matched(pattern: str, text: str, missing: str) -> re.Match[str]:
    """Return what matches; raise ValueError with the sentence `missing` where nothing does."""
    match = re.search(pattern, text, re.MULTILINE)
    if match is None:
        raise ValueError(missing)
    return match


def read_section(heading: str, text: str) -> Section:
    """Return one section of a page; raise ValueError where it does not say its minutes."""
    live = matched(r"^\*(\d+) minutes live\.\*$", text, f"below '## Section: {heading}' put '*10 minutes live.*'")
    found = labelled(text, PARTS_OF_A_SECTION)
    texts = (found[label] for label in PARTS_OF_A_SECTION)
    return Section(heading, int(live[1]), *texts, type_blocks(text))


def read_exercises(text: str) -> tuple[ExerciseRow, ...]:
    """Return the rows of the table of exercises; raise ValueError where a row has another form."""
    rows = []
    for cells in table(text):
        if len(cells) != 4 or not (cells[0].isdigit() and cells[2].isdigit()) or cells[1] not in ("room", "home"):
            raise ValueError(f"a row of the exercises is '| 1 | room or home | 10 | what to say |', not {cells}")
        rows.append(ExerciseRow(int(cells[0]), cells[1], int(cells[2]), cells[3]))
    return tuple(rows)


def parse_notes(markdown: str) -> Notes:
    """Return a page of notes.

    Raises ValueError, with one sentence that says what to write, where the page has another form.
    """
    (_, above), *found = parts(markdown)
    title_line, opening = found[0] if found else ("", "")
    title = TITLE.fullmatch(title_line)
    if above or title is None:
        raise ValueError("the page begins with '# Teaching chapter 1: Tensors'")
    rest = found[1:]
    headings = [heading for heading, _ in rest]
    first, last = ([f"## {heading}" for heading in some] for some in HEADINGS_AROUND_SECTIONS)
    middle = headings[len(first) : len(headings) - len(last)]
    in_order = headings[: len(first)] == first and headings[-len(last) :] == last
    if not in_order or not middle or not all(heading.startswith(f"## {SECTION}") for heading in middle):
        raise ValueError(f"the headings are {first}, one '## {SECTION}…' for each section, {last}; not {headings}")

    (_, minutes), (_, before), *middle, (_, exercises), (_, short), (_, exit_questions) = rest
    live, room, home = (
        int(matched(rf"^\| {part} \| (\d+) \|$", minutes, f"the table of minutes needs '| {part} | 20 |'")[1])
        for part in ("live, with the teacher", "exercises in the room", "exercises at home")
    )
    warm_up = labelled(before, ("Warm-up",))["Warm-up"]
    sections = tuple(read_section(heading.removeprefix(f"## {SECTION}"), text) for heading, text in middle)
    return Notes(
        chapter=int(title[1]),
        title=title[2],
        opening=opening,
        live=live,
        room=room,
        home=home,
        before=before.partition("**Warm-up.**")[0].strip(),
        warm_up=warm_up,
        sections=sections,
        exercises=read_exercises(exercises),
        if_time_is_short=short,
        exit=exit_questions,
    )


def read_notes(path: Path) -> Notes:
    """Return a page of notes; raise ValueError, with the page's name, where it is missing or has another form."""
    if not path.is_file():
        raise ValueError(f"{path.name} is missing: write the teaching notes of that chapter")
    try:
        return parse_notes(path.read_text("utf8"))
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from None
