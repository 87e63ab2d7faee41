"""Write the book as one PDF: one HTML file of all pages, printed by the system's Chromium.

Page numbers in the contents are known only when the book is laid out. It is printed once to learn them and once more
to show them; their places have a fixed width, so the second printing breaks its pages where the first did.
"""

import logging
import re
import shutil
from html import escape
from pathlib import Path

import matplotlib
from pypdf import PdfReader, PdfWriter
from pypdf.generic import IndirectObject, NameObject, TextStringObject

import chromium
from paper import code_colours
from paper.edition import Edition
from paper.pages import HEADINGS, SOLUTIONS, Book, PaperError, text_of

HERE = Path(__file__).parent
# The same letters, and so the same pages, on every machine: they come with matplotlib.
FONTS = [
    *("STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic", "STIXGeneralBolIta"),
    *("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSans-BoldOblique"),
    *("DejaVuSansMono", "DejaVuSansMono-Bold", "DejaVuSansMono-Oblique", "DejaVuSansMono-BoldOblique"),
]
PageNumbers = dict[str, int]
# Where a whole cell of a table is a link, or an entry of the glossary ends with one, it is used like an index.
INDEX_LINK = re.compile(
    r'(?:(?<=<td>)|(?<=<td><p>))<a [^>]*href="#([^"]+)"[^>]*>(?:(?!</a>).)*</a>(?=(?:</p>)?</td>)'
    r'|<a [^>]*href="#([^"]+)"[^>]*>(?:(?!</a>).)*</a>(?=</p>\s*</dd>)'
)


def number_of(identifier: str, numbers: PageNumbers) -> str:
    """Return the page number of an id, or nothing while it is unknown."""
    return str(numbers.get(identifier, ""))


def title_page(book: Book, edition: Edition) -> str:
    """Return the title page and what stands on its back."""
    picture = book.pages[0].body.select_one(".cover-picture img")
    cover = book.html(picture) if picture else ""
    licences = "".join(f"<li>{escape(licence)}</li>" for licence in edition.licences)
    return f"""<section class="title-page"><h1>{escape(book.title)}</h1>{cover}
<p class="authors">{escape(edition.authors)}</p><p class="imprint">{escape(edition.imprint)}</p></section>
<section class="colophon"><p>This edition was made from the pages of the book's site. Hints are open. The solutions to
the exercises stand together at the end. The notebooks, which you can run and change, are the book's first form.</p>
<p>{escape(book.title)} is under these licences:</p><ol>{licences}</ol></section>"""


def contents_line(kind: str, identifier: str, title: str, numbers: PageNumbers) -> str:
    """Return one line of the contents."""
    page = f'<span class="dots"></span><span class="page">{number_of(identifier, numbers)}</span>'
    return f'<li class="{kind}"><a href="#{identifier}"><span>{escape(title)}</span>{page}</a></li>'


def contents(book: Book, numbers: PageNumbers) -> str:
    """Return the contents: parts, chapters and sections with their pages."""
    lines = []
    for part, pages in book.parts:
        lines += [f'<li class="part">{escape(part)}</li>'] if part else []
        for page in pages:
            lines.append(contents_line("chapter", page.identifier, page.title, numbers))
            lines += [contents_line("section", identifier, title, numbers) for identifier, title in page.sections]
    if any(page.solutions for page in book.pages):
        lines.append('<li class="part">At the end</li>')
        lines.append(contents_line("chapter", SOLUTIONS, "Solutions", numbers))
    return f'<nav class="contents"><h1 id="contents">Contents</h1><ul>{"".join(lines)}</ul></nav>'


def solutions(book: Book, numbers: PageNumbers) -> str:
    """Return the solutions, chapter by chapter, each with the way back to its exercise."""
    chapters = []
    for page in book.pages:
        if page.solutions:
            chapters.append(f'<h2 id="{SOLUTIONS}-{page.identifier}">{escape(page.title)}</h2>')
        for solution in page.solutions:
            back = f'<a href="#{solution.exercise}">To the exercise</a>'
            on = number_of(solution.exercise, numbers)
            cells = "".join(book.html(cell) for cell in solution.cells)
            heading = f'<h3 id="{solution.identifier}">{escape(solution.title)}</h3>'
            chapters.append(f'{heading}<p class="pointer">{back}, page <span class="page">{on}</span></p>{cells}')
    if not chapters:
        return ""
    return f'<article class="{SOLUTIONS}" id="{SOLUTIONS}"><h1>Solutions</h1>{"".join(chapters)}</article>'


def with_index_pages(body: str, numbers: PageNumbers) -> str:
    """Say the page after each link of what is used like an index: paper has nothing to press."""

    def told(link: re.Match[str]) -> str:
        return f'{link[0]}, page <span class="page">{number_of(link[1] or link[2], numbers)}</span>'

    return INDEX_LINK.sub(told, body)


