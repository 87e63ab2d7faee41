"""Take the Markdown of a cell or of a page of notes apart into blocks, and turn them into HTML."""

import html
import re
from dataclasses import dataclass
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin

from bookkit.mathml import to_mathml
from slides.highlighting import highlighted

PREDICT = "**Predict.**"
LINK = re.compile(r'<a href="([^"]*)"[^>]*>(.*?)</a>', re.DOTALL)
CHAPTER_LINK = re.compile(r"(?:\.\./)*(?:notebooks/)?(\d\d_\w+)\.ipynb")
# What a full stop may stand in without ending a sentence.
ATOM = re.compile(r"`[^`]*`|\$[^$]*\$|\[[^\]]*\]\([^)]*\)")
SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z`$*\"“(\x00])")


@dataclass(frozen=True)
class Block:
    """One block of Markdown.

    `kind` is heading, paragraph, list, table, maths, code, figure or hint; `source` is the Markdown of a heading or
    paragraph, the text of code, the name of a figure; `rows` are the plain texts of list items or of table cells.
    """

    kind: str
    source: str
    html: str
    level: int = 0
    language: str = ""
    rows: tuple[tuple[str, ...], ...] = ()

    @property
    def text(self) -> str:
        """What a reader sees, without marks."""
        return plain(self.html)

    @property
    def is_question(self) -> bool:
        """Whether this is a question to be answered before the next cell runs."""
        return self.kind == "paragraph" and self.source.startswith(PREDICT)


@cache
def parser() -> MarkdownIt:
    """Return the parser: CommonMark with tables and formulas between dollars."""
    md = MarkdownIt("commonmark").enable("table")
    dollarmath_plugin(md, allow_labels=False, double_inline=True)

    def render_maths(_self: object, tokens: list[Token], index: int, *_rest: object) -> str:
        token = tokens[index]
        display = "block" if token.type == "math_block" or "$$" in token.markup else "inline"
        formula = to_mathml(token.content.strip(), display)
        return f'<div class="maths">{formula}</div>\n' if token.type == "math_block" else formula

    for kind in ("math_inline", "math_block", "math_inline_double"):
        md.add_render_rule(kind, render_maths)
    md.add_render_rule("html_block", lambda *_: "")
    md.add_render_rule("html_inline", lambda *_: "")
    md.add_render_rule("fence", lambda _self, tokens, index, *_: code_html(tokens[index]))
    return md


def code_html(token: Token) -> str:
    """Return fenced code in colours."""
    return highlighted(token.content.rstrip("\n"), token.info.strip().split(" ")[0] or "text")


def with_links_of_decks(text: str) -> str:
    """Let links to chapters lead to their decks, and turn links to other pages of the book into plain words."""

    def repaired(link: re.Match[str]) -> str:
        target, words = link.groups()
        chapter = CHAPTER_LINK.match(target)
        if chapter:
            return f'<a href="{chapter[1]}.html">{words}</a>'
        return link[0] if target.startswith("https://") else words

    return LINK.sub(repaired, text)


def render(tokens: list[Token]) -> str:
    """Return the HTML of tokens."""
    md = parser()
    return with_links_of_decks(md.renderer.render(tokens, md.options, {}))


def render_page(markdown: str) -> str:
    """Return the HTML of Markdown."""
    return render(parser().parse(markdown))


def render_inline(markdown: str) -> str:
    """Return the HTML of Markdown within a paragraph, such as a heading or a sentence."""
    return with_links_of_decks(parser().renderInline(markdown))


def plain(markup: str) -> str:
    """Return the text of HTML, formulas as their letters."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", "", markup))).strip()


def sentences(markdown: str) -> list[str]:
    """Return the sentences of a paragraph; a full stop in code, in a formula or in a link ends none."""
    atoms: list[str] = []

    def hide(found: re.Match[str]) -> str:
        atoms.append(found[0])
        return f"\x00{len(atoms) - 1}\x01"

    hidden = ATOM.sub(hide, " ".join(markdown.split()))
    parts = SENTENCE_END.split(hidden)
    return [re.sub("\x00(\\d+)\x01", lambda found: atoms[int(found[1])], part) for part in parts]


def top_level(tokens: list[Token]) -> list[list[Token]]:
    """Return the tokens of each block that stands in no other block."""
    groups, depth = [], 0
    for token in tokens:
        if depth == 0:
            groups.append([])
        groups[-1].append(token)
        depth += token.nesting
    return groups


def cells_of(group: list[Token], closing: set[str]) -> list[str]:
    """Return the plain texts of the table cells or list items of a block."""
    texts, current = [], []
    for token in group:
        if token.type == "inline":
            current.append(plain(render([token])))
        elif token.type in closing:
            texts.append(" ".join(current))
            current = []
    return texts


def block_of(group: list[Token]) -> Block:
    """Return the block that some tokens make.

    Raises ValueError for a kind of block that no slide can show.
    """
    first = group[0]
    markup = render(group)
    match first.type:
        case "heading_open":
            return Block("heading", group[1].content, render([group[1]]), level=int(first.tag[1]))
        case "paragraph_open":
            if group[1].children and group[1].children[0].type == "math_inline_double" and len(group[1].children) == 1:
                return Block("maths", group[1].content, f'<div class="maths">{markup}</div>')
            return Block("paragraph", group[1].content, markup)
        case "bullet_list_open" | "ordered_list_open":
            items = cells_of(group, {"list_item_close"})
            return Block("list", "", markup, rows=tuple((item,) for item in items))
        case "table_open":
            columns = sum(token.type == "th_open" for token in group)
            cells = cells_of(group, {"th_close", "td_close"})
            rows = [tuple(cells[start : start + columns]) for start in range(0, len(cells), columns)]
            return Block("table", "", markup, rows=tuple(rows))
        case "math_block":
            return Block("maths", first.content, markup)
        case "fence":
            return Block("code", first.content.rstrip("\n"), markup, language=first.info)
        case "blockquote_open":
            return Block("paragraph", plain(markup), markup)
    raise ValueError(f"slides cannot show the block {first.type}: write it as text, list, table, formula or code.")


def blocks(markdown: str) -> list[Block]:
    """Return the blocks of Markdown. A folded hint is one block; anchors and comments are none."""
    found: list[Block] = []
    hint: list[str] | None = None
    for group in top_level(parser().parse(markdown)):
        if group[0].type == "html_block":
            source = group[0].content
            figure = re.search(r"<!-- figure: ([a-z_]+) -->", source)
            if figure:
                found.append(Block("figure", figure[1], ""))
            if source.startswith("<details"):
                hint = []
            if "</details>" in source and hint is not None:
                found.append(Block("hint", "", "".join(hint)))
                hint = None
        elif hint is not None:
            hint.append(render(group))
        else:
            found.append(block_of(group))
    return found
