"""What GitHub shows of a notebook: the texts, as they stand here, with their links and formulas and without our help.

GitHub renders a notebook's Markdown, then removes every element and attribute that is not on a list. The list here is
the one that GitHub published with html-pipeline (`HTMLPipeline::SanitizationFilter::DEFAULT_CONFIG`). Its front end
adds an anchor to each heading. Of the metadata, such as `hide-input`, it heeds nothing. Formulas follow the rules of
its page *Writing mathematical expressions*, and the traps that its users have collected in nschloe/github-math-bugs.
"""

import functools
import re
from collections import Counter
from urllib.parse import urlsplit

import bleach
import pytest
from bs4 import BeautifulSoup
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from book_files import markdown_cells, notebook_paths, read

ELEMENTS = """
    h1 h2 h3 h4 h5 h6 br b i strong em a pre code img tt div ins del sup sub p ol ul table thead tbody tfoot blockquote
    dl dt dd kbd q samp var hr ruby rt rp li tr td th s strike summary details caption figure figcaption abbr bdo cite
    dfn mark small span time wbr
"""
OF_ELEMENTS = {"a": {"href"}, "img": {"src", "longdesc"}, "div": {"itemscope", "itemtype"}} | {
    name: {"cite"} for name in ("blockquote", "del", "ins", "q")
}
OF_ALL = """
    abbr accept accept-charset accesskey action align alt aria-describedby aria-hidden aria-label aria-labelledby axis
    border cellpadding cellspacing char charoff charset checked clear cols colspan color compact coords datetime dir
    disabled enctype for frame headers height hreflang hspace id ismap label lang maxlength media method multiple name
    nohref noshade nowrap open progress prompt readonly rel rev role rows rowspan rules scope selected shape size span
    start summary tabindex title type usemap valign value width itemprop
"""
PROTOCOLS = {"http", "https", "mailto"}
# What a table's columns are aligned with, which GitHub's own Markdown writes as `align`.
ALIGNMENT = re.compile(r' style="text-align:(left|right|center)"')
PARSER = MarkdownIt("gfm-like", {"html": True, "linkify": False})
FORMULAS = MarkdownIt("gfm-like", {"html": True, "linkify": False}).use(
    dollarmath_plugin, allow_space=False, allow_digits=False, double_inline=True
)
# Macros that MathJax has and GitHub refuses, or that define others for the rest of the page.
REFUSED_MACROS = re.compile(r"\\(newcommand|renewcommand|def|let|require|operatorname\*?|href|unicode|label|ref|tag)\b")


def rendered(source: str) -> str:
    """Return a text cell as HTML, before anything is removed."""
    return ALIGNMENT.sub(r' align="\1"', PARSER.render(source))


def is_allowed(element: str, name: str, value: str) -> bool:
    """Say whether GitHub keeps an attribute."""
    if name in ("href", "src") and (scheme := urlsplit(value).scheme) and scheme not in PROTOCOLS:
        return False
    # The parser writes a code block's language as a class, as GitHub's does; it colours the code.
    return name in OF_ELEMENTS.get(element, ()) or name in OF_ALL.split() or (element, name) == ("code", "class")


@functools.cache
def sanitised(html: str) -> str:
    """Return what is left of it on GitHub."""
    return bleach.clean(html, ELEMENTS.split(), is_allowed, PROTOCOLS, strip=True, strip_comments=True)


def parts(html: str) -> Counter:
    """Return the elements, each with its attributes, and each attribute's value."""
    found = Counter()
    for element in BeautifulSoup(html, "html.parser").find_all(True):
        found[f"<{element.name}>"] += 1
        found.update(f"<{element.name} {name}={value!r}>" for name, value in element.attrs.items())
    return found


def text_of(html: str) -> str:
    """Return the text that is read, without the comments."""
    return BeautifulSoup(html, "html.parser").get_text()


