"""Make the book on paper, or the e-book, from the site in _build/html.

python tools/make_paper.py pdf
python tools/make_paper.py epub
"""

import argparse
import sys
from pathlib import Path

from paper import epub, pdf
from paper.edition import edition
from paper.pages import PaperError, collect

ROOT = Path(__file__).resolve().parent.parent
NAME = "pytorch-from-the-ground-up"


def make(root: Path, kind: str) -> int:
    """Write the book in `root` as a PDF or an EPUB; return an exit status for the shell.

    It is written elsewhere and moved when it is whole: the next build of the site publishes what lies in its place.
    """
    file = root / "_build" / f"{NAME}.{kind}"
    unfinished = root / "_build" / "print" / file.name
    unfinished.parent.mkdir(parents=True, exist_ok=True)
    try:
        book, printing = collect(root), edition(root)
        if kind == "pdf":
            size = f"{pdf.write(root, book, printing, unfinished)} pages"
        else:
            size = f"{epub.write(root, book, printing, unfinished)} files"
    except PaperError as error:
        print(error, file=sys.stderr)
        return 1
    unfinished.replace(file)
    print(f"{file}: {size}, {file.stat().st_size / 1e6:.1f} MB")
    return 0


def main() -> int:
    """Make what the command line names."""
    parser = argparse.ArgumentParser(description="Make the book on paper, or the e-book.")
    parser.add_argument("kind", choices=["pdf", "epub"])
    return make(ROOT, parser.parse_args().kind)


if __name__ == "__main__":
    sys.exit(main())
