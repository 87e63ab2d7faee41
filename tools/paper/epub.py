"""Write the book as an e-book: EPUB 3, one file of XHTML for each page of the site.

Sphinx has a builder for e-books. It was not taken: it would write the pages a second time with other templates, fold
what a reader of paper cannot unfold, and leave every solution beside its exercise.
"""

import datetime
import mimetypes
import re
import tempfile
import uuid
import zipfile
from dataclasses import dataclass
from html import escape
from pathlib import Path

from paper import code_colours, cover
from paper.edition import Edition
from paper.pages import SOLUTIONS, Book, Page

HERE = Path(__file__).parent
CONTAINER = """<?xml version="1.0" encoding="utf-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="EPUB/book.opf" media-type="application/oebps-package+xml"/></rootfiles>
</container>
"""
# The time of every file in the archive, so that the same sources make the same bytes.
ARCHIVE_TIME = (1980, 1, 1, 0, 0, 0)
LINK = re.compile(r'href="#([^"]+)"')


@dataclass(frozen=True)
class Document:
    """One file of text in the e-book."""

    name: str  # without suffix
    title: str
    body: str

    @property
    def file(self) -> str:
        """The file's name."""
        return f"{self.name}.xhtml"


def xhtml(title: str, body: str, attributes: str = "") -> str:
    """Return a whole file of XHTML."""
    return f"""<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" lang="en" xml:lang="en">
<head><title>{escape(title)}</title><link rel="stylesheet" type="text/css" href="epub.css"/>
<link rel="stylesheet" type="text/css" href="code.css"/></head>
<body{attributes}>
{body}
</body></html>
"""


def title_document(book: Book, edition: Edition) -> Document:
    """Return the title page."""
    licences = "".join(f"<li>{escape(licence)}</li>" for licence in edition.licences)
    body = f"""<section class="title-page" epub:type="titlepage"><h1>{escape(book.title)}</h1>
<p>{escape(edition.authors)}</p><p>{escape(edition.imprint)}</p>
<p>This edition was made from the pages of the book's site. Hints are open. The solutions to the exercises stand
together at the end. The notebooks, which you can run and change, are the book's first form.</p>
<p>{escape(book.title)} is under these licences:</p><ol>{licences}</ol></section>"""
    return Document("title", book.title, body)


def solution_documents(book: Book) -> list[Document]:
    """Return the solutions, one file a chapter."""
    documents = []
    for page in book.pages:
        parts = []
        for solution in page.solutions:
            back = f'<p class="pointer"><a href="#{solution.exercise}">To the exercise</a></p>'
            heading = f'<h2 id="{solution.identifier}">{escape(solution.title)}</h2>'
            parts.append(heading + back + "".join(book.html(cell) for cell in solution.cells))
        if parts:
            title = f"Solutions: {page.title}"
            top = f'<section id="{SOLUTIONS}-{page.identifier}"><h1>{escape(title)}</h1>'
            documents.append(Document(f"{SOLUTIONS}-{page.identifier}", title, f"{top}{''.join(parts)}</section>"))
    return documents


def with_links_between_files(documents: list[Document]) -> list[Document]:
    """Name the file in every link to an id that is in another one."""
    home = {identifier: text for text in documents for identifier in re.findall(r'\bid="([^"]+)"', text.body)}

    def linked(document: Document) -> str:
        def lead(link: re.Match[str]) -> str:
            to = home[link[1]]
            return link[0] if to is document else f'href="{to.file}#{link[1]}"'

        return LINK.sub(lead, document.body)

    return [Document(document.name, document.title, linked(document)) for document in documents]


def navigation(book: Book, documents: list[Document]) -> str:
    """Return the contents that the reading program shows."""

    def entry(file: str, title: str, below: str = "") -> str:
        return f'<li><a href="{file}">{escape(title)}</a>{f"<ol>{below}</ol>" if below else ""}</li>'

    def chapter(page: Page) -> str:
        file = f"{page.identifier}.xhtml"
        return entry(file, page.title, "".join(entry(f"{file}#{anchor}", title) for anchor, title in page.sections))

    lines = []
    for part, pages in book.parts:
        chapters = "".join(chapter(page) for page in pages)
        lines.append(f"<li><span>{escape(part)}</span><ol>{chapters}</ol></li>" if part else chapters)
    answers = [document for document in documents if document.name.startswith(f"{SOLUTIONS}-")]
    if answers:
        below = "".join(entry(document.file, document.title.removeprefix("Solutions: ")) for document in answers)
        lines.append(f"<li><span>Solutions</span><ol>{below}</ol></li>")
    start = f"{book.pages[0].identifier}.xhtml"
    body = f"""<nav epub:type="toc" id="toc"><h1>Contents</h1><ol>{"".join(lines)}</ol></nav>
<nav epub:type="landmarks" hidden="hidden"><h2>Landmarks</h2><ol>
<li><a epub:type="titlepage" href="title.xhtml">Title page</a></li>
<li><a epub:type="toc" href="contents.xhtml">Contents</a></li>
<li><a epub:type="bodymatter" href="{start}">Start</a></li></ol></nav>"""
    return xhtml("Contents", body)


