"""The book on paper and as an e-book: whole, in order, with contents that are right and solutions at the end."""

import datetime
import os
import re
import shutil
import subprocess
import unicodedata
import zipfile
from types import SimpleNamespace
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from bs4 import BeautifulSoup
from docutils import nodes
from docutils.utils import new_document
from pypdf import PdfReader

import chromium
import make_paper
from book_files import ROOT, code_cells, notebook_paths, read
from bookkit import paper_editions
from paper import epub, pdf
from paper.edition import edition
from paper.pages import PaperError, collect

needs_chromium = pytest.mark.skipif(
    chromium.find() is None and not os.environ.get("REQUIRE_BROWSER"), reason="no Chromium found: it prints the PDF"
)
XHTML = "{http://www.w3.org/1999/xhtml}"
OPF = "{http://www.idpf.org/2007/opf}"
SOLUTION = "# @title Solution"
# In millimetres: of the paper, and what the smallest heading and the first line below it need.
BOTTOM_MARGIN, HEADING_WITH_A_LINE = 20, 11
# The width of the text on A4 with margins of 18 mm, at 96 px an inch.
TEXT_WIDTH = round((210 - 2 * 18) / 25.4 * 96)
TOO_WIDE = """() => [...document.querySelectorAll("article *, nav *")].filter((element) => {
  const box = element.getBoundingClientRect();
  const room = Math.max(element.clientWidth, box.width) + 2;
  return box.right > document.body.clientWidth + 1 || element.scrollWidth > room;
}).filter((element) => !element.closest("math") || element.localName == "math")
  .map((element) => element.outerHTML.slice(0, 120))"""


def letters(text):
    """Return text without spaces and ligatures: where a line ends is no part of what it says."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def solution_count():
    return sum(len(code_cells(read(path), "solution")) for path in notebook_paths())


@pytest.fixture(scope="module")
def book(site):
    return collect(ROOT)


@pytest.fixture(scope="module")
def printing(site):
    """What the title pages say, asked once: without git it says now."""
    return edition(ROOT)


@pytest.fixture(scope="module")
def printed(book, printing, tmp_path_factory):
    """The whole book as a PDF, read again."""
    file = tmp_path_factory.mktemp("paper") / "book.pdf"
    pages = pdf.write(ROOT, book, printing, file)
    reader = PdfReader(file)
    assert len(reader.pages) == pages
    return SimpleNamespace(reader=reader, file=file, numbers=pdf.page_numbers(file), html=printed_html(), texts={})


def printed_html():
    return (ROOT / "_build" / "print" / "book.html").read_text("utf8")


def text(printed, number):
    """Return the letters on a page; to extract them takes half a second a page, so they are kept."""
    if number not in printed.texts:
        printed.texts[number] = letters(printed.reader.pages[number - 1].extract_text())
    return printed.texts[number]


# --- the pages, made ready for paper ---


@pytest.fixture
def small_site(tmp_path):
    """A site of two pages with everything that needs a screen; a function replaces words in the second."""
    site = tmp_path / "_build" / "html"
    (site / "notebooks").mkdir(parents=True)
    (site / "still.png").write_bytes(b"")
    for name in ("_config.yml", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    toc = "format: jb-book\nroot: index\nparts:\n- caption: Part\n  chapters:\n  - file: notebooks/01_a\n"
    (tmp_path / "_toc.yml").write_text(toc, "utf8")
    front = '<section id="top"><h1>Small</h1><p><a href="notebooks/01_a.html#task">there</a></p></section>'
    (site / "index.html").write_text(f'<article class="bd-article">{front}</article>', "utf8")
    page = """<article><section id="a"><h1>1. A<a class="headerlink" href="#a">#</a></h1>
