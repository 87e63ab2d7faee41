"""The glossary: every term that a chapter prints in bold has an entry, and every entry leads to where it is taught."""

import re

import pytest

from book_files import NOTEBOOKS, chapter_paths, headings, read, whole_prose
from bookkit.glossary import entries

MARKERS = re.compile(r"\*\*(Predict\.|You will be able to|Time:|Before you start:)\*\*")
CODE = re.compile(r"`[^`\n]+`")  # holds ** for powers
BOLD = re.compile(r"\*\*(.+?)\*\*", re.DOTALL)
ENTRIES = entries()
CHINESE = re.compile(r"[\u4e00-\u9fff]")
LONGEST_MEANING = 32  # words


def bolded(path):
    """Return the terms that a chapter prints in bold."""
    return BOLD.findall(CODE.sub("", MARKERS.sub("", whole_prose(read(path)))))


def linked_headings(chapter):
    """Return the headings of a chapter that have an anchor on its page."""
    notebook = read(NOTEBOOKS / f"{chapter}.ipynb")
    return [heading for level in (1, 2, 3) for heading in headings(notebook, level)]


@pytest.mark.parametrize("path", chapter_paths(), ids=lambda path: path.stem)
def test_every_term_in_bold_has_an_entry_that_leads_to_its_chapter(path):
    taught_here = [entry for entry in ENTRIES if entry["chapter"] == path.stem]
    known = {form for entry in taught_here for form in [entry["term"], *entry.get("bold", [])]}
    found = set(bolded(path))
    assert found, f"{path.stem} introduces no term"
    missing = found - known
    assert not missing, f"{path.stem} prints {sorted(missing)} in bold: book/glossary.yml has no such entry for it"


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["term"])
def test_an_entry_is_one_sentence_with_a_chinese_term_and_a_place(entry):
    meaning = entry["meaning"]
    assert re.fullmatch(r"[A-Z`].*[^.]\.", meaning), f"not one sentence: {meaning}"
    assert not re.search(r"[.!?] [A-Z]", meaning), f"more than one sentence: {meaning}"
    assert len(meaning.split()) <= LONGEST_MEANING
    assert not re.match(rf"(An? |The )?{re.escape(entry['term'])}\b", meaning, re.IGNORECASE), "defined by itself"
    assert CHINESE.search(entry["chinese"])
    assert entry["heading"] in linked_headings(entry["chapter"])


def test_entries_are_sorted_and_not_repeated():
    terms = [entry["term"].casefold() for entry in ENTRIES]
    assert terms == sorted(terms)
    assert len(terms) == len(set(terms))
