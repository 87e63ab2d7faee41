"""The error gallery: entries of one form, an index that knows them all, headings that say what is printed."""

import re
from dataclasses import dataclass

import pytest
from nbformat import NotebookNode

from book_files import FENCE, NOTEBOOKS, has_tag, markdown_cells, prose, read

GALLERY = NOTEBOOKS / "a1_error_gallery.ipynb"
MARKERS = ["Symptom", "Why", "Repair", "Next time"]
FEWEST_ENTRIES = 20
CELLS_AN_ENTRY = 4  # besides its claims
ENTRY = re.compile(r'\A<a id="([a-z-]+)"></a>\n\n### (.+)$', re.MULTILINE)
CODE = re.compile(r"`([^`]+)`")
INDEX_ROW = re.compile(r'^\| <a href="#([a-z-]+)">(.+?)</a> \| .+ \|$', re.MULTILINE)


@dataclass(frozen=True)
class Entry:
    """One entry of the gallery: its anchor, its heading and its cells, the one with the heading first."""

    anchor: str
    heading: str
    cells: list[NotebookNode]

    def text(self) -> str:
        """Return what is written in the entry, claims included."""
        return "\n\n".join(cell.source for cell in self.cells)

    def printed(self) -> str:
        """Return what its cells print, and what a fenced block shows as printed on another machine."""
        texts = [cell.source for cell in self.cells if cell.cell_type == "markdown"]
        parts = [block[0] for text in texts for block in FENCE.finditer(text)]
        for output in [output for cell in self.cells if cell.cell_type == "code" for output in cell.outputs]:
            parts += [output.get("text", ""), output.get("evalue", ""), output.get("data", {}).get("text/plain", "")]
        return "\n".join(parts)


def entries(notebook: NotebookNode) -> list[Entry]:
    """Return the entries; one ends where the next heading begins."""
    found, inside = [], False
    for cell in notebook.cells:
        text = prose(cell.source) if cell.cell_type == "markdown" else ""
        entry = ENTRY.match(text)
        if entry:
            found.append(Entry(entry[1], entry[2], []))
        if re.search(r"^#{1,3} ", text, re.MULTILINE):
            assert entry or "### " not in text, f"{cell.id}: an entry begins with its anchor"
            inside = bool(entry)
        if inside:
            found[-1].cells.append(cell)
    return found


each_entry = pytest.mark.parametrize("entry", entries(read(GALLERY)), ids=lambda entry: entry.anchor)


def test_there_are_enough_entries_and_no_two_share_an_anchor():
    anchors = [entry.anchor for entry in entries(read(GALLERY))]
    assert len(anchors) >= FEWEST_ENTRIES
    assert len(anchors) == len(set(anchors))


@each_entry
def test_an_entry_has_its_four_parts_in_order(entry):
    assert re.findall(r"^\*\*([A-Z][a-z ]+)\.\*\*", entry.text(), re.MULTILINE) == MARKERS
    visible = [cell for cell in entry.cells if not has_tag(cell, "claim")]
    assert len(visible) <= CELLS_AN_ENTRY
    runs = [cell.id for cell in visible if cell.cell_type == "code"]
    assert runs == [f"{entry.anchor}-symptom", f"{entry.anchor}-repair"]


@each_entry
def test_what_an_entry_prints_is_asserted(entry):
    for cell, after in zip(entry.cells, [*entry.cells[1:], None], strict=True):
        if cell.cell_type == "code" and not has_tag(cell, "claim"):
            assert after is not None and has_tag(after, "claim"), f"no claim after {cell.id}"  # noqa: PT018
            assert not has_tag(cell, "raises-exception") or "str(sys.last_value)" in after.source, cell.id


def test_the_index_and_the_entries_are_the_same():
    notebook = read(GALLERY)
    by_anchor = {entry.anchor: entry for entry in entries(notebook)}
    index = next(cell.source for cell in notebook.cells if cell.id == "index")
    rows = INDEX_ROW.findall(index)
    assert len(rows) == sum(line.startswith("|") for line in index.splitlines()) - 2, "a row has another form"
    assert list(dict.fromkeys(anchor for anchor, _ in rows)) == list(by_anchor), "missing, unknown or out of order"
    for anchor, words in rows:
        for part in CODE.findall(words):
            assert part in by_anchor[anchor].text(), f"{part!r} leads to {anchor}, where it does not occur"


def test_links_within_the_page_lead_to_an_entry():
    notebook = read(GALLERY)
    anchors = {entry.anchor for entry in entries(notebook)}
    targets = [target for cell in markdown_cells(notebook) for target in re.findall(r'href="#([^"]+)"', cell.source)]
    assert targets
    assert set(targets) <= anchors


@pytest.mark.parametrize("chapter", [GALLERY], indirect=True, ids=lambda path: path.stem)
def test_the_words_of_a_heading_are_printed(chapter):
    for entry in entries(chapter.notebook):
        for words in CODE.findall(entry.heading):
            assert words in entry.printed(), f"{entry.anchor}: {words!r} is in the heading, but nothing prints it"
