"""The teaching pages: the form of the notes, what they have the teacher type, the schedules, the profiles, the form."""

import io
import itertools
import re

import pytest
from bs4 import BeautifulSoup
from pypdf import PdfReader

from book_files import ROOT, chapter_paths, exercises, headings, pages_in_order, prose, read, whole_prose
from bookkit.schedules import LUNCH, clock, cost_record, read_entry, run_seconds, schedule, variants
from bookkit.teaching_notes import TEACHING, notes_path, parse_notes, parts, read_notes, type_blocks

PAGES = ["workshop", "schedules", "when_things_fail", "feedback_form"]
CLOSING_SECTIONS = ["Exercises", "In one breath", "What's next", "Further reading"]
SECONDS_A_BLOCK = 10  # five on the book's machine; a slower one may take twice as long
WORDS_THAT_MAKE_A_COPY = 10
LONGEST_STRETCH, LONGEST_HALF_DAY, LONGEST_NET_DAY = 100, 240, 400  # minutes
SLOWER = 2  # a laptop may take this many times as long as the machine of the record
VARIANTS = {"half_day": 1, "one_day": 1, "two_days": 2}
CHAPTERS = {path.stem: path for path in chapter_paths()}


@pytest.fixture(params=chapter_paths(), ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def notebook(path):
    return read(path)


@pytest.fixture
def notes(path):
    return read_notes(notes_path(path.stem))


@pytest.fixture(params=VARIANTS)
def variant(request):
    return variants()[request.param]


def test_every_chapter_has_its_notes_in_the_contents():
    expected = {f"book/teaching/{page}" for page in [*PAGES, *(f"notes_{name}" for name in CHAPTERS)]}
    in_contents = {page for page in pages_in_order() if page.startswith("book/teaching/")}
    assert not expected - in_contents, f"not in _toc.yml: {sorted(expected - in_contents)}"
    assert {path.stem for path in TEACHING.glob("notes_*.md")} == {f"notes_{name}" for name in CHAPTERS}


def test_notes_follow_the_chapter(path, notebook, notes):
    assert notes.chapter == int(path.stem[:2])
    assert notes.title[0].isupper(), "the contents show the title"
    expected = [heading for heading in headings(notebook, 2) if heading not in CLOSING_SECTIONS]
    assert [section.heading for section in notes.sections] == expected


def test_notes_say_what_a_teacher_needs(notes):
    for name in ("opening", "before", "warm_up", "if_time_is_short", "exit"):
        assert len(getattr(notes, name)) > 40, f"{name} is missing or empty"
    assert "*Answer:*" in notes.warm_up
    assert "*Answers:*" in notes.exit
    for section in notes.sections:
        assert section.say, f"{section.heading}: no **Say.**"
        assert sum(map(bool, (section.type, section.ask, section.stumble))) >= 2, (
            f"{section.heading}: at least two of Type, Ask and Stumble"
        )
        assert not section.ask or "*Answer:*" in section.ask, f"{section.heading}: a question without its answer"
    for part in ("type", "ask", "stumble"):
        assert sum(bool(getattr(section, part)) for section in notes.sections) * 2 >= len(notes.sections), part


def test_minutes_of_the_notes_add_up(notes):
    assert sum(section.minutes for section in notes.sections) == notes.live
    for where in ("room", "home"):
        assert sum(row.minutes for row in notes.exercises if row.where == where) == getattr(notes, where), where


def test_exercises_of_the_notes_are_those_of_the_chapter(notebook, notes):
    expected = [(exercise.number, exercise.minutes) for exercise in exercises(notebook)]
    assert [(row.number, row.minutes) for row in notes.exercises] == expected
    assert all(len(row.afterwards.split()) >= 8 for row in notes.exercises), "say what cures the misconception"


def phrases(text):
    """Return every run of words of a text that is long enough to be a copy."""
    words = re.findall(r"\w+", prose(text).lower())
    n = WORDS_THAT_MAKE_A_COPY
    return {" ".join(words[i : i + n]) for i in range(len(words) - n + 1)}


def test_what_to_say_is_no_copy_of_the_chapter(notebook, notes):
    chapter = phrases(whole_prose(notebook))
    for section in notes.sections:
        copied = phrases(section.say) & chapter
        assert not copied, f"{section.heading}: {sorted(copied)}"


def test_code_in_notes_belongs_to_a_section(path, notes):
    everywhere = type_blocks(notes_path(path.stem).read_text("utf8"))
    assert notes.type_blocks == everywhere
    assert everywhere, "nothing to type"


def what_is_wrong(block, ending):
    """Return what a block of the notes does other than announced, "" if nothing."""
    if ending.error != block.error:
        return f"ends with {ending.error or 'no error'}: {ending.message}"
    missing = [text for text in block.prints if text not in ending.printed]
    if missing:
        return f"announces {missing}, prints {ending.printed!r}"
    if ending.seconds > SECONDS_A_BLOCK:
        return f"takes {ending.seconds:.0f} s"
    return f"leaves {ending.left}" if ending.left else ""


def test_what_the_teacher_types_does_what_the_notes_say(chapter):
    assert bool(chapter.typed) == (chapter.path.stem in CHAPTERS), "only chapters have notes"
    wrong = {block.code: what_is_wrong(block, ending) for block, ending in chapter.typed}
    assert not any(wrong.values()), {code: problem for code, problem in wrong.items() if problem}


GOOD_PAGE = """# Teaching chapter 1: A topic

What it is for.

## Minutes

| part | minutes |
|---|---|
| live, with the teacher | 10 |
| exercises in the room | 5 |
| exercises at home | 7 |

## Before you start

- A fresh kernel.

**Warm-up.** What? *Answer:* That.

## Section: The topic

*10 minutes live.*

**Say.** Something.

**Ask.** Why? *Answer:* Look:

```python
## no heading
1 / 0  # raises ZeroDivisionError
```

**Stumble.** Here.

## Exercises

| exercise | where | minutes | what to say afterwards |
|---|---|---|---|
| 1 | room | 5 | this \\| that |
| 2 | home | 7 | nothing |

## If time is short

Skip it.

## Exit

What now? *Answers:* Nothing.
"""


def test_a_page_of_notes_is_read():
    notes = parse_notes(GOOD_PAGE)
    assert (notes.chapter, notes.title, notes.opening) == (1, "A topic", "What it is for.")
    assert (notes.live, notes.room, notes.home) == (10, 5, 7)
    assert (notes.before, notes.warm_up) == ("- A fresh kernel.", "What? *Answer:* That.")
    (section,) = notes.sections
    assert (section.heading, section.minutes, section.say, section.type) == ("The topic", 10, "Something.", "")
    assert section.stumble == "Here."
    (block,) = section.type_blocks
    assert (block.error, block.prints) == ("ZeroDivisionError", ())
    assert [(row.number, row.where, row.minutes) for row in notes.exercises] == [(1, "room", 5), (2, "home", 7)]
    assert notes.exercises[0].afterwards == "this \\| that"
    assert (notes.if_time_is_short, notes.exit) == ("Skip it.", "What now? *Answers:* Nothing.")


@pytest.mark.parametrize(
    ("good", "bad", "message"),
    [
        ("# Teaching chapter 1: A topic", "# Chapter 1", "begins with '# Teaching chapter 1: Tensors'"),
        ("## Exit", "## The end", "the headings are"),
        ("## Section: The topic", "### The topic", "the headings are"),
        ("*10 minutes live.*", "10 minutes", "put '\\*10 minutes live.\\*'"),
        ("| exercises at home | 7 |", "| home | 7 |", "exercises at home"),
        ("| 2 | home | 7 |", "| 2 | garden | 7 |", "a row of the exercises"),
    ],
)
def test_a_page_of_another_form_gets_one_clear_sentence(good, bad, message):
    with pytest.raises(ValueError, match=message):
        parse_notes(GOOD_PAGE.replace(good, bad))


def test_missing_notes_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"notes_99\.md is missing"):
        read_notes(tmp_path / "notes_99.md")


