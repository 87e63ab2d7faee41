"""`jupyter nbconvert`, as a reader calls it, turns every notebook into a page, a script and an executed notebook."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup

from book_files import NOTEBOOKS, ROOT, code_cells, has_tag, markdown_cells, notebook_paths, read

LIGHT = "02_autograd"
# As nbconvert makes them, the pages ask for MathJax and require.js here: formulas need a network, the rest does not.
HOSTS = {"cdnjs.cloudflare.com"}


def nbconvert(*arguments: str | Path) -> None:
    """Run `jupyter nbconvert`; raise AssertionError if it fails or warns."""
    command = [sys.executable, "-m", "jupyter", "nbconvert", *map(str, arguments)]
    finished = subprocess.run(command, capture_output=True, text=True, encoding="utf8", check=False, env=os.environ)
    assert finished.returncode == 0, finished.stderr[-3000:]
    # It names what it converts; a kernel says how it is connected.
    usual = re.compile(r"\[NbConvertApp\] (Converting|Writing|Making directory) |\[IPKernelApp\] ")
    assert not [line for line in finished.stderr.splitlines() if not usual.match(line)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with every notebook as a page."""
    folder = tmp_path_factory.mktemp("converted")
    nbconvert("--to", "html", *notebook_paths(), "--output-dir", folder)
    return folder


@pytest.fixture(scope="module", params=notebook_paths(), ids=lambda path: path.stem)
def converted(request, folder):
    """A notebook, and its page."""
    text = (folder / f"{request.param.stem}.html").read_text("utf8")
    return read(request.param), BeautifulSoup(text, "html.parser")


def test_the_page_holds_all_cells_with_tables_hints_and_formulas(converted):
    notebook, page = converted
    assert len(page.select(".jp-CodeCell")) == len([cell for cell in code_cells(notebook) if cell.source.strip()])
    assert len(page.select(".jp-MarkdownCell")) == len(markdown_cells(notebook))
    source = "\n\n".join(cell.source for cell in markdown_cells(notebook))
    tables = len(re.findall(r"^\|[\s:|-]*-[\s:|-]*\|$", source, flags=re.MULTILINE))
    assert len(page.select(".jp-MarkdownCell table")) == tables
    assert len(page.select("details summary")) == source.count("<details>")
    text = page.get_text()
    for formula in re.findall(r"\$\$(.+?)\$\$", source, flags=re.DOTALL):
        assert formula.strip() in text, "MathJax finds it as it was written"


def test_links_of_the_page_lead_somewhere(converted):
    _, page = converted
    anchors = {element["id"] for element in page.find_all(id=True)}
    for link in page.select(".jp-MarkdownCell a[href]"):
        address = urlsplit(link["href"])
        if not address.scheme and address.path:
            target = (NOTEBOOKS / unquote(address.path)).resolve()
            assert target.exists(), f"{link['href']} leads nowhere"
            assert target.is_relative_to(ROOT)
        elif not address.scheme:
            # A browser looks for the anchor as it is written, then for what it means.
            assert {address.fragment, unquote(address.fragment)} & anchors, f"{link['href']} leads nowhere"


def test_the_page_asks_no_other_hosts_than_we_know(converted):
    _, page = converted
    wanted = [element.get("src") or element.get("href") for element in page.select("[src], link[href]")]
    wanted += re.findall(r"@import [^;]*?(https?://[^\s;\"')]+)", str(page))
    hosts = {urlsplit(address).hostname for address in wanted if address.startswith(("http", "//"))}
    assert hosts == HOSTS


def test_a_script_is_python(tmp_path):
    nbconvert("--to", "script", NOTEBOOKS / f"{LIGHT}.ipynb", "--output-dir", tmp_path)
    script = (tmp_path / f"{LIGHT}.py").read_text("utf8")
    ast.parse(script)
    assert script.count("# In[") == len(code_cells(read(NOTEBOOKS / f"{LIGHT}.ipynb")))


def test_a_notebook_is_executed_from_the_command_line(tmp_path):
    nbconvert("--execute", "--to", "notebook", NOTEBOOKS / f"{LIGHT}.ipynb", "--output-dir", tmp_path)
    executed = read(tmp_path / f"{LIGHT}.ipynb")
    assert all(cell.execution_count for cell in code_cells(executed) if cell.source.strip())
    failed = {cell.id for cell in code_cells(executed) if any(out.output_type == "error" for out in cell.outputs)}
    assert failed == {cell.id for cell in code_cells(executed) if has_tag(cell, "raises-exception")}
