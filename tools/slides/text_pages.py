"""Running text on slides: how large it is, and what has to move to the next slide."""

import re
from dataclasses import dataclass

from slides.layout import CODE_FRAME, CODE_LINE, HEIGHT, TEXT_LINE, WIDTH, fitting_sizes, text_lines
from slides.markdown_blocks import Block

TEXT_SIZES = (40, 37, 34)
TABLE_SIZES = {40: 34, 37: 32, 34: 28}  # a table holds words, not sentences
ROW = re.compile(r"<tr>.*?</tr>", re.DOTALL)
ITEM = re.compile(r"<li>.*?</li>", re.DOTALL)
CELL_PADDING = 40


@dataclass(frozen=True)
class TextPage:
    """Blocks that share a slide, and their size in pixels."""

    blocks: list[Block]
    size: int


def column_shares(rows: tuple[tuple[str, ...], ...]) -> list[float]:
    """Return the share of the width that each column of a table gets."""
    weights = [min(60, max(7, *(len(row[column]) for row in rows))) + 3 for column in range(len(rows[0]))]
    return [weight / sum(weights) for weight in weights]


def table_height(rows: tuple[tuple[str, ...], ...], size: int) -> float:
    """Return the height of a table."""
    shares = column_shares(rows)
    height = 0.0
    for row in rows:
        lines = [text_lines(text, size, share * WIDTH - CELL_PADDING) for text, share in zip(row, shares, strict=True)]
        height += max(lines) * size * TEXT_LINE + 25
    return height + size


def height(block: Block, size: int) -> float:
    """Return the height of a block, with the air below it."""
    if block.kind == "table":
        return table_height(block.rows, TABLE_SIZES[size])
    if block.kind == "list":
        lines = sum(text_lines(row[0], size, WIDTH - 70) for row in block.rows)
        return lines * size * TEXT_LINE + len(block.rows) * 0.4 * size + 0.5 * size
    if block.kind == "maths":
        return (block.source.count(r"\\") + 1) * size * 2.4 + size
    if block.kind == "code":
        lines = block.source.split("\n")
        return len(lines) * fitting_sizes(lines)[0] * CODE_LINE + CODE_FRAME[1] + size
    if block.kind == "figure":
        return HEIGHT
    return text_lines(block.text, size) * size * TEXT_LINE + 0.7 * size


def part_of(block: Block, start: int, end: int) -> Block:
    """Return some rows of a table or items of a list; a table keeps its head."""
    if block.kind == "table":
        head, *rows = ROW.findall(block.html)
        kept = "".join(rows[start - 1 : end - 1])
        markup = f"<table><thead>{head}</thead><tbody>{kept}</tbody></table>"
        return Block("table", "", markup, rows=(block.rows[0], *block.rows[start:end]))
    items = ITEM.findall(block.html)[start:end]
    tag = "ol" if block.html.startswith("<ol") else "ul"
    first = f' start="{start + 1}"' if tag == "ol" and start else ""
    return Block("list", "", f"<{tag}{first}>{''.join(items)}</{tag}>", rows=block.rows[start:end])


def divided(block: Block, size: int) -> list[Block]:
    """Return a block in parts that each fit on a slide."""
    if height(block, size) <= HEIGHT or block.kind not in ("table", "list"):
        return [block]
    head = 1 if block.kind == "table" else 0
    parts, start = [], head
    for end in range(head + 1, len(block.rows) + 1):
        if height(part_of(block, start, end), size) > HEIGHT:
            parts.append(part_of(block, start, end - 1))
            start = end - 1
    return [*parts, part_of(block, start, len(block.rows))]


def pages(parts: list[Block], taken: float = 0) -> list[TextPage]:
    """Distribute blocks over as few slides as it takes, in the largest size that fits.

    `taken` is the height in pixels of what stands above them on the first slide.
    """
    for size in TEXT_SIZES:
        if taken + sum(height(part, size) for part in parts) <= HEIGHT:
            return [TextPage(parts, size)]
    size = TEXT_SIZES[-1]
    found: list[TextPage] = [TextPage([], size)]
    for piece in (piece for part in parts for piece in divided(part, size)):
        above = taken if len(found) == 1 else 0
        full = above + sum(height(block, size) for block in [*found[-1].blocks, piece]) > HEIGHT
        if full and (above or found[-1].blocks):
            found.append(TextPage([], size))
        found[-1].blocks.append(piece)
    return found


def table_html(block: Block, size: int) -> str:
    """Return a table whose columns have the widths that the height was calculated with."""
    columns = "".join(f'<col style="width: {100 * share:.2f}%">' for share in column_shares(block.rows))
    markup = re.sub(r"<table>", f"<table><colgroup>{columns}</colgroup>", block.html, count=1)
    return f'<div class="table" style="font-size: {TABLE_SIZES[size]}px">{markup}</div>'


def block_html(block: Block, size: int) -> str:
    """Return the HTML of a block of text."""
    if block.kind == "table":
        return table_html(block, size)
    if block.kind == "code":
        return f'<div style="font-size: {fitting_sizes(block.source.split(chr(10)))[0]}px">{block.html}</div>'
    return block.html
