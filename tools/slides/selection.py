"""What of a chapter is shown, on which slide, and what is left to the speaker notes. CONTRIBUTING tells the rule."""

import re
from dataclasses import dataclass, field, replace

from nbformat import NotebookNode

from slides.markdown_blocks import Block, blocks, render_inline, sentences
from slides.source import slide_type, tags

LEFT_OUT = {"setup", "data", "claim", "solution", "check"}
SHORT = 200  # letters; a longer paragraph is for reading, not for a wall
LONGEST_CODE = 24  # lines; a longer program is for the notebook
TASK_HEADING = re.compile(r"Exercise (\d+) · (.+)")
TASK_FACTS = re.compile(r"\*Goals? [\d, and]+ · (\w+) · (\d+) minutes\*")
HEAVY = {"list", "table", "maths", "code", "figure"}


@dataclass
class Draft:
    """A slide before its layout is known; a cell that draws may become two.

    `kind` is title, section, text, predict, code, exercises, task, summary or next; `cell` is the id of the cell that
    it comes from; `blocks` are shown; `notes` are HTML for the speaker view; `section` is the heading it belongs to.
    """

    kind: str
    cell: str
    section: str = ""
    topic: str = ""
    blocks: list[Block] = field(default_factory=list)
    source: NotebookNode | None = None
    notes: list[str] = field(default_factory=list)
    question: Block | None = None
    number: int = 0
    level: str = ""
    minutes: int = 0


def leads_on(block: Block) -> bool:
    """Say whether a paragraph is finished by what comes after it, such as a list."""
    return block.kind == "paragraph" and not block.text.endswith((".", "?", "!", ")"))


def shown_parts(block: Block) -> list[Block]:
    """Return what a slide shows of a block: all of it if it is short, else the sentences that introduce a term."""
    if block.kind in HEAVY or (block.kind == "paragraph" and len(block.text) <= SHORT):
        return [block]
    if block.kind != "paragraph":
        return []
    terms = [sentence for sentence in sentences(block.source) if re.search(r"\*\*[^*]+\*\*", sentence)]
    if leads_on(block) and sentences(block.source)[-1] not in terms:
        terms.append(sentences(block.source)[-1])
    parts = [Block("paragraph", sentence, f"<p>{render_inline(sentence)}</p>") for sentence in terms]
    return [part for part in parts if len(part.text) <= SHORT]


def lead_sentence(block: Block) -> list[Block]:
    """Return the first sentence of a paragraph as a block, nothing if it is long."""
    first = sentences(block.source)[0]
    part = Block("paragraph", first, f"<p>{render_inline(first)}</p>")
    return [part] if len(part.text) <= SHORT else []


def heading_of(block: Block) -> str:
    """Return the words of a heading as the teaching notes repeat them."""
    return block.source.strip()


def only_imports(code: str) -> bool:
    """Say whether code does nothing but import."""
    return all(re.match(r"(import|from)\b|\s*$", line) for line in code.splitlines())


