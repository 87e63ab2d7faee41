"""Turn LaTeX formulas into MathML while the book is built.

Browsers draw MathML by themselves, so a page with formulas needs no script, shows them at once and lets a screen
reader read them.
"""

import re

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

# latex2mathml reads the "ex" of 2ex as a unit of length; no formula of this book holds a length.
DIGIT_BEFORE_A_UNIT = re.compile(r"(?<=\d)(?=in|mm|cm|pt|em|ex|pc|bp|dd|cc|sp|mu)")
UNTRANSLATED = re.compile(r"<mi>(\\[A-Za-z]+)</mi>")


def to_mathml(latex: str, display: str) -> str:
    """Return MathML for a LaTeX formula.

    `display` is "inline" or "block". Raises ExtensionError when a command has no translation, so that a formula
    never reaches the page as raw LaTeX.
    """
    mathml = convert(DIGIT_BEFORE_A_UNIT.sub("{}", latex), display=display)
    missed = UNTRANSLATED.search(mathml)
    if missed:
        raise ExtensionError(f"no MathML for {missed.group(1)} in the formula {latex!r}: rewrite it without")
    return mathml


def visit_inline(translator: HTML5Translator, node: nodes.math) -> None:
    """Write an inline formula."""
    translator.body.append(to_mathml(node.astext(), "inline"))
    raise nodes.SkipNode


def visit_block(translator: HTML5Translator, node: nodes.math_block) -> None:
    """Write a displayed formula, numbered if it has a label."""
    translator.body.append(translator.starttag(node, "div", CLASS="math-block", tabindex="0", role="group"))
    if node["number"]:
        number = get_node_equation_number(translator, node)
        translator.body.append(f'<span class="eqno">({number})</span>')
    translator.body.append(to_mathml(node.astext(), "block"))
    translator.body.append("</div>\n")
    raise nodes.SkipNode


def connect(app: Sphinx) -> None:
    """Register the renderer that `html_math_renderer: mathml` asks for."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
