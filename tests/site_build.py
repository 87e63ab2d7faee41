"""Build the site, and small copies of it in which one thing is different."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path

import nbformat
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.cache.main import JupyterCacheBase
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from book_files import ROOT, read
from bookkit.execution_cache import cache_path
from bookkit.moved_pages import moved_pages
from normalise_notebooks import KERNEL


def build(root: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Build the book in `root` with warnings as errors, as the README's command does."""
    program = shutil.which("jupyter-book", path=str(Path(sys.executable).parent))
    assert program, f"jupyter-book is not installed beside {sys.executable}"
    command = [program, "build", ".", "-W", "-n", "--keep-going"]
    variables = os.environ | {"PYTHONUTF8": "1", "NO_COLOR": "1"} | environment
    return subprocess.run(
        command, cwd=root, env=variables, capture_output=True, text=True, encoding="utf8", check=False
    )


def build_cache() -> JupyterCacheBase:
    """Return the cache in which the build looks for the outputs of notebooks."""
    return get_cache(cache_path(ROOT / "_build", ROOT))


def is_executed(path: Path, cache: JupyterCacheBase) -> bool:
    """Say whether the cache holds the outputs of a notebook."""
    try:
        cache.match_cache_notebook(read(path))
    except KeyError:
        return False
    return True


def hand_over(executed: NotebookNode, seconds: float, path: Path, cache: JupyterCacheBase) -> None:
    """Put the outputs of a notebook that ran elsewhere into the cache, with the time that the run took."""
    notebook = read(path)  # not `executed` itself: the run has added metadata, and the build would not recognise it
    for cell, done in zip(notebook.cells, executed.cells, strict=True):
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = done.outputs, done.execution_count
    bundle = CacheBundleIn(nb=notebook, uri=str(path), data={"execution_seconds": seconds})
    cache.cache_notebook_bundle(bundle, check_validity=False)


def executed_notebooks(finished: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the names of the notebooks that a build executed."""
    return re.findall(r"([\w-]+)\.ipynb: Executed notebook in", finished.stdout + finished.stderr)


def small_book(folder: Path) -> Path:
    """Make a book of one short chapter in `folder`, with the real configuration and extension."""
    for name in ("_config.yml", "requirements.txt", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "book", folder / "book", ignore=shutil.ignore_patterns("__pycache__", "*.md"))
    (folder / "notebooks" / "data").mkdir(parents=True)
    (folder / "notebooks" / "data" / "numbers.csv.gz").write_bytes(b"some data")
    cells = [
        new_markdown_cell("# A short chapter", id="title"),
        new_markdown_cell("Two is the sum.", id="text"),
        new_code_cell("print(1 + 1)", id="sum"),  # imports nothing, so it executes in a second
    ]
    nbformat.write(new_notebook(cells=cells, metadata=KERNEL), folder / "notebooks" / "01_short.ipynb")
    (folder / "index.md").write_text("# A small book\n\nSee [the chapter](notebooks/01_short.ipynb).\n", "utf8")
    toc = "format: jb-book\nroot: index\nparts:\n  - caption: Part\n    numbered: 1\n    chapters:\n"
    (folder / "_toc.yml").write_text(f"{toc}      - file: notebooks/01_short\n", "utf8")
    return folder


def expected_pages(in_contents: Iterable[str], moved: str) -> set[str]:
    """Return the pages that a site should have: `moved` is the text of book/moved.txt."""
    return {"index", "search", "genindex", "404"} | set(in_contents) | set(moved_pages(moved))


class Page(HTMLParser):
    """What the tests look at in a page: links, images, ids, folded parts, text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.links: list[str] = []
        self.assets: list[str] = []
        self.images: list[dict[str, str]] = []
        self.ids: set[str] = set()
        self.html = path.read_text("utf8")
        self.feed(self.html)

    def handle_starttag(self, tag, attrs):
        values = {name: value or "" for name, value in attrs}
        if "id" in values:
            self.ids.add(values["id"])
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag == "img":
            self.images.append(values)
        if tag in ("script", "img", "source", "iframe") and "src" in values:
            self.assets.append(values["src"])
        if tag == "link" and "href" in values:
            self.assets.append(values["href"])

    @property
    def article(self) -> str:
        """The HTML between <article> and </article>."""
        return self.html.partition("<article")[2].partition("</article>")[0]