# --- schedules -------------------------------------------------------------------------------------------------------


def taught(entries):
    """Return every (chapter, section number) that entries teach live, in order."""
    return [(e.chapter, number) for e in entries if e.kind == "live" for number in e.numbers]


def half_days(day):
    """Return the entries of a day, split at lunch."""
    halves = [[]]
    for entry in day.entries:
        if entry.kind == "break" and entry.minutes >= LUNCH:
            halves.append([])
        else:
            halves[-1].append(entry)
    return halves


def prerequisites(chapter):
    """Return the chapters that a chapter names under *Before you start*, those that only help left out."""
    before = read(CHAPTERS[chapter]).cells[0].source.partition("**Before you start:**")[2]
    needed = [sentence for sentence in re.split(r"(?<=[.])\s", before) if "help" not in sentence]
    return set(re.findall(r"\]\((\d\d_\w+)\.ipynb", " ".join(needed)))


def gaps(variant, entries):
    """Return what chapters of these entries build on that was neither taught before nor is replaced by some words."""
    found, known = [], set(variant.instead)
    for chapter in dict.fromkeys(chapter for chapter, _ in taught(entries)):
        found += [f"{chapter} needs {other}" for other in sorted(prerequisites(chapter) - known)]
        known.add(chapter)
    return found