def package(book: Book, edition: Edition, documents: list[Document], pictures: dict[str, Path]) -> str:
    """Return the list of everything in the e-book, in reading order."""
    items = [
        '<item id="contents" href="contents.xhtml" media-type="application/xhtml+xml" properties="nav"/>',
        '<item id="cover" href="cover.xhtml" media-type="application/xhtml+xml"/>',
        '<item id="cover-picture" href="cover.png" media-type="image/png" properties="cover-image"/>',
        '<item id="style" href="epub.css" media-type="text/css"/>',
        '<item id="code-style" href="code.css" media-type="text/css"/>',
    ]
    for document in documents:
        formulas = ' properties="mathml"' if "<math" in document.body else ""
        items.append(
            f'<item id="{document.name}" href="{document.file}" media-type="application/xhtml+xml"{formulas}/>'
        )
    for number, name in enumerate(sorted(pictures)):
        items.append(f'<item id="picture-{number}" href="{name}" media-type="{mimetypes.guess_type(name)[0]}"/>')
    order = ["cover", documents[0].name, "contents", *(document.name for document in documents[1:])]
    spine = "".join(f'<itemref idref="{name}"/>' for name in order)
    identifier = uuid.uuid5(uuid.NAMESPACE_URL, f"urn:book:{book.title}")  # the same for every edition
    changed = edition.moment.astimezone(datetime.UTC)
    rights = " ".join(edition.licences)
    lines = "\n".join(items)
    return f"""<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="identifier" xml:lang="en">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="identifier">urn:uuid:{identifier}</dc:identifier>
<dc:title>{escape(book.title)}</dc:title><dc:language>en</dc:language>
<dc:creator>{escape(edition.authors)}</dc:creator><dc:rights>{escape(rights)}</dc:rights>
<dc:date>{changed:%Y-%m-%d}</dc:date><meta property="dcterms:modified">{changed:%Y-%m-%dT%H:%M:%SZ}</meta>
<meta property="schema:accessMode">textual</meta><meta property="schema:accessMode">visual</meta>
<meta property="schema:accessModeSufficient">textual</meta>
<meta property="schema:accessibilityFeature">alternativeText</meta>
<meta property="schema:accessibilityFeature">MathML</meta>
<meta property="schema:accessibilityFeature">structuralNavigation</meta>
<meta property="schema:accessibilityFeature">tableOfContents</meta>
<meta property="schema:accessibilityHazard">none</meta>
<meta property="schema:accessibilitySummary">Every picture has a description, every formula is MathML.</meta>
<meta name="cover" content="cover-picture"/></metadata>
<manifest>
{lines}
</manifest>
<spine>{spine}</spine></package>
"""


def cover_picture(book: Book) -> Path | None:
    """Return the landing page's picture."""
    picture = book.pages[0].body.select_one(".cover-picture img")
    return book.site / picture["src"] if picture and picture["src"].endswith(".png") else None


def take_pictures(book: Book) -> dict[str, Path]:
    """Give every picture its place in the e-book; return where each of them lies now."""
    pictures: dict[str, Path] = {}
    tags = [page.body for page in book.pages]
    tags += [cell for page in book.pages for solution in page.solutions for cell in solution.cells]
    for image in [image for tag in tags for image in tag.find_all("img")]:
        file = book.site / image["src"]
        image["src"] = f"images/{file.name}"
        pictures[image["src"]] = file
    return pictures


def write(root: Path, book: Book, edition: Edition, epub: Path) -> int:
    """Write the e-book into `epub`; return the number of files in it."""
    drawing = cover_picture(book)
    pictures = take_pictures(book)
    chapters = [Document(page.identifier, page.title, book.html(page.body)) for page in book.pages]
    documents = [title_document(book, edition), *chapters, *solution_documents(book)]
    documents = with_links_between_files(documents)
    alt = escape(f"Cover of {book.title}")
    front = f'<p class="cover"><img src="cover.png" alt="{alt}"/></p>'
    files: dict[str, bytes] = {
        "book.opf": package(book, edition, documents, pictures).encode(),
        "contents.xhtml": navigation(book, documents).encode(),
        "cover.xhtml": xhtml(book.title, front, ' epub:type="cover"').encode(),
        "epub.css": (HERE / "epub.css").read_bytes(),
        "code.css": code_colours.styles(root).encode(),
    }
    files |= {document.file: xhtml(document.title, document.body).encode() for document in documents}
    files |= {name: path.read_bytes() for name, path in sorted(pictures.items())}
    with tempfile.TemporaryDirectory() as folder:
        cover.draw(book.title, edition.authors, drawing, Path(folder) / "cover.png")
        files["cover.png"] = (Path(folder) / "cover.png").read_bytes()
    with zipfile.ZipFile(epub, "w") as archive:
        # The format wants this file first and not compressed.
        archive.writestr(zipfile.ZipInfo("mimetype", ARCHIVE_TIME), b"application/epub+zip", zipfile.ZIP_STORED)
        archive.writestr(zipfile.ZipInfo("META-INF/container.xml", ARCHIVE_TIME), CONTAINER, zipfile.ZIP_DEFLATED)
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(f"EPUB/{name}", ARCHIVE_TIME), content, zipfile.ZIP_DEFLATED)
    return len(files)
