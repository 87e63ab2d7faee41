"""Where things stand on a slide of 1920 × 1080 pixels: decided by counting lines and columns, before any browser.

The widths of letters are those of wide fonts (DejaVu), so that what fits here fits with every font.
"""

import math
from dataclasses import dataclass, field

from slides.outputs import Picture, middle_cut

WIDTH, HEIGHT = 1760, 890  # what the margins and the line at the top leave of a slide
GAP = 36
CODE_ADVANCE, CODE_LINE = 0.61, 1.35  # of the font size: the width of a letter, the height of a line
CODE_FRAME, OUTPUT_FRAME = (64, 40), (64, 32)  # what padding and border of a block add to its width and height
TEXT_ADVANCE, TEXT_LINE = 0.57, 1.4
CODE_SIZES = (38, 34, 30, 28, 26, 24)  # in pixels; NARROW only where a line is longer than fits
NARROW = (22, 20)
TAKEAWAY = 34  # the size of a sentence below a cell
LARGE_PICTURE = (1250, 700)  # a picture is large enough beside its code with one of these: width, height
MAGNIFY = 2.1  # a picture of points may grow so much before it looks coarse
FEWEST_LINES = 7  # of an output that is cut


def columns_at(size: float, width: float, frame: int = CODE_FRAME[0]) -> int:
    """Return how many letters of code fit into a line."""
    return int((width - frame) // (size * CODE_ADVANCE))


def wrapped(lines: list[str], columns: int) -> int:
    """Return how many lines there are when long ones are broken."""
    return sum(max(1, math.ceil(len(line) / columns)) for line in lines)


def block_height(lines: int, size: float, frame: int) -> float:
    """Return the height of a block of code or output."""
    return lines * size * CODE_LINE + frame if lines else 0


def text_lines(text: str, size: float, width: float = WIDTH) -> int:
    """Return how many lines a paragraph takes."""
    return max(1, math.ceil(len(text) * size * TEXT_ADVANCE / width))


def takeaways_height(takeaways: list[str]) -> float:
    """Return the height of the sentences below a cell."""
    if not takeaways:
        return 0
    return 20 + sum(text_lines(text, TAKEAWAY, WIDTH - 60) * TAKEAWAY * TEXT_LINE + 12 for text in takeaways)


@dataclass
class Arrangement:
    """How code, printed lines and pictures share a slide.

    Sizes are font sizes in pixels; `beside` puts what comes out to the right of the code, whose column is
    `code_width` pixels wide; `picture` is the width of each picture; `cut` says how many lines were left out.
    """

    code: list[str]
    lines: list[str]
    pictures: list[Picture] = field(default_factory=list)
    code_size: float = 24
    output_size: float = 24
    beside: bool = False
    code_width: float = WIDTH
    picture_width: float = 0
    takeaways: int = 0
    cut: int = 0


def longest(lines: list[str]) -> int:
    """Return the length of the longest line."""
    return max(map(len, lines), default=0)


def fitting_sizes(code: list[str], width: float = WIDTH) -> list[int]:
    """Return the font sizes at which no line of code is broken; the smallest of all if there is none."""
    fits = [size for size in CODE_SIZES if longest(code) <= columns_at(size, width)]
    return fits or [size for size in NARROW if longest(code) <= columns_at(size, width)] or [NARROW[-1]]


def stack_of_text(code: list[str], lines: list[str], room: float) -> Arrangement | None:
    """Put the printed lines below the code, in the largest size in which both fit."""
    for size in fitting_sizes(code):
        columns = columns_at(size, WIDTH)
        if longest(lines) > columns and size > CODE_SIZES[-1]:
            continue  # in a smaller size no line is broken
        height = block_height(wrapped(code, columns), size, CODE_FRAME[1])
        height += block_height(wrapped(lines, columns), size, OUTPUT_FRAME[1]) + (GAP / 2 if lines else 0)
        if height <= room:
            return Arrangement(code, lines, code_size=size, output_size=size)
    return None


def text_beside(code: list[str], lines: list[str], room: float) -> Arrangement | None:
    """Put the printed lines to the right of the code, in the largest size in which both fit."""
    for size in CODE_SIZES:
        widths = [longest(part) * size * CODE_ADVANCE + CODE_FRAME[0] for part in (code, lines)]
        heights = [block_height(len(part), size, CODE_FRAME[1]) for part in (code, lines)]
        if sum(widths) + GAP <= WIDTH and max(heights) <= room:
            width = WIDTH - GAP - max(widths[1], 500) if widths[0] + GAP + 500 <= WIDTH else widths[0]
            return Arrangement(code, lines, code_size=size, output_size=size, beside=True, code_width=width)
    return None


def cut_text(code: list[str], lines: list[str], room: float) -> Arrangement | None:
    """Put as many printed lines below the code as fit; the middle is left out."""
    size = fitting_sizes(code)[-1]
    columns = columns_at(size, WIDTH)
    left = room - block_height(wrapped(code, columns), size, CODE_FRAME[1]) - (GAP / 2 if code else 0) - OUTPUT_FRAME[1]
    fit = int(left // (size * CODE_LINE))
    if fit < FEWEST_LINES:
        return None
    limit = min(fit, len(lines))
    shown = middle_cut(lines, limit)
    while wrapped(shown, columns) > fit:
        limit -= 1
        shown = middle_cut(lines, limit)
    # The line with … stands for what is missing, and is none of the lines itself.
    return Arrangement(code, shown, code_size=size, output_size=size, cut=len(lines) - len(shown) + 1)


def arrange_text(code: list[str], lines: list[str], takeaways: list[str]) -> list[Arrangement]:
    """Arrange a cell that prints; on two slides if one is too small. Sentences that find no room are left out."""
    for count in range(len(takeaways), -1, -1):
        room = HEIGHT - takeaways_height(takeaways[:count])
        for way in (stack_of_text, text_beside):
            found = way(code, lines, room)
            if found:
                found.takeaways = count
                return [found]
    one = cut_text(code, lines, HEIGHT)
    if one and len(code) < 20:
        return [one]
    alone = stack_of_text(code, [], HEIGHT)
    if alone is None:
        raise ValueError(f"{len(code)} lines of code do not fit on a slide: give the cell the slide_type 'skip'.")
    return [alone, stack_of_text([], lines, HEIGHT) or cut_text([], lines, HEIGHT)]


def picture_width(pictures: list[Picture], width: float, height: float) -> float:
    """Return the width of each of the pictures, which stand side by side, in a room of this size."""
    each = (width - GAP * (len(pictures) - 1)) / len(pictures)
    for picture in pictures:
        each = min(each, height * picture.width / picture.height)
        if picture.src.startswith("data:image/png"):
            each = min(each, picture.width * MAGNIFY)
        else:
            each = min(each, picture.width * 3.2)  # a drawing stays sharp, but its letters need not be giants
    return each


def is_large(pictures: list[Picture], width: float) -> bool:
    """Say whether pictures of this width can be seen from the last row."""
    tall = min(width * picture.height / picture.width for picture in pictures)
    whole = width * len(pictures)
    return whole >= LARGE_PICTURE[0] or tall >= LARGE_PICTURE[1] or width >= pictures[0].width * MAGNIFY * 0.99


def with_picture(code: list[str], lines: list[str], pictures: list[Picture], room: float) -> Arrangement | None:
    """Arrange a cell that draws, so that the picture is as large as possible; None if it stays small."""
    best, best_width = None, 0.0
    for beside in (True, False):
        for size in CODE_SIZES:
            code_width = longest([*code, *lines]) * size * CODE_ADVANCE + CODE_FRAME[0] if beside else WIDTH
            if not beside and longest(code) > columns_at(size, WIDTH):
                continue
            text = block_height(len(code), size, CODE_FRAME[1]) + (GAP / 2 if lines else 0)
            text += block_height(len(lines), size, OUTPUT_FRAME[1])
            wide = WIDTH - code_width - GAP if beside else WIDTH
            high = room if beside else room - text - GAP / 2
            if text > room or wide < 300 or high < 200:
                continue
            width = picture_width(pictures, wide, high)
            if width > best_width * 1.05:
                best_width = width
                best = Arrangement(
                    code,
                    lines,
                    pictures,
                    code_size=size,
                    output_size=size,
                    beside=beside,
                    code_width=code_width,
                    picture_width=width,
                )
    return best if best and is_large(pictures, best_width) else None


def picture_alone(lines: list[str], pictures: list[Picture], room: float) -> Arrangement:
    """Arrange pictures with what was printed below them, without the code."""
    size = 28 if longest(lines) <= columns_at(28, WIDTH) else 24
    columns = columns_at(size, WIDTH)
    shown = middle_cut(lines, 8)
    text = block_height(wrapped(shown, columns), size, OUTPUT_FRAME[1]) + (GAP / 2 if lines else 0)
    width = picture_width(pictures, WIDTH, room - text)
    cut = len(lines) - len(shown) + 1 if len(shown) < len(lines) else 0
    return Arrangement([], shown, pictures, output_size=size, picture_width=width, cut=cut)


def arrange_pictures(
    code: list[str], lines: list[str], pictures: list[Picture], takeaways: list[str], drawing_only: bool
) -> list[Arrangement]:
    """Arrange a cell that draws.

    Where the picture would stay small beside its code, it gets a slide of its own; the code comes before it, or is left
    to the notes if it does nothing but draw.
    """
    for count in range(len(takeaways), -1, -1):
        room = HEIGHT - takeaways_height(takeaways[:count])
        found = with_picture(code, lines, pictures, room) if code else None
        if found:
            found.takeaways = count
            return [found]
    count = len(takeaways)
    while count and takeaways_height(takeaways[:count]) > HEIGHT / 4:
        count -= 1
    picture = picture_alone(lines, pictures, HEIGHT - takeaways_height(takeaways[:count]))
    picture.takeaways = count
    before = stack_of_text(code, [], HEIGHT) if code and not drawing_only else None
    return [before, picture] if before else [picture]
