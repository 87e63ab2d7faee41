"""Make a deck of slides of every chapter, from its executed notebook and its teaching notes.

python tools/make_slides.py [CHAPTER ...] [--notes FOLDER] [--output FOLDER]

A chapter is named by the beginning of its notebook's name, such as 02; all of them if none is named.
"""

import argparse
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "book")]

from contents import chapter_paths  # noqa: E402
from slides.deck import Deck, make_deck  # noqa: E402
from slides.pages import write_decks  # noqa: E402
from slides.source import executed  # noqa: E402
from slides.teaching_notes import read_notes  # noqa: E402


def chosen(names: list[str], root: Path) -> list[Path]:
    """Return the chapters that are named, all if none is. Raises ValueError for a name without a chapter."""
    paths = chapter_paths(root)
    for name in names:
        if not any(path.name.startswith(name) for path in paths):
            raise ValueError(f"there is no chapter {name!r}: name one by its beginning, such as 02.")
    return [path for path in paths if not names or any(path.name.startswith(name) for name in names)]


def make(root: Path, names: list[str], notes: Path, target: Path) -> list[Deck]:
    """Write the decks of the named chapters into `target` and return them.

    Raises ValueError, in one sentence, for whatever a maintainer has to repair. Nothing is written then.
    """
    decks = []
    for path in chosen(names, root):
        page = read_notes(notes / f"notes_{path.stem}.md")
        try:
            decks.append(make_deck(path.stem, executed(path, root), page, root))
        except ValueError as error:
            raise ValueError(f"{path.name}: {error}") from error
    # They are written elsewhere and moved when they are whole: old decks and new assets do not go together.
    unfinished = target.with_name(f"{target.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    write_decks(root, decks, unfinished)
    shutil.rmtree(target, ignore_errors=True)
    unfinished.replace(target)
    return decks


def main() -> int:
    """Make the decks named on the command line."""
    parser = argparse.ArgumentParser(description="Make slides from the executed notebooks and the teaching notes.")
    parser.add_argument("chapters", nargs="*", metavar="CHAPTER", help="such as 02; default: all")
    parser.add_argument("--notes", type=Path, default=ROOT / "book" / "teaching", help="the folder of teaching notes")
    parser.add_argument("--output", type=Path, default=ROOT / "_build" / "slides", help="default: %(default)s")
    arguments = parser.parse_args()
    try:
        decks = make(ROOT, arguments.chapters, arguments.notes, arguments.output)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    for deck in decks:
        print(f"{deck.name}: {len(deck.slides)} slides")
    print(f"The decks are in {arguments.output}. Open index.html there.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