class Selection:
    """Goes through the cells of a chapter and collects drafts of slides."""

    def __init__(self) -> None:
        self.drafts: list[Draft] = []
        self.section = self.topic = ""
        self.explains = False  # whether the last code cell stands on a slide, so that its explanation may stand there
        self.follows = True  # whether code cells are shown that say nothing themselves
        self.waiting: list[str] = []  # notes for the next slide

    def open(self, draft: Draft) -> Draft:
        """Begin a slide."""
        draft.section, draft.topic = draft.section or self.section, draft.topic or self.topic
        draft.notes = [*draft.notes, *self.waiting]
        self.waiting = []
        self.drafts.append(draft)
        return draft

    def note(self, parts: list[Block]) -> None:
        """Put blocks into the notes of the slide that is open."""
        self.drafts[-1].notes += [part.html for part in parts]

    def cell(self, cell: NotebookNode) -> None:
        """Take one cell in."""
        if tags(cell) & LEFT_OUT:
            return
        if cell.cell_type == "code":
            self.code(cell)
        else:
            self.text(cell)

    def code(self, cell: NotebookNode) -> None:
        """Show a code cell, or not."""
        kind = slide_type(cell)
        if "exercise" in tags(cell):
            if self.drafts[-1].kind == "task":
                self.drafts[-1].source = cell
            return
        if kind == "notes":
            self.drafts[-1].notes.append(f"<pre>{Block('code', cell.source, '').source}</pre>")
        long = len(cell.source.splitlines()) > LONGEST_CODE
        hidden = "hide-input" in tags(cell) and not cell.outputs
        left_out = not self.follows or long or hidden or "record" in tags(cell) or only_imports(cell.source)
        if kind in ("skip", "notes") or (kind is None and left_out):
            if self.follows and long and kind is None:
                count = len(cell.source.splitlines())
                self.waiting.append(f"<p>Show the program in the notebook: {count} lines, cell {cell.id}.</p>")
            self.explains = False
            return
        self.open(Draft("code", cell.id, source=cell))
        self.explains = True

    def text(self, cell: NotebookNode) -> None:
        """Show of a text cell what fits on a wall, and leave the rest to the notes."""
        kind = slide_type(cell)
        parts = blocks(cell.source)
        if kind in ("skip", "notes") and any(part.kind == "heading" for part in parts):
            self.topic = ""  # what comes next does not belong below the heading before
        if kind == "skip" or not parts:
            self.follows = not parts
            return
        if kind == "notes":
            self.note([part for part in parts if part.kind != "figure"])
            self.follows = False
            return
        self.follows = self.section != "Exercises"
        run: list[Block] = []  # what stands between two headings or questions
        for index, part in enumerate(parts):
            if part.kind == "heading":
                self.explanation(run, cell, before_question=False, whole=kind in ("slide", "subslide"))
                run = []
                self.heading(part, parts[index + 1 :], cell)
                if part.level == 1 or self.drafts[-1].kind in ("exercises", "task", "summary", "next"):
                    return
                if self.section == "Further reading":
                    self.follows = False
                    return
            elif part.is_question:
                lead = self.explanation(run, cell, before_question=True, whole=kind in ("slide", "subslide"))
                run = []
                question = replace(part, source=part.source.removeprefix("**Predict.**").strip())
                self.open(Draft("predict", cell.id, question=question, blocks=lead))
                self.explains = False
            elif self.drafts[-1].question is not None and self.drafts[-1].cell == cell.id:
                predict = self.drafts[-1]
                shown = shown_parts(part)
                predict.blocks += [] if part.kind == "figure" else shown
                if not shown:
                    predict.notes.append(part.html)
            else:
                run.append(part)
        self.explanation(run, cell, before_question=False, whole=kind in ("slide", "subslide"))

    def heading(self, part: Block, rest: list[Block], cell: NotebookNode) -> None:
        """Begin what a heading stands above."""
        if part.level == 1:
            self.open(Draft("title", cell.id, blocks=[part, *rest]))
            return
        task = TASK_HEADING.fullmatch(part.text)
        if part.level == 3 and task:
            facts = TASK_FACTS.fullmatch(rest[0].source)
            if not facts:
                raise ValueError(f"{cell.id} lacks the line '*Goal 1 · routine · 5 minutes*' below its heading.")
            self.open(Draft("task", cell.id, blocks=[part, *rest[1:]], number=int(task[1])))
            self.drafts[-1].level, self.drafts[-1].minutes = facts[1], int(facts[2])
            self.drafts[-1].topic = ""
            return
        if part.level == 3:
            self.topic, self.explains = part.html, False
            return
        self.section, self.topic, self.explains = heading_of(part), "", False
        kinds = {"Exercises": "exercises", "In one breath": "summary", "What's next": "next"}
        if self.section != "Further reading":
            shown = [] if kinds.get(self.section) == "exercises" else rest
            self.open(Draft(kinds.get(self.section, "section"), cell.id, blocks=[]))
            if self.section in kinds:
                self.drafts[-1].blocks = shown
                if not shown:
                    self.note(rest)

    def explanation(self, run: list[Block], cell: NotebookNode, *, before_question: bool, whole: bool) -> list[Block]:
        """Place the blocks that stand before a question, a heading or the end of a cell.

        They go onto the section's own slide, below the cell that they explain, or, if there are tables, formulas,
        lists or code among them, onto a slide of their own. Returns what shall stand above the question.
        """
        if not run:
            return []
        current = self.drafts[-1]
        if whole:
            self.open(Draft("text", cell.id, blocks=run))
            return []
        if current.kind == "section" and current.cell == cell.id and not self.topic:
            for part in run:
                shown = shown_parts(part)
                current.blocks += shown
                if shown != [part]:
                    current.notes.append(part.html)
            if not current.blocks and run[0].kind == "paragraph":
                current.blocks += lead_sentence(run[0])
            return []
        # What comes last before a question leads to it; so does all that stands below a subheading.
        lead: list[Block] = []
        if before_question and (len(run) > 1 or not self.explains) and run[-1].kind == "paragraph":
            lead, run = [run[-1]], run[:-1]
        if any(part.kind in HEAVY for part in run):
            self.heavy(run, cell)
        elif self.explains:
            for part in run:
                current.blocks += shown_parts(part)
                current.notes.append(part.html)
        else:
            self.note(run)
        if not lead:
            return []
        shown = shown_parts(lead[0])[:2] or lead_sentence(lead[0])
        if shown != lead:
            self.waiting.append(lead[0].html)
        return shown

    def heavy(self, run: list[Block], cell: NotebookNode) -> None:
        """Give tables, formulas, lists and code a slide, with the short paragraphs that stand right before them."""
        first = next(index for index, part in enumerate(run) if part.kind in HEAVY)
        start = first - 1 if first and shown_parts(run[first - 1]) and not self.explains else first
        if first and leads_on(run[first - 1]):
            start = first - 1
        for part in run[:start]:
            if self.explains:
                self.drafts[-1].blocks += shown_parts(part)
            self.note([part])
        slide = self.open(Draft("text", cell.id))
        for part in run[start:]:
            shown = shown_parts(part)
            slide.blocks += shown
            if shown != [part]:
                slide.notes.append(part.html)
        self.explains = False


def select(notebook: NotebookNode) -> list[Draft]:
    """Return the drafts of a chapter's slides."""
    selection = Selection()
    for cell in notebook.cells:
        selection.cell(cell)
    return selection.drafts