def test_the_variants_are_those_of_the_page():
    assert {key: len(variant.days) for key, variant in variants().items()} == VARIANTS
    page = (TEACHING / "schedules.md").read_text("utf8")
    for key, variant in variants().items():
        assert f"## {variant.title}\n" in page
        assert f"```{{schedule}} {key}\n```" in page


def test_a_day_ends_when_it_is_announced_to_end(variant):
    for day in variant.days:
        assert clock(day.start + day.minutes) == clock(day.end), f"change the breaks or talks of {variant.key}"
    assert schedule(variant, "../../").count("**End:**") == len(variant.days)


def test_a_day_fits_a_day(variant):
    for day in variant.days:
        assert day.net_minutes <= LONGEST_NET_DAY
        halves = half_days(day)
        assert len(halves) == (1 if variant.key == "half_day" else 2)
        for half in halves:
            assert sum(entry.minutes for entry in half) <= LONGEST_HALF_DAY


def test_a_break_comes_in_time(variant):
    for day in variant.days:
        for is_break, stretch in itertools.groupby(day.entries, key=lambda entry: entry.kind == "break"):
            minutes = sum(entry.minutes for entry in stretch)
            assert is_break or minutes <= LONGEST_STRETCH, f"{variant.key}: {minutes} minutes without a break"


def test_sections_are_taught_once_and_in_the_order_of_the_book(variant):
    sections = taught(variant.entries)
    assert len(sections) == len(set(sections))
    assert sections == sorted(sections)


def test_what_a_chapter_builds_on_is_taught_before_or_said_instead(variant):
    assert gaps(variant, variant.entries) == []
    assert not set(variant.instead) & {chapter for chapter, _ in taught(variant.entries)}


def test_a_missing_prerequisite_is_found(variant):
    without_chapter_2 = [entry for entry in variant.entries if entry.chapter != "02_autograd"]
    assert "04_linear_regression_pytorch needs 02_autograd" in gaps(variant, without_chapter_2)


def test_exercises_come_after_what_they_practise_and_are_meant_for_the_room(variant):
    known, done = set(), []
    for entry in variant.entries:
        if entry.kind == "live":
            known |= set(taught([entry]))
        elif entry.kind == "exercises":
            of_chapter = {exercise.number: exercise for exercise in exercises(read(CHAPTERS[entry.chapter]))}
            rows = {row.number: row for row in read_notes(notes_path(entry.chapter)).exercises}
            for number in entry.numbers:
                missing = {(entry.chapter, goal) for goal in of_chapter[number].goals} - known
                assert not missing, f"{variant.key}: exercise {number} practises {missing}, not taught yet"
                assert rows[number].where == "room", f"{variant.key}: {entry.chapter}, exercise {number} is for home"
                done.append((entry.chapter, number))
            assert entry.minutes == sum(of_chapter[number].minutes for number in entry.numbers)
    assert len(done) == len(set(done))


def test_what_is_cut_is_in_order_and_nothing_needs_it(variant):
    for day in variant.days:
        cut = [entry for entry in day.entries if entry.cut is not None]
        assert sorted(entry.cut for entry in cut) == list(range(1, len(cut) + 1)), "cut: 1, 2, 3 … on each day"
        assert cut, f"{variant.key}: nothing is named to leave out when late"
    kept = [entry for entry in variant.entries if entry.cut is None]
    assert gaps(variant, kept) == []


def test_minutes_that_are_typed_into_the_schedule_are_refused():
    with pytest.raises(ValueError, match="an entry has the keys"):
        read_entry({"live": "01_tensors", "sections": [1], "minutes": 5})
    with pytest.raises(ValueError, match="there is no number 9"):
        read_entry({"live": "01_tensors", "sections": [1, 9]})


def test_a_time_without_quotes_gets_one_clear_sentence(tmp_path):
    file = tmp_path / "schedules.yml"
    file.write_text('short:\n  title: Short\n  days: [{start: 10:00, end: "11:00", entries: []}]\n', "utf8")
    with pytest.raises(ValueError, match="with its quotes"):
        variants(file)


