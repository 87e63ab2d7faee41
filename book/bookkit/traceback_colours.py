"""Let a traceback hold words that are not Python.

Tracebacks are coloured as Python. A message in plain words, with a backtick in it for instance, is none, and Sphinx
would warn about every such output. It is asked to colour what it can.
"""

from docutils import nodes
from sphinx.application import Sphinx

LEXER = "ipythontb"  # what MyST-NB names as the language of every traceback


def allow_plain_words(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Mark every traceback of a page as one whose colouring may stop at a word that is no Python."""
    for block in doctree.findall(nodes.literal_block):
        if block.get("language") == LEXER:
            block["force"] = True


def connect(app: Sphinx) -> None:
    """Mark the tracebacks when a page is about to be written."""
    app.connect("doctree-resolved", allow_plain_words)