def losses(source: str) -> list[str]:
    """Return what a text cell loses on GitHub: elements, attributes, text, and pictures that nobody described."""
    before = rendered(source)
    after = sanitised(before)
    lost = sorted(parts(before) - parts(after))
    if text_of(before) != text_of(after):
        lost.append("text")
    return lost + [str(image) for image in BeautifulSoup(after, "html.parser").find_all("img") if not image.get("alt")]


def slug(heading: str) -> str:
    """Return the anchor that GitHub makes of a heading's text."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(notebook) -> Counter:
    """Return every anchor of a notebook on GitHub: its own, and its headings', the second of a name with a 1."""
    found, slugs = Counter(), Counter()
    for cell in markdown_cells(notebook):
        page = BeautifulSoup(sanitised(rendered(cell.source)), "html.parser")
        found.update(element["id"] for element in page.find_all(id=True))
        for heading in page.find_all(re.compile(r"h\d")):
            name = slug(heading.get_text())
            found[f"{name}-{slugs[name]}" if slugs[name] else name] += 1
            slugs[name] += 1
    return found


def links(notebook) -> list[str]:
    """Return the targets of all links that GitHub leaves."""
    pages = [BeautifulSoup(sanitised(rendered(cell.source)), "html.parser") for cell in markdown_cells(notebook)]
    return [link["href"] for page in pages for link in page.find_all("a", href=True)]


class FormulaCollector(IPythonRenderer):
    """Notes the formulas that Jupyter's own converter finds."""

    def __init__(self) -> None:
        super().__init__(escape=False)
        self.found: list[str] = []

    def block_math(self, body: str) -> str:
        self.found.append(body.strip())
        return super().block_math(body)

    def inline_math(self, body: str) -> str:
        self.found.append(body.strip())
        return super().inline_math(body)


def formulas_in_jupyter(source: str) -> list[str]:
    """Return the formulas that a dollar begins in Jupyter, whatever stands before or after it."""
    collector = FormulaCollector()
    MarkdownWithMath(renderer=collector)(source)
    return collector.found


def formulas_on_github(source: str) -> list[str]:
    """Return the formulas by the strict rules: no space inside the dollars, no digit beside them."""
    tokens = [inner for token in FORMULAS.parse(source) for inner in [token, *(token.children or ())]]
    return [token.content.strip() for token in tokens if token.type.startswith("math_")]


def traps(source: str) -> list[str]:
    """Return what keeps a text cell's formulas from being formulas on GitHub."""
    found = []
    strict = formulas_on_github(source)
    if sorted(formulas_in_jupyter(source)) != sorted(strict):
        found.append("Jupyter and GitHub find different formulas")
    plain = re.sub(r"^(```|~~~).*?^\1\s*$|`[^`\n]+`|\$\$.*?\$\$", "", source, flags=re.MULTILINE | re.DOTALL)
    for before, formula, after in re.findall(r"(?<![\\$])(^|.)\$(?!\$)([^$]+)\$(?!\$)(.|$)", plain, flags=re.MULTILINE):
        if re.match(r"[\w\-$]", before) or re.match(r"\w", after):
            found.append(f"a letter, a digit or a hyphen touches ${formula}$")
        if "\n" in formula:
            found.append(f"a line ends inside ${formula}$")
    for formula in strict:
        if refused := REFUSED_MACROS.search(formula):
            found.append(f"{refused[0]} in {formula}")
        if re.search(r"<[A-Za-z/!]", formula):
            found.append(f"a tag seems to begin in {formula}")
        if re.search(r"\\text\{[^}]*\$", formula):
            found.append(f"a dollar in the text of {formula}")
    for token in FORMULAS.parse(source):
        depth = 0
        for inner in token.children or ():
            depth += inner.nesting if inner.type.startswith("link_") else 0
            if depth and inner.type.startswith("math_"):
                found.append(f"a link holds {inner.content}")
    return found


@pytest.fixture(scope="module", params=notebook_paths(), ids=lambda path: path.stem)
def notebook(request):
    return read(request.param)


def test_nothing_that_github_removes_carries_meaning(notebook):
    lost = {cell.id: losses(cell.source) for cell in markdown_cells(notebook)}
    assert not {name: what for name, what in lost.items() if what}


