"""The decks of slides: what is on them, what is not, and how they look in Chromium at 1920 × 1080."""

import re

import nbformat
import pytest
from bs4 import BeautifulSoup
from pypdf import PdfReader

import make_slides
from book_files import ROOT, chapter_paths, code_cells, exercises, has_tag, headings, markdown_cells, read
from site_build import build_cache
from slides.layout import arrange_text, cut_text
from slides.markdown_blocks import blocks, sentences
from slides.outputs import middle_cut, printed_lines
from slides.selection import select
from slides.source import executed, slide_type
from slides.teaching_notes import read_notes

NOTES = ROOT / "book" / "teaching"
BOUNDS = (25, 60)  # slides; nearly every third is one question
AT_THE_END = {"Exercises", "In one breath", "What's next", "Further reading"}

# Goes through all slides, every step shown, and returns what is wrong with them.
LOOK = """() => {
  const problems = [];
  for (const slide of document.querySelectorAll(".slides section section")) {
    const {h, v} = Reveal.getIndices(slide);
    Reveal.slide(h, v, 99);
    const say = (text) => problems.push(`${slide.dataset.kind} ${slide.dataset.cell}: ${text}`);
    const page = slide.querySelector(".page"), box = page.getBoundingClientRect();
    if (Math.abs(box.left) + Math.abs(box.top) + Math.abs(box.width - 1920) + Math.abs(box.height - 1080) > 1)
      say("does not fill the screen");
    if (page.scrollWidth > 1920 || page.scrollHeight > 1080) say("scrolls");
    for (const part of page.querySelectorAll("*")) {
      if (part.parentElement.closest("math")) continue;
      const place = part.getBoundingClientRect();
      if (place.width === 0) continue;
      if (place.left < 20 || place.top < 20 || place.right > 1900 || place.bottom > 1035) {
        say(`<${part.tagName} ${part.className}> ends at ${Math.round(place.right)}, ${Math.round(place.bottom)}`);
        break;
      }
      const size = parseFloat(getComputedStyle(part).fontSize);
      const isCode = part.closest(".source, .output, .stub, .highlight, code");
      const least = isCode ? 20 : part.closest("table") ? 28 : 34;
      const hasWords = [...part.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
      if (hasWords && size < least) {
        say(`letters of ${size} px: ${part.innerText.slice(0, 40)}`);
        break;
      }
    }
    const below = [...page.querySelectorAll(".body :is(div, p, ul, ol, li, h1, h2)")];
    for (const one of below) {
      const other = one.nextElementSibling;
      if (!other) continue;
      const [a, b] = [one.getBoundingClientRect(), other.getBoundingClientRect()];
      if (b.height && a.bottom > b.top + 1 && a.right > b.left + 1) say(`${one.className} covers ${other.className}`);
    }
    for (const image of page.querySelectorAll("img")) {
      if (!image.naturalWidth) say("a picture is broken");
      if (image.alt.length < 20) say("a picture without a text that says what it shows");
    }
    const words = page.cloneNode(true);
    for (const code of words.querySelectorAll("pre, code")) code.remove();
    const formula = words.textContent.match(/\\$|\\\\[a-z]+/);
    if (formula) say(`raw formula: ${formula[0]}`);
    if (!page.innerText.trim() && !page.querySelector("img")) say("is empty");
  }
  return problems;
}"""


@pytest.fixture(scope="session")
def decks(site, tmp_path_factory):
    """The folder of all decks, made once from the outputs of the built book."""
    folder = tmp_path_factory.mktemp("usb-stick") / "slides"
    make_slides.make(ROOT, [], NOTES, folder)
    return folder


@pytest.fixture(scope="session")
def parsed(decks):
    """A function that returns a deck as a tree of tags, each parsed once."""
    known = {}

    def parsed(path):
        if path not in known:
            known[path] = BeautifulSoup((decks / f"{path.stem}.html").read_text("utf8"), "html.parser")
        return known[path]

    return parsed


@pytest.fixture
def opened(browser, decks):
    """A function that opens a deck from its file and records what goes wrong and what is asked for."""
    contexts = []

    def open_deck(name, query=""):
        context = browser.new_context(viewport={"width": 1920, "height": 1080})
        contexts.append(context)
        page = context.new_page()
        page.problems, page.traffic = [], []
        page.on("console", lambda line: page.problems.append(line.text))
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("request", lambda request: page.traffic.append(request.url))
        page.on("requestfailed", lambda request: page.problems.append(f"failed: {request.url}"))
        page.goto(f"{(decks / name).as_uri()}.html{query}")
        page.wait_for_function("Reveal.isReady()")
        return page

    yield open_deck
    for context in contexts:
        context.close()


