"""Code in the colours that the site uses on white."""

import html

from nbconvert.filters import Highlight2HTML

WITHOUT_COLOURS = {"text", "none", ""}


def highlighted(code: str, language: str = "ipython3", **options: object) -> str:
    """Return code as HTML with a class for each kind of word (Pygments, through nbconvert's filter).

    `options` are those of Pygments' HtmlFormatter, such as `hl_lines`.
    """
    if language in WITHOUT_COLOURS:
        return f'<div class="highlight"><pre>{html.escape(code)}</pre></div>'
    return Highlight2HTML(pygments_lexer=language, extra_formatter_options=options)(code).strip()
