"""The small Sphinx extension of this book: one module, one job."""

import hashlib
from importlib import import_module
from pathlib import Path

from sphinx.application import Sphinx

PARTS = [
    "execution_cache",
    "mathml",
    "notebook_anchors",
    "execution_note",
    "interactive_figures",
    "launch_links",
    "traceback_colours",
    "cover_picture",
    "paper_editions",
    "glossary",
    "schedules",
    "version_tables",
    "theme_repairs",
    "local_paths",
    "search_index",
    "not_found",
    "moved_pages",
    "page_weight",
    "page_scripts",
    "page_styles",  # after the scripts: it keeps what they name
    "offline_guard",  # last: it looks at what the others have written
]


def own_fingerprint() -> str:
    """Return a hash of this extension's code."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect every part to Sphinx."""
    # As a part of the configuration: Sphinx writes every page again when the extension changes.
    app.add_config_value("bookkit_fingerprint", own_fingerprint(), "html")
    for part in PARTS:
        import_module(f"{__name__}.{part}").connect(app)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