chapters = pytest.mark.parametrize("path", chapter_paths(), ids=lambda path: path.stem)


def slides_of(deck):
    """Return the slides of a parsed deck in their order."""
    return deck.select(".slides > section > section")


def squeezed(text):
    """Return text with single spaces."""
    return " ".join(text.split())


@chapters
def test_a_deck_opened_from_its_file_fits_the_screen(opened, path):
    page = opened(path.stem)
    assert page.evaluate(LOOK) == []
    page.wait_for_timeout(100)  # milliseconds: whatever the last slide asks for
    elsewhere = [url for url in page.traffic if not url.startswith(("file:", "data:"))]
    assert elsewhere == []
    assert page.problems == []


@chapters
def test_a_deck_has_the_parts_of_its_chapter(parsed, path):
    chapter, slides = read(path), slides_of(parsed(path))
    assert BOUNDS[0] <= len(slides) <= BOUNDS[1], (
        f"{len(slides)} slides: mark text cells with the slide_type 'notes' until it is between {BOUNDS}"
    )
    assert slides[0]["data-kind"] == "title"
    assert str(read_notes(NOTES / f"notes_{path.stem}.md").live) in slides[0].select_one(".minutes").text
    sections = [slide for slide in slides if slide["data-kind"] == "section"]
    wanted = [heading for heading in headings(chapter, 2) if heading not in AT_THE_END]
    assert [plain(slide.h2.get_text()) for slide in sections] == [plain(heading) for heading in wanted]
    tasks = [slide for slide in slides if slide["data-kind"] == "task"]
    for slide, exercise in zip(tasks, exercises(chapter), strict=True):
        assert slide.h2.span.text == f"Exercise {exercise.number}"
        assert f"{exercise.minutes} minutes" in slide.select_one(".facts").text
        assert squeezed(exercise.stub.source) in squeezed(slide.select_one(".stub").get_text())
    assert {"exercises", "summary", "next"} <= {slide["data-kind"] for slide in slides}


def plain(markdown):
    """Return the letters of a heading: without marks, blanks and formulas."""
    return re.sub(r"[^a-z]", "", re.sub(r"\$[^$]*\$", "", markdown).lower())


@chapters
def test_a_question_comes_before_its_answer_and_alone(parsed, path):
    slides = slides_of(parsed(path))
    # The next cell that runs after each question, straight from the notebook.
    answers, waiting = {}, []
    for cell in read(path).cells:
        if cell.cell_type == "markdown" and "**Predict.**" in cell.source:
            waiting = [cell.id]
        elif cell.cell_type == "code" and not {"claim", "setup", "data"} & set(cell.metadata.get("tags", [])):
            answers |= dict.fromkeys(waiting, cell.id)
            waiting = []
    places = {}
    for index, slide in enumerate(slides):
        places.setdefault((slide["data-kind"], slide["data-cell"]), index)
    asked = 0
    for index, slide in enumerate(slides):
        question = slide.select_one(".question")
        among = [words for words in slide.select(".page strong") if words.text == "Predict."]
        assert not among, f"{slide['data-cell']}: a question among other text"
        if not question:
            continue
        asked += 1
        assert not slide.select(".output, .source, .results, img"), f"{slide['data-cell']}: a question is not alone"
        answer = places.get(("code", answers[slide["data-cell"]]))
        if answer is not None:
            assert index < answer, f"{slide['data-cell']}: the answer comes first"
    assert asked >= 5


@chapters
def test_results_wait_for_a_key(parsed, path):
    for slide in slides_of(parsed(path)):
        if slide.select_one(".source"):
            for results in slide.select(".results"):
                assert "fragment" in results["class"], f"{slide['data-cell']}: code and results come together"


@chapters
def test_no_deck_gives_a_solution_away(parsed, path):
    chapter = read(path)
    text = {squeezed(line) for line in parsed(path).get_text().splitlines()}
    shown = [cell.source for cell in chapter.cells if not has_tag(cell, "solution") and not has_tag(cell, "check")]
    harmless = squeezed("\n".join(shown))
    for cell in [*code_cells(chapter, "solution"), *code_cells(chapter, "check")]:
        for line in map(squeezed, cell.source.splitlines()):
            if len(line) > 12 and line not in harmless:
                assert line not in text, f"{cell.id} is on a slide or in its notes: {line}"