def test_hints_stay_folded_and_can_be_opened(notebook):
    hints = [cell.source for cell in markdown_cells(notebook) if "<details>" in cell.source]
    for source in hints:
        page = BeautifulSoup(sanitised(rendered(source)), "html.parser")
        for details in page.find_all("details"):
            assert details.summary.get_text(strip=True)
            assert details.get_text(strip=True) != details.summary.get_text(strip=True), "nothing is folded away"
            assert "`" not in details.get_text(), "Markdown in a hint needs a blank line before it"


def test_links_inside_the_notebook_lead_somewhere(notebook):
    found = anchors(notebook)
    targets = [link[1:] for link in links(notebook) if link.startswith("#")]
    assert not {target: found[target] for target in targets if found[target] != 1}


@pytest.fixture(scope="module")
def anchors_of():
    """The anchors of every notebook, by its file's name."""
    return {path.name: anchors(read(path)) for path in notebook_paths()}


def test_links_to_other_notebooks_lead_somewhere(notebook, anchors_of):
    links_to_sections = [link.partition("#") for link in links(notebook) if ".ipynb" in link]
    for name, _, anchor in links_to_sections:
        assert name in anchors_of
        assert not anchor or anchors_of[name][anchor] == 1, f"{name}#{anchor}"


def test_formulas_are_formulas_on_github_too(notebook):
    trapped = {cell.id: traps(cell.source) for cell in markdown_cells(notebook)}
    assert not {name: what for name, what in trapped.items() if what}


def test_there_is_something_to_look_at():
    """The tests above would pass a book without hints, links and formulas."""
    notebooks = [read(path) for path in notebook_paths()]
    sources = [cell.source for notebook in notebooks for cell in markdown_cells(notebook)]
    assert sum("<details>" in source for source in sources) > 50
    assert sum(len(formulas_on_github(source)) for source in sources) > 100
    assert sum(link.startswith("#") for notebook in notebooks for link in links(notebook)) > 50
    assert sum("#" in link and ".ipynb" in link for notebook in notebooks for link in links(notebook)) > 20


@pytest.mark.parametrize(
    ("source", "lost"),
    [
        ('<p style="color: red">red means wrong</p>', "<p style='color: red'>"),
        ('<div class="warning">Careful.</div>', "<div class=['warning']>"),
        ('<iframe src="https://example.org"></iframe>', "<iframe>"),
        ('<input type="checkbox"> done', "<input>"),
        ("<svg><text>a drawing</text></svg>", "<svg>"),
        ("<script>document.write('a sum')</script>", "<script>"),
        ('<a href="#x" onclick="go()">here</a>', "<a onclick='go()'>"),
        ('<img src="data:image/png;base64,AAAA" alt="a curve">', "<img src='data:image/png;base64,AAAA'>"),
        ("![](curve.png)", '<img alt="" src="curve.png"/>'),
    ],
)
def test_what_github_removes_is_noticed(source, lost):
    assert lost in losses(f"Some words.\n\n{source}\n")


@pytest.mark.parametrize(
    "source",
    [
        "$ x $ with spaces inside",
        "it costs $5 and $6 more",
        "a$x$ is no formula there",
        "the $n$th is none either",
        "not $x<b$ because a tag begins",
        r"no $\newcommand{\a}{b}$ here",
        r"no $\operatorname{argmin} f$ here",
        "a [link with $x$](https://example.org)",
        "a line $a +\nb$ that ends",
    ],
)
def test_a_formula_that_github_would_not_show_is_noticed(source):
    assert traps(source)


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("What's next", "whats-next"),
        ("Reshape vs. view: `x.view(-1)`", "reshape-vs-view-xview-1"),
        ("A  dash – and two spaces", "a--dash--and-two-spaces"),
        ("Exercise 1 · Read the shapes", "exercise-1--read-the-shapes"),
    ],
)
def test_slugs_follow_githubs_rules(heading, anchor):
    assert slug(BeautifulSoup(rendered(f"## {heading}"), "html.parser").get_text()) == anchor
