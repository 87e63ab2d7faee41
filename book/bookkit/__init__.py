"""The small Sphinx extension of this book: one module, one job."""

from importlib import import_module

from sphinx.application import Sphinx

PARTS = [
    "execution_cache",
    "mathml",
    "launch_links",
    "cover_picture",
    "theme_repairs",
    "offline_guard",  # last: it looks at what the others have written
]


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect every part to Sphinx."""
    for part in PARTS:
        import_module(f"{__name__}.{part}").connect(app)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