@chapters
def test_the_speaker_notes_hold_what_to_say(parsed, path):
    page = (NOTES / f"notes_{path.stem}.md").read_text("utf8")
    said = dict(re.findall(r"^## Section: (.+?)\n.*?^\*\*Say\.\*\* (.+?)\n\n", page, flags=re.M | re.S))
    slides = {plain(slide.h2.get_text()): slide for slide in slides_of(parsed(path)) if slide["data-kind"] == "section"}
    assert said
    assert {plain(heading) for heading in said} == set(slides)
    for heading, words in said.items():
        notes = squeezed(slides[plain(heading)].aside.get_text())
        for piece in re.split(r"[`*$\[\]]|\([^)]*\)", squeezed(words)):
            assert piece.strip() in notes, f"{heading}: the notes lack {piece!r}"
    debriefs = [slide for slide in slides_of(parsed(path)) if slide["data-kind"] == "task"]
    assert all(slide.aside.get_text().strip().startswith("Afterwards.") for slide in debriefs)


def test_every_figure_keeps_its_alternative_text(parsed):
    for path in chapter_paths():
        alts = {cell.metadata.get("mystnb", {}).get("image", {}).get("alt") for cell in code_cells(read(path))}
        for slide in slides_of(parsed(path)):
            if slide["data-kind"] == "code":
                assert {image["alt"] for image in slide.select("img")} <= alts


def test_the_list_names_every_deck_with_its_minutes(decks):
    rows = BeautifulSoup((decks / "index.html").read_text("utf8"), "html.parser").table.tbody.select("tr")
    for row, path in zip(rows, chapter_paths(), strict=True):
        notes = read_notes(NOTES / f"notes_{path.stem}.md")
        cells = [cell.text for cell in row.select("td")]
        assert row.a["href"] == f"{path.stem}.html"
        assert (decks / row.a["href"]).is_file()
        assert cells[2:] == [str(notes.live), str(notes.room)]


def test_links_lead_to_decks_or_out_of_the_folder(parsed, decks):
    for path in chapter_paths():
        for link in parsed(path).select("a"):
            target = link["href"]
            assert target.startswith("https://") or (decks / target).is_file(), f"{path.stem}: {target}"


def test_the_speaker_view_opens_from_a_file(opened):
    page = opened(chapter_paths()[1].stem)
    page.keyboard.press("ArrowRight")
    with page.context.expect_page() as window:
        page.keyboard.press("s")
    notes = ".speaker-controls-notes .value"
    window.value.wait_for_function(f"document.querySelector('{notes}')?.innerText.includes('Say.')")
    page.keyboard.press("ArrowRight")
    window.value.wait_for_function(f"!document.querySelector('{notes}').innerText.includes('Say.')")
    assert page.problems == []


def test_a_deck_prints_a_page_for_every_slide(opened, parsed, tmp_path):
    path = chapter_paths()[12]
    page = opened(path.stem, "?print-pdf")
    page.wait_for_selector(".pdf-page")
    page.pdf(path=tmp_path / "deck.pdf", prefer_css_page_size=True, print_background=True)
    assert len(PdfReader(tmp_path / "deck.pdf").pages) == len(slides_of(parsed(path)))


# What a maintainer reads when something is missing.


ONE_TOO_MANY = "## Section: One too many\n\n*1 minutes live.*\n\n**Say.** Nothing."


def sample_notes(folder, path, change):
    """Write a chapter's notes with one thing changed, and return the folder."""
    text = (NOTES / f"notes_{path.stem}.md").read_text("utf8")
    assert change(text) != text
    (folder / f"notes_{path.stem}.md").write_text(change(text), "utf8")
    return folder


def test_a_missing_page_of_notes_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"notes_01_tensors\.md is missing: write this page"):
        make_slides.make(ROOT, ["01"], tmp_path, tmp_path / "slides")
    assert not (tmp_path / "slides").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: re.sub(r"^## Section: .+$", "## Section: Else", text, count=1, flags=re.M), "has no notes to"),
        (lambda text: text.replace("## Exercises", f"{ONE_TOO_MANY}\n\n## Exercises"), "has no such section"),
        (lambda text: text.replace("## Exit", "## Exits"), "notes_01_tensors.md: the headings are"),
        (lambda text: re.sub(r"^\| 1 \|.*\n", "", text, flags=re.M), "no row for exercise 1"),
    ],
)
def test_notes_that_do_not_fit_the_chapter_are_refused(site, tmp_path, change, words):
    folder = sample_notes(tmp_path, chapter_paths()[0], change)
    with pytest.raises(ValueError, match=re.escape(words)):
        make_slides.make(ROOT, ["01"], folder, tmp_path / "slides")


def test_a_chapter_that_was_not_built_is_named(site, tmp_path):
    notebook = read(chapter_paths()[0])
    notebook.cells[2].source += "\nprint('new')"
    path = tmp_path / "01_tensors.ipynb"
    nbformat.write(notebook, path)
    with pytest.raises(ValueError, match="run `make book` first"):
        executed(path, ROOT)


