"""Turn a chapter's drafts and teaching notes into slides: HTML with every size decided."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from nbformat import NotebookNode

from bookkit.local_paths import shorten, shorter_names
from slides.cells import code_slides, figure_slide
from slides.highlighting import highlighted
from slides.layout import CODE_FRAME, CODE_LINE, HEIGHT, fitting_sizes, text_lines
from slides.markdown_blocks import Block, plain, render_inline, render_page, sentences
from slides.selection import Draft, select
from slides.teaching_notes import TeachingNotes
from slides.text_pages import block_html, height, pages

TASK_SIZE = 36  # pixels
AIR_AROUND_HEADING = 150  # pixels: above and below the heading that begins a section
TASK_LETTERS = 460  # of an exercise that are read out; the notebook has the rest


@dataclass
class Slide:
    """One slide: its body and its notes as HTML. `stack` begins a new column of the overview."""

    kind: str
    cell: str
    body: str
    header: str = ""
    notes: list[str] = field(default_factory=list)
    stack: bool = False


@dataclass
class Deck:
    """The slides of a chapter."""

    name: str
    title: str
    slides: list[Slide]
    live: int
    room: int

    @property
    def stacks(self) -> list[list[Slide]]:
        """The slides, section by section."""
        found: list[list[Slide]] = []
        for slide in self.slides:
            if slide.stack or not found:
                found.append([])
            found[-1].append(slide)
        return found


def title_slide(draft: Draft, notes: TeachingNotes) -> Slide:
    """Return the first slide: title, goals, minutes."""
    heading, *rest = draft.blocks
    goals = next(part for part in rest if part.kind == "list")
    minutes = (
        f'<p class="minutes"><b>{notes.live}</b> minutes together, '
        f"<b>{notes.room}</b> minutes of exercises in the room</p>"
    )
    size = 40 if sum(text_lines(row[0], 40, 1600) for row in goals.rows) <= 8 else 36
    body = (
        f'<h1>{heading.html}</h1><div class="goals" style="font-size: {size}px"><p>You will be able to</p>'
        f"{goals.html}</div>{minutes}"
    )
    prose = [part.html for part in rest if part.kind == "paragraph" and not part.source.startswith("**")]
    said = [notes.beginning, "<h4>If time is short</h4>", notes.if_short, "<h4>From the chapter</h4>", *prose]
    return Slide("title", draft.cell, body, notes=said, stack=True)


def text_slides(draft: Draft, kind: str, heading: str = "", taken: float = 0) -> list[Slide]:
    """Return slides of running text; figures to play with have a slide each.

    `heading` stands above the text of every slide, `taken` is the height in pixels to leave free on the first one.
    """
    figures = [part for part in draft.blocks if part.kind == "figure"]
    parts = [part for part in draft.blocks if part.kind != "figure"]
    slides = []
    for page in pages(parts, taken) if parts or heading or taken else []:
        content = "".join(block_html(block, page.size) for block in page.blocks)
        body = f'{heading}<div class="text" style="font-size: {page.size}px">{content}</div>'
        slides.append(Slide(kind, draft.cell, body))
    slides += [Slide("figure", draft.cell, figure_slide(figure.source)) for figure in figures]
    return slides


def goals_of(drafts: list[Draft]) -> list[str]:
    """Return the goals of the title slide as HTML, if there is one for each section; else none."""
    listed = next(part for part in drafts[0].blocks if part.kind == "list")
    goals = [item.rstrip(";. ") for item in re.findall(r"<li>(.*?)</li>", listed.html, flags=re.DOTALL)]
    return goals if len(goals) == sum(draft.kind == "section" for draft in drafts) else []


def section_slides(draft: Draft, drafts: list[Draft], notes: TeachingNotes) -> list[Slide]:
    """Return the slide that begins a section with its goal; what does not fit there goes to the next."""
    goals = goals_of(drafts)
    place = [other.cell for other in drafts if other.kind == "section"].index(draft.cell)
    goal = f'<p class="goal">Goal {place + 1}: {goals[place]}</p>' if goals else ""
    size = 68 if text_lines(plain(render_inline(draft.section)), 68) == 1 else 56
    heading = f'<h2 style="font-size: {size}px">{render_inline(draft.section)}</h2>'
    taken = text_lines(draft.section, size) * size * 1.3 + AIR_AROUND_HEADING
    taken += text_lines(plain(goal), 36, 1700) * 36 * 1.4 + 30 if goal else 0
    found = text_slides(draft, "section", taken=taken)
    found[0].body = f"{heading}{goal}{found[0].body}"
    found[0].kind, found[0].stack = "section", True
    for slide in found[1:]:
        slide.kind = "text" if slide.kind == "section" else slide.kind
    found[0].notes = [notes.section(draft.section)]
    return found


def predict_slide(draft: Draft) -> Slide:
    """Return a question that stands alone; at most a line or two that lead to it are above."""
    lead = [part for part in draft.blocks if part.kind == "paragraph"]
    rest = [part for part in draft.blocks if part.kind != "paragraph"]
    question = render_inline(draft.question.source)
    size = 50 if len(draft.question.text) <= 260 else 44
    above = "".join(part.html for part in lead)
    below = "".join(block_html(part, 34) for part in rest)
    body = (
        f'<div class="lead">{above}</div><div class="question"><p class="label">Predict</p>'
        f'<p style="font-size: {size}px">{question}</p></div><div class="text" style="font-size: 34px">{below}</div>'
    )
    return Slide("predict", draft.cell, body)


def exercises_slide(drafts: list[Draft], draft: Draft, notes: TeachingNotes) -> Slide:
    """Return the table of all exercises of a chapter."""
    tasks = [task for task in drafts if task.kind == "task"]
    lines = ["| | exercise | where | minutes |", "|---|---|---|---|"]
    for task in tasks:
        where = "in the room" if notes.exercise(task.number).where == "room" else "at home"
        title = task.blocks[0].source.partition(" · ")[2].replace("|", r"\|")
        lines.append(f"| {task.number} | {title} | {where} | {task.minutes} |")
    table = render_page("\n".join(lines))
    body = f'<h2 style="font-size: 68px">Exercises</h2><div class="text overview">{table}</div>'
    return Slide("exercises", draft.cell, body, stack=True)


def task_text(draft: Draft, room: float) -> tuple[str, bool]:
    """Return the task in short, as HTML, and whether something was left out."""
    shown, taken, letters = [], 0.0, 0
    for part in draft.blocks[1:]:
        if part.kind == "hint":
            continue
        pieces = [part]
        if part.kind == "paragraph":
            pieces = [Block("paragraph", words, f"<p>{render_inline(words)}</p>") for words in sentences(part.source)]
        words = ""
        for piece in pieces:
            need = height(piece, 37)
            count = len(piece.text) if part.kind == "paragraph" else 0
            if taken + need > room or letters + count > TASK_LETTERS:
                return "".join(shown) + (f"<p>{words}</p>" if words else ""), True
            taken += need
            letters += count
            if part.kind == "paragraph":
                words = f"{words} {render_inline(piece.source)}".strip()
            else:
                shown.append(block_html(piece, 37))
        if words:
            shown.append(f"<p>{words}</p>")
    return "".join(shown), False


def task_slide(draft: Draft, notes: TeachingNotes) -> Slide:
    """Return an exercise: number, title, minutes, the task in short and the stub; never what solves it."""
    debrief = notes.exercise(draft.number)
    code = draft.source.source.splitlines() if draft.source is not None else []
    size = min(28, fitting_sizes(code)[0])
    stub = len(code) * size * CODE_LINE + CODE_FRAME[1] + 30
    text, shortened = task_text(draft, HEIGHT - stub - 170)
    number, _, title = draft.blocks[0].source.partition(" · ")
    where = "in the room" if debrief.where == "room" else "at home"
    body = (
        f'<h2 class="task-title"><span>{number}</span> {render_inline(title)}</h2>'
        f'<p class="facts"><b>{draft.minutes} minutes</b> {where} · {draft.level}</p>'
        f'<div class="text" style="font-size: {TASK_SIZE}px">{text}</div>'
        f'<div class="stub" style="font-size: {size}px">{highlighted(chr(10).join(code))}</div>'
    )
    said = [f"<p><b>Afterwards.</b> {debrief.html}</p>"]
    if shortened or any(part.kind == "hint" for part in draft.blocks):
        said.append("<h4>The whole task</h4>")
        for part in draft.blocks[1:]:
            said.append(f"<p><b>Hint.</b></p>{part.html}" if part.kind == "hint" else part.html)
    return Slide("task", draft.cell, body, notes=said)


def header_of(draft: Draft) -> str:
    """Return the line at the top of a slide: the section and its part."""
    parts = [render_inline(draft.section)] if draft.section else []
    if draft.topic and draft.kind not in ("task", "summary", "next"):
        parts.append(draft.topic)
    return " · ".join(parts)


def slides_of(draft: Draft, drafts: list[Draft], notes: TeachingNotes) -> list[Slide]:
    """Return the slides that a draft becomes: more than one where one is too small."""
    match draft.kind:
        case "title":
            return [title_slide(draft, notes)]
        case "section":
            return section_slides(draft, drafts, notes)
        case "predict":
            return [predict_slide(draft)]
        case "exercises":
            return [exercises_slide(drafts, draft, notes)]
        case "task":
            return [task_slide(draft, notes)]
        case "code":
            bodies = code_slides(draft.source, draft.blocks)
            return [Slide(body.kind, draft.cell, body.html, notes=body.notes) for body in bodies]
        case "summary" | "next":
            found = text_slides(draft, draft.kind, f"<h2>{render_inline(draft.section)}</h2>")
            found[0].stack = draft.kind == "summary"
            if draft.kind == "next":
                found[-1].notes = ["<h4>Exit questions</h4>", notes.end]
            return found
    return text_slides(draft, "text")


def make_deck(name: str, notebook: NotebookNode, notes: TeachingNotes, root: Path) -> Deck:
    """Return the slides of a chapter. Raises ValueError where the chapter and its notes do not fit together."""
    drafts = select(notebook)
    found: list[Slide] = []
    for draft in drafts:
        slides = slides_of(draft, drafts, notes)
        header = "" if draft.kind in ("title", "section", "exercises") else header_of(draft)
        for slide in slides:
            slide.header = "" if slide.kind == "section" else header or render_inline(draft.section)
        if slides:
            target = slides[-1] if draft.kind == "code" else slides[0]
            target.notes = [*target.notes, *draft.notes]
        elif found:
            found[-1].notes += draft.notes
        found += slides
    headings = {draft.section for draft in drafts if draft.kind == "section"}
    unknown = set(notes.sections) - headings
    if unknown:
        raise ValueError(f"{notes.page} has notes to {sorted(unknown)}, but the chapter has no such section.")
    names = shorter_names(root)
    for slide in found:
        slide.body = shorten(slide.body, names)
    title = plain(drafts[0].blocks[0].html)
    return Deck(name, title, found, notes.live, notes.room)