def chapter(book: Book, index: int, numbers: PageNumbers) -> str:
    """Return a page of the site as a chapter, with the pages of its solutions."""
    page = book.pages[index]
    body = with_index_pages(book.html(page.body), numbers)
    for solution in page.solutions:
        on = number_of(solution.identifier, numbers)
        link = f'href="#{solution.identifier}">Solution</a>'
        body = body.replace(link, f'{link}, page <span class="page">{on}</span>')
    part = f'<p class="part-name">{escape(page.part)}</p>' if page.part else ""
    return f'<article class="{page.identifier}">{part}{body}</article>'


def running_titles(book: Book) -> str:
    """Return styles that put the chapter's title over its pages: each chapter has its own kind of page."""
    names = [(page.identifier, page.title) for page in book.pages] + [(SOLUTIONS, "Solutions")]
    rules = []
    for name, title in names:
        quoted = title.replace("\\", "\\\\").replace('"', '\\"')
        rules.append(f'@page {name} {{ @top-left {{ content: "{quoted}" }} }}\narticle.{name} {{ page: {name}; }}')
    return "\n".join(rules)


def book_html(book: Book, edition: Edition, numbers: PageNumbers) -> str:
    """Return the whole book as one page of HTML."""
    chapters = "\n".join(chapter(book, index, numbers) for index in range(len(book.pages)))
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(book.title)}</title>
<link rel="stylesheet" href="code.css"><link rel="stylesheet" href="print.css">
<link rel="stylesheet" href="running-titles.css"></head><body>
{title_page(book, edition)}
{contents(book, numbers)}
{chapters}
{solutions(book, numbers)}
</body></html>
"""


def prepare(root: Path, book: Book) -> Path:
    """Make the folder that the book is printed from, with styles and fonts; return it."""
    folder = root / "_build" / "print"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    for font in FONTS:
        shutil.copy(fonts / f"{font}.ttf", folder)
    shutil.copy(root / "book" / "static" / "latin-modern-math-subset.woff2", folder)
    shutil.copy(HERE / "chinese-subset.woff", folder)
    shutil.copy(HERE / "print.css", folder)
    (folder / "code.css").write_text(code_colours.styles(root), "utf8")
    (folder / "running-titles.css").write_text(running_titles(book), "utf8")
    return folder


def page_numbers(pdf: Path) -> PageNumbers:
    """Return on which page every id lies that a link leads to."""
    reader = PdfReader(pdf)
    pages = {page.indirect_reference.idnum: number for number, page in enumerate(reader.pages, start=1)}
    return {name.lstrip("/"): pages[place.page.idnum] for name, place in reader.named_destinations.items()}


def print_once(file: Path, pdf: Path) -> None:
    """Let Chromium print an HTML file; raise PaperError if it finds a picture missing."""
    with chromium.started() as browser:
        page = browser.new_page()
        page.set_default_timeout(300_000)
        page.goto(file.resolve().as_uri())
        page.evaluate("document.fonts.ready")
        missing = page.evaluate("[...document.images].filter(i => !i.naturalWidth).map(i => i.src)")
        if missing:
            raise PaperError(f"Chromium cannot show these pictures: {missing}")
        page.pdf(path=pdf, prefer_css_page_size=True, print_background=True, outline=True, tagged=True)


def repair_outline(item: IndirectObject | None, titles: dict[str, str]) -> None:
    """Put back the spaces that Chromium loses in the outline where a heading runs over two lines."""
    while item is not None:
        entry = item.get_object()
        words = str(entry["/Title"])
        entry[NameObject("/Title")] = TextStringObject(titles.get("".join(words.split()), words))
        repair_outline(entry.get("/First") and entry.raw_get("/First"), titles)
        item = entry.raw_get("/Next") if "/Next" in entry else None


def finish(pdf: Path, book: Book, edition: Edition) -> int:
    """Add to the PDF what Chromium leaves out; return the number of pages."""
    logging.getLogger("pypdf").setLevel(logging.ERROR)  # it warns about an object more than Chromium counts
    writer = PdfWriter(clone_from=pdf)
    headings = [text_of(heading) for page in book.pages for heading in page.body.find_all(HEADINGS)]
    titles = {"".join(heading.split()): heading for heading in [book.title, *headings]}
    repair_outline(writer.root_object["/Outlines"].raw_get("/First"), titles)
    writer.add_metadata({"/Author": edition.authors, "/Creator": "tools/make_paper.py"})
    writer.write(pdf)
    return len(writer.pages)


def write(root: Path, book: Book, edition: Edition, pdf: Path) -> int:
    """Print the book into `pdf`; return the number of pages."""
    if chromium.find() is None:
        raise PaperError(
            "The PDF is printed by Chromium, and none is installed: install Chromium or Chrome, or use make epub."
        )
    folder = prepare(root, book)
    file = folder / "book.html"
    numbers: PageNumbers = {}
    for _printing in range(3):
        page = book_html(book, edition, numbers).replace('src="_', 'src="../html/_')
        file.write_text(page, "utf8")
        print_once(file, pdf)
        before, numbers = numbers, page_numbers(pdf)
        if numbers == before:
            break
    else:
        raise PaperError("The page numbers of the contents do not settle.")
    return finish(pdf, book, edition)