def test_an_unknown_chapter_is_named():
    with pytest.raises(ValueError, match="there is no chapter '77'"):
        make_slides.chosen(["77"], ROOT)


def test_an_unknown_slide_type_is_refused():
    cell = nbformat.v4.new_markdown_cell("Text.", metadata={"slideshow": {"slide_type": "sub"}}, id="odd")
    with pytest.raises(ValueError, match="the cell odd has the slide_type 'sub'"):
        slide_type(cell)


# The rule of what is shown, on a chapter of a few cells.


def small_chapter(*cells):
    """Return a notebook: each cell is its text and its slide_type; code begins with #>."""
    made = [nbformat.v4.new_markdown_cell("# Title\n\n1. a goal"), nbformat.v4.new_markdown_cell("## Part", id="part")]
    for number, (text, kind) in enumerate(cells):
        new = nbformat.v4.new_code_cell if text.startswith("#>") else nbformat.v4.new_markdown_cell
        metadata = {"slideshow": {"slide_type": kind}} if kind else {}
        made.append(new(text, metadata=metadata, id=f"c{number}"))
    return nbformat.v4.new_notebook(cells=made)


def kinds(*cells):
    """Return kind and cell of the slides that such cells make, without title and heading."""
    return [(draft.kind, draft.cell) for draft in select(small_chapter(*cells))[2:]]


def test_cells_are_shown_left_out_or_told():
    question = "**Predict.** What?"
    assert kinds((question, None), ("#> 1", None)) == [("predict", "c0"), ("code", "c1")]
    for kind in ("skip", "notes"):
        assert kinds((question, kind), ("#> 1", None), ("#> 2", "slide")) == [("code", "c2")]
    assert kinds(("#> 1", "skip"), ("#> 2", None)) == [("code", "c1")]
    assert kinds(("#>\n" + "x = 1\n" * 20, None)) == [("code", "c0")]
    assert kinds(("#>\n" + "x = 1\n" * 30, None)) == []
    assert kinds(("| a |\n|---|\n| b |", None)) == [("text", "c0")]
    assert kinds(("long. " * 60, None)) == []
    assert kinds(("long. " * 60, "subslide")) == [("text", "c0")]


def test_long_prose_goes_to_the_notes_and_terms_to_the_slide():
    prose = f"{'Word after word. ' * 20}This is a **term**. {'More words. ' * 10}"
    drafts = select(small_chapter(("#> 1", None), (prose, None)))
    assert [part.text for part in drafts[-1].blocks] == ["This is a term."]
    assert "More words." in "".join(drafts[-1].notes)
    told = select(small_chapter(("Told, not shown.", "notes")))
    assert "Told, not shown." in "".join(told[-1].notes)


def test_blocks_and_sentences():
    found = blocks("Text.\n\n<details><summary>Hint</summary>\n\nHidden.\n\n</details>\n\n<!-- figure: graph -->\n")
    assert [block.kind for block in found] == ["paragraph", "hint", "figure"]
    assert sentences("See `a. B` here. And [x. Y](z) there! End.") == [
        "See `a. B` here.",
        "And [x. Y](z) there!",
        "End.",
    ]
    with pytest.raises(ValueError, match="slides cannot show the block hr"):
        blocks("a\n\n***\n\nb")


def test_long_outputs_are_cut_in_the_middle():
    assert middle_cut(list("abcdefgh"), 4) == ["a", "b", "…", "h"]
    assert printed_lines("10 %\r50 %\r100 %\nend\n") == ["100 %", "end"]
    lines = [f"line {number}" for number in range(100)]
    plan = cut_text(["code"], lines, 600)
    assert plan.cut + len(plan.lines) - 1 == 100
    assert (plan.lines[0], plan.lines[-1]) == ("line 0", "line 99")
    assert "…" in plan.lines
    with pytest.raises(ValueError, match="do not fit on a slide"):
        arrange_text(["code"] * 40, [], [])


def test_slide_metadata_do_not_make_outputs_stale():
    """Marks on text cells leave the cache of executed notebooks as it is: a changed slide costs no execution."""
    for path in chapter_paths():
        notebook = read(path)
        bare = read(path)
        for cell in markdown_cells(bare):
            cell.metadata.pop("slideshow", None)
        cache = build_cache()
        assert cache.create_hashed_notebook(notebook)[1] == cache.create_hashed_notebook(bare)[1]
        assert not any("slideshow" in cell.metadata for cell in code_cells(notebook))