def test_the_cells_run_within_the_live_minutes_on_a_slower_laptop(notes, path):
    seconds = run_seconds(cost_record())[path.stem]
    assert SLOWER * seconds <= notes.live * 60, f"{SLOWER * seconds / 60:.0f} minutes of cells"


def test_the_cells_run_within_the_minutes_of_every_schedule(variant):
    seconds = run_seconds(cost_record())
    for entry in variant.entries:
        if entry.kind == "live":
            needed = SLOWER * seconds[entry.chapter] / 60
            assert needed <= entry.minutes, f"{entry.chapter} runs {needed:.0f} minutes in {entry.minutes}"


# --- pages -----------------------------------------------------------------------------------------------------------


def profiles():
    """Return the learner profiles of the workshop's page, by their headings."""
    _, _, below = (TEACHING / "workshop.md").read_text("utf8").partition("\n## Learner profiles\n")
    return {heading: text for heading, text in parts(below) if heading}


def chapters_linked(text):
    """Return the chapters that a text links to."""
    return set(re.findall(r"\]\(\.\./\.\./notebooks/(\d\d_\w+)\.ipynb", text))


@pytest.mark.parametrize("heading", profiles())
def test_a_profile_gets_chapters_that_its_schedule_holds(heading):
    text = profiles()[heading]
    for label in ("Background", "Goal", "Finds hard", "Schedule", "At home"):
        assert f"**{label}.** " in text, f"{heading}: no {label}"
    in_room, at_home = text.partition("**Schedule.**")[2].split("**At home.**")
    assert chapters_linked(text) <= set(CHAPTERS)
    assert chapters_linked(at_home)
    by_anchor = {variant.title.lower().replace(" ", "-"): variant for variant in variants().values()}
    anchors = re.findall(r"\(schedules\.md#([\w-]+)\)", in_room)
    assert set(anchors) <= set(by_anchor)
    held = {chapter for anchor in anchors for chapter, _ in taught(by_anchor[anchor].entries)}
    assert chapters_linked(in_room) <= held
    assert anchors or "None of these" in in_room


def test_there_are_profiles():
    assert len(profiles()) >= 4


def test_every_failure_says_what_to_see_to_do_and_to_prepare():
    sections = [(heading, text) for heading, text in parts((TEACHING / "when_things_fail.md").read_text("utf8"))
                if heading.startswith("## ")]  # fmt: skip
    assert len(sections) >= 9
    for heading, text in sections:
        labels = re.findall(r"^\*\*(.+?)\.\*\* ", text, flags=re.MULTILINE)
        assert labels == ["What you see", "In two minutes", "The day before"], heading


def test_the_site_shows_the_schedules(site):
    page = BeautifulSoup((site / "book" / "teaching" / "schedules.html").read_text("utf8"), "html.parser")
    starts = [row.td.get_text(strip=True) for row in page.select("article table tbody tr")]
    for variant in variants().values():
        for day in variant.days:
            expected = [clock(minutes) for minutes in [*day.starts(), day.end]]
            assert any(starts[i : i + len(expected)] == expected for i in range(len(starts))), variant.key
    table = page.select("article table")[-1]
    assert len(table.select("tbody tr")) == len(CHAPTERS) + 1


@pytest.mark.parametrize(("size", "inches"), [("A4", (8.27, 11.69)), ("Letter", (8.5, 11))])
def test_the_feedback_form_fills_one_page(visit, size, inches):
    page = visit("book/teaching/feedback_form")
    margins = dict.fromkeys(("top", "bottom", "left", "right"), "15mm")
    printed = PdfReader(io.BytesIO(page.pdf(format=size, margin=margins)))
    assert len(printed.pages) == 1
    assert printed.pages[0].mediabox.width == pytest.approx(72 * inches[0], abs=2)
    text = printed.pages[0].extract_text()
    assert "I would send a colleague" in text
    assert "Print this page" not in text
    page.emulate_media(media="print")
    form = page.locator(".paper-form")
    boxes = form.locator(".choices span").count()
    assert boxes >= 20
    assert form.locator(".answer-line").count() >= 8


def test_teaching_pages_name_commands_that_exist():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf8"), flags=re.MULTILINE))
    for path in TEACHING.glob("*.md"):
        text = path.read_text("utf8")
        assert set(re.findall(r"`make ([a-z]+)", text)) <= targets, path.name
        for program in re.findall(r"`python ([\w/]+\.py)", text):
            assert (ROOT / program).is_file(), f"{path.name} names {program}"