<figure class="play" data-figure="slope"><div class="play-controls"><button>Go</button></div>
<img class="play-fallback" src="../still.png" alt="A slope." loading="lazy"><figcaption>Slopes.</figcaption></figure>
<div class="sd-tab-set"><input id="t" type="radio"><label for="t">Linux</label><div>here</div></div>
<section id="task"><h3>Exercise 1 · Add</h3><details><summary>Hint</summary><p>Think.</p></details>
<div class="cell tag_solution"><details class="hide"><summary><p class="collapsed">Show the solution</p></summary>
<pre><span></span><span class="n">total</span> <span class="o">=</span> <span class="mi">2</span>
</pre></details></div></section><p><a id="place"></a><a href="../genindex.html">index</a></p></section></article>"""

    def write(old="", new=""):
        (site / "notebooks" / "01_a.html").write_text(page.replace(old, new) if old else page, "utf8")
        return collect(tmp_path)

    write.root = tmp_path
    return write


def test_what_needs_a_screen_is_laid_open(small_site):
    book = small_site()
    body = book.html(book.pages[1].body)
    assert "Hint" in body
    assert "Think." in body
    assert "Linux" in body
    assert re.search(r'<figure class="play"[^>]*><img alt="A slope."[^>]*/><figcaption>Slopes', body)
    assert "here it stands still" in body
    assert '<span id="p-01_a--place"></span>' in body
    assert not re.search(r"<a [^>]*></a>", body)
    for gone in ("<details", "<input", "<button", "headerlink", "loading=", "total", "genindex"):
        assert gone not in body
    assert 'href="#p-01_a--solution-task"' in body
    (solution,) = book.pages[1].solutions
    assert solution.title == "Exercise 1 · Add"
    assert 'total = <span class="mi">2</span>' in book.html(solution.cells[0])
    assert 'href="#p-01_a--task"' in book.html(book.pages[0].body)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("../still.png", "../gone.png", "shows ../gone.png"),
        ("../genindex.html", "#nowhere", "lead nowhere"),
        ('id="t"', 'id="task"', None),
        ("<p><a", '<p id="task">again</p><p><a', "given twice"),
    ],
)
def test_a_fault_of_the_pages_is_named(small_site, old, new, words):
    if words is None:  # the switch of a tab goes, and its id with it
        small_site(old, new)
        return
    with pytest.raises(PaperError, match=words):
        small_site(old, new)


def test_one_sentence_where_something_is_lacking(small_site, monkeypatch, capsys):
    small_site()
    monkeypatch.setattr(chromium, "find", lambda: None)
    assert make_paper.make(small_site.root, "pdf") == 1
    assert "none is installed" in capsys.readouterr().err
    (small_site.root / "_build" / "html" / "notebooks" / "01_a.html").unlink()
    assert make_paper.make(small_site.root, "epub") == 1
    assert "make book" in capsys.readouterr().err


@pytest.mark.parametrize(("kind", "module"), [("pdf", pdf), ("epub", epub)])
def test_an_edition_lies_in_its_place_only_when_it_is_whole(small_site, monkeypatch, kind, module):
    small_site()
    edition_file = small_site.root / "_build" / f"{make_paper.NAME}.{kind}"
    whole = True

    def write(root, book, printing, file):
        file.write_bytes(b"half")
        if not whole:
            raise PaperError("The printer is out of paper.")
        file.write_bytes(b"whole")
        return 1

    monkeypatch.setattr(module, "write", write)
    assert make_paper.make(small_site.root, kind) == 0
    assert edition_file.read_bytes() == b"whole"
    whole = False
    assert make_paper.make(small_site.root, kind) == 1
    assert edition_file.read_bytes() == b"whole"
    edition_file.unlink()
    assert make_paper.make(small_site.root, kind) == 1
    assert not edition_file.exists()


def test_every_chinese_character_has_a_letter():
    from fontTools.ttLib import TTFont

    have = TTFont(ROOT / "tools" / "paper" / "chinese-subset.woff").getBestCmap()
    missing = {character for character in (ROOT / "book" / "glossary.yml").read_text("utf8") if ord(character) > 0x2E7F}
    missing -= {chr(code) for code in have}
    assert not missing, "make tools/paper/chinese-subset.woff anew from Noto Sans CJK: see chinese-subset-licence.txt"


# --- the PDF ---


@needs_chromium
def test_the_contents_name_the_right_pages(printed, book):
    first = "".join(text(printed, number) for number in range(3, printed.numbers[book.pages[0].identifier]))
    for page in book.pages:
        wanted = [(page.identifier, page.title), *page.sections[::4]]
        for identifier, title in wanted:
            number = printed.numbers[identifier]
            assert letters(title) in text(printed, number), f"{title} is not on page {number}"
            assert f"{letters(title)}{number}" in first, f"the contents do not say that {title} is on page {number}"


@needs_chromium
def test_every_chapter_is_in_the_outline(printed, book):
    outline = [entry for entry in printed.reader.outline if not isinstance(entry, list)]
    titles = [entry.title for entry in outline]
    assert titles == [book.title, "Contents", *(page.title for page in book.pages), "Solutions"]
    places = [printed.reader.get_destination_page_number(entry) + 1 for entry in outline]
    assert places[2:-1] == [printed.numbers[page.identifier] for page in book.pages]


@needs_chromium
def test_errors_and_terms_are_found_by_their_pages(printed):
    """The list of error messages and the glossary name pages: on paper nothing can be pressed."""
    soup = BeautifulSoup(printed.html, "html.parser")
    for place, least in (("article.p-a1_error_gallery td", 30), ("article.p-glossary dd", 150)):
        links = [(tag.find_all("a")[-1]["href"][1:], tag.select_one(".page")) for tag in soup.select(place) if tag.a]
        assert len(links) > least
        assert all(page and page.get_text() == str(printed.numbers[to]) for to, page in links), place


@needs_chromium
def test_no_link_of_the_pdf_is_empty(printed):
    links = BeautifulSoup(printed.html, "html.parser").find_all("a", href=True)
    assert len(links) > 1000
    assert [link["href"] for link in links if not link.get_text().strip() and not link.find("img")] == []


@needs_chromium
def test_no_heading_is_left_at_the_foot_of_a_page(printed):
    def entries(outline):
        for entry in outline:
            yield from entries(entry) if isinstance(entry, list) else [entry]

    headings = {}
    for entry in entries(printed.reader.outline):
        number = printed.reader.get_destination_page_number(entry) + 1
        headings[f"{entry.title}, page {number}"] = float(entry["/Top"]) / 72 * 25.4 - BOTTOM_MARGIN
    assert len(headings) > 400
    assert {title: height for title, height in headings.items() if height < HEADING_WITH_A_LINE} == {}


@needs_chromium
def test_every_page_has_its_number_and_its_chapter(printed, book):
    chapter = next(page for page in book.pages if "03_" in page.name)
    number = printed.numbers[chapter.identifier] + 1
    assert letters(chapter.title) in text(printed, number)
    assert re.search(rf"(^|\D){number}(\D|$)", text(printed, number))


@needs_chromium
def test_solutions_stand_only_at_the_end(printed, book):
    chapters, _, end = printed.html.partition('<article class="solutions"')
    assert SOLUTION not in chapters
    assert end.count(SOLUTION) == solution_count() > 50
    assert chapters.count('class="to-solution"') == sum(len(page.solutions) for page in book.pages)
    first = printed.numbers["solutions"]
    for solution in book.pages[2].solutions:
        exercise, number = printed.numbers[solution.exercise], printed.numbers[solution.identifier]
        assert letters(SOLUTION) not in text(printed, exercise)
        assert number >= first
        assert f"Solution,page{number}" in text(printed, exercise) + text(printed, exercise + 1)
    assert letters(SOLUTION) in text(printed, first)


@needs_chromium
def test_formulas_and_pictures_are_printed(printed, book):
    site_math = sum((book.site / f"{page.name}.html").read_text("utf8").count("<math") for page in book.pages)
    assert printed.html.count("<math") == site_math > 300
    chapter = next(page for page in book.pages if "03_" in page.name)
    pages = range(printed.numbers[chapter.identifier], printed.numbers[chapter.identifier] + 12)
    assert any("∂" in text(printed, number) for number in pages)
    shown = len(re.findall(r"<img [^>]*\.png", printed.html))
    drawn = 0
    for page in printed.reader.pages:
        objects = page["/Resources"].get("/XObject", {})
        drawn += sum(entry.get_object()["/Subtype"] == "/Image" for entry in objects.values())
    assert drawn >= shown > 60


@needs_chromium
def test_nothing_is_cut_at_the_right_margin(printed):
    with chromium.started() as browser:
        page = browser.new_page(viewport={"width": TEXT_WIDTH, "height": 900})
        page.emulate_media(media="print")
        page.goto((ROOT / "_build" / "print" / "book.html").as_uri())
        page.evaluate("document.fonts.ready")
        assert page.evaluate(TOO_WIDE) == []
        page.add_style_tag(content="pre { white-space: pre !important; overflow-wrap: normal !important }")
        assert page.evaluate(TOO_WIDE), "code that does not wrap is too wide, and this test must see it"


# --- the e-book ---


@pytest.fixture(scope="module")
def ebook(printing, tmp_path_factory):
    file = tmp_path_factory.mktemp("ebook") / "book.epub"
    epub.write(ROOT, collect(ROOT), printing, file)
    with zipfile.ZipFile(file) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    trees = {name: ElementTree.fromstring(content) for name, content in files.items() if name.endswith(".xhtml")}
    return SimpleNamespace(file=file, files=files, trees=trees, opf=ElementTree.fromstring(files["EPUB/book.opf"]))


def test_the_ebook_is_well_formed_and_whole(ebook, book):
    assert next(iter(ebook.files)) == "mimetype"
    assert ebook.files["mimetype"] == b"application/epub+zip"
    items = {item.get("id"): f"EPUB/{item.get('href')}" for item in ebook.opf.iter(f"{OPF}item")}
    listed = {*items.values(), "mimetype", "META-INF/container.xml", "EPUB/book.opf"}
    assert listed == set(ebook.files)
    order = [items[reference.get("idref")] for reference in ebook.opf.iter(f"{OPF}itemref")]
    assert [name for name in order if "/p-" in name] == [f"EPUB/{page.identifier}.xhtml" for page in book.pages]
    assert set(order) == set(ebook.trees)


def test_the_ebooks_links_and_pictures_exist(ebook):
    ids = {name: [tag.get("id") for tag in tree.iter() if tag.get("id")] for name, tree in ebook.trees.items()}
    for name, tree in ebook.trees.items():
        assert len(ids[name]) == len(set(ids[name])), f"{name} gives an id twice"
        for link in tree.iter(f"{XHTML}a"):
            assert link.get("href")
            assert "".join(link.itertext()).strip() or link.find(f".//{XHTML}img") is not None, link.get("href")
            if "://" not in link.get("href") and not link.get("href").startswith("mailto:"):
                file, _, fragment = link.get("href").partition("#")
                to = f"EPUB/{file}" if file else name
                assert to in ebook.files
                assert not fragment or unquote(fragment) in ids[to], link.get("href")
        for picture in tree.iter(f"{XHTML}img"):
            assert f"EPUB/{picture.get('src')}" in ebook.files
            assert picture.get("alt")


def test_the_ebooks_contents_and_solutions(ebook, book):
    nav = "".join(ebook.trees["EPUB/contents.xhtml"].itertext())
    for page in book.pages:
        assert page.title in nav
        assert all(title in nav for _identifier, title in page.sections)
    words = {name: "".join(tree.itertext()) for name, tree in ebook.trees.items()}
    assert sum(words[name].count(SOLUTION) for name in words if "solutions-" in name) == solution_count()
    assert not [name for name in words if SOLUTION in words[name] and "solutions-" not in name]


def test_the_ebook_says_what_it_is(ebook, book, printing, tmp_path):
    opf = ebook.files["EPUB/book.opf"].decode()
    assert f"<dc:title>{book.title}</dc:title>" in opf
    assert "<dc:language>en</dc:language>" in opf
    assert "CC BY 4.0" in opf or "Creative Commons" in opf
    assert 'properties="cover-image"' in opf
    assert re.search(r'"dcterms:modified">\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ<', opf)
    for name, tree in ebook.trees.items():
        has_math = next(tree.iter("{http://www.w3.org/1998/Math/MathML}math"), None) is not None
        file = name.removeprefix("EPUB/")
        assert has_math == (f'href="{file}" media-type="application/xhtml+xml" properties="mathml"' in opf), name
    again = tmp_path / "again.epub"
    epub.write(ROOT, collect(ROOT), printing, again)
    assert again.read_bytes() == ebook.file.read_bytes(), "the same pages make the same e-book"


def test_epubcheck_is_content(ebook):
    program = shutil.which("epubcheck")
    assert program or not os.environ.get("REQUIRE_EPUBCHECK"), "REQUIRE_EPUBCHECK is set, but there is no epubcheck"
    if program is None:
        pytest.skip("no program epubcheck found: install it (it needs Java) to have the e-book validated")
    finished = subprocess.run([program, str(ebook.file)], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr


# --- the landing page's links ---


@pytest.fixture
def app(tmp_path):
    """As much of Sphinx as the directive asks: a book of one page."""
    (tmp_path / "index.md").write_text("# A book\n", "utf8")
    (tmp_path / "html").mkdir()
    env = SimpleNamespace(found_docs={"index"}, doc2path=lambda name: str(tmp_path / f"{name}.md"))
    builder = SimpleNamespace(format="html")
    return SimpleNamespace(srcdir=tmp_path, outdir=tmp_path / "html", builder=builder, env=env)


def landing_document(app):
    document = new_document("index")
    document += paper_editions.EditionsPlaceholder()
    paper_editions.place_links(app, document, "index")
    paper_editions.copy_editions(app, None)
    return document


def landing_page(app):
    return [reference["refuri"] for reference in landing_document(app).findall(nodes.reference)]


def test_an_edition_older_than_the_pages_says_its_date(app, tmp_path):
    old, new = (tmp_path / f"{make_paper.NAME}.{kind}" for kind in ("pdf", "epub"))
    for path in (old, new):
        path.write_bytes(b"a book")
    assert "changed since" not in landing_document(app).astext()
    third_of_may = datetime.datetime(2025, 5, 3, 12, tzinfo=datetime.UTC).timestamp()
    os.utime(old, (third_of_may, third_of_may))
    words = landing_document(app).astext()
    assert "PDF (1 MB, of 3 May 2025: some pages have changed since) or EPUB (1 MB)." in words


def test_the_landing_page_links_to_what_was_made(app, tmp_path):
    assert paper_editions.NAME == make_paper.NAME
    assert landing_page(app) == []
    made = [tmp_path / f"{make_paper.NAME}.{kind}" for kind in ("pdf", "epub")]
    for path in made:
        path.write_bytes(b"a book")
    for link in landing_page(app):
        assert (app.outdir / link).read_bytes() == b"a book"
    assert len(landing_page(app)) == 2
    made[0].unlink()
    assert landing_page(app) == [f"downloads/{made[1].name}"]
    assert [path.name for path in (app.outdir / "downloads").iterdir()] == [made[1].name]


def test_the_landing_page_has_the_place():
    assert "```{paper-editions}" in (ROOT / "index.md").read_text("utf8")
