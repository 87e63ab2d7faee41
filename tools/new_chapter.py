"""Start a chapter: copy the template and its teaching notes, give them a title, put them into the table of contents.

python tools/new_chapter.py 14_my_topic "My topic" --part "Foundations"
"""

import argparse
import json
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "tools" / "chapter_template.ipynb"


def add_to_contents(contents: str, name: str, part: str) -> str:
    """Return the text of _toc.yml with the chapter as the last one of a part.

    Raises ValueError if there is no part of that caption. The text is edited line by line to keep its comments.
    """
    lines = contents.splitlines()
    caption = f"  - caption: {part}"
    if caption not in lines:
        captions = ", ".join(line.partition(": ")[2] for line in lines if line.startswith("  - caption: "))
        raise ValueError(f"_toc.yml has no part {part!r}, only: {captions}")
    end = lines.index(caption) + 1
    while end < len(lines) and not lines[end].startswith("  - caption: "):
        end += 1
    lines.insert(end, f"      - file: notebooks/{name}")
    return "\n".join(lines) + "\n"


def is_chapter(name: str) -> bool:
    """Say whether a notebook is a chapter, not an appendix; only chapters have teaching notes."""
    return name[0].isdigit()


def add_notes_to_contents(contents: str, name: str) -> str:
    """Return the text of _toc.yml with the chapter's teaching notes after those that are there."""
    lines = contents.splitlines()
    last = max(index for index, line in enumerate(lines) if line.startswith("          - file: book/teaching/notes_"))
    lines.insert(last + 1, f"          - file: book/teaching/notes_{name}")
    return "\n".join(lines) + "\n"


def add_to_mutants(record_path: Path, name: str) -> None:
    """Record that the mutants of the chapter's solutions were tried: they are still those of the template."""
    record = json.loads(record_path.read_text("utf8"))
    record["notebooks"][name] = record["notebooks"][TEMPLATE.stem]
    record_path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf8")


def start_chapter(root: Path, name: str, title: str, part: str) -> None:
    """Write notebook, wrong answers, notes, and the records of what it prints and of its mutants; add it to _toc.yml.

    Raises ValueError for a bad name, an unknown part or a chapter that exists, before anything is written.
    """
    if not re.fullmatch(r"(\d\d|a\d)_[a-z0-9_]+", name):
        raise ValueError(f"{name!r} is no name for a chapter: two digits, then what it is about, such as 14_my_topic")
    notebook_path = root / "notebooks" / f"{name}.ipynb"
    if notebook_path.exists():
        raise ValueError(f"{notebook_path} exists already")
    contents_path = root / "_toc.yml"
    contents = add_to_contents(contents_path.read_text("utf8"), name, part)
    if is_chapter(name):
        contents = add_notes_to_contents(contents, name)
    notebook = json.loads(TEMPLATE.read_text("utf8"))
    first = notebook["cells"][0]
    first["source"] = ["# " + title + "\n", *first["source"][1:]]
    notebook_path.write_text(json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n", "utf8")
    answers = root / "tests" / "wrong_answers" / f"{name}.toml"
    answers.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(TEMPLATE.with_suffix(".wrong_answers.toml"), answers)
    numbers = root / "book" / "records" / "printed_numbers" / f"{name}.json"
    numbers.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(TEMPLATE.with_suffix(".numbers.json"), numbers)  # the code is the template's, and so is what it prints
    add_to_mutants(root / "tests" / "mutants.json", name)
    if is_chapter(name):
        notes = root / "book" / "teaching" / f"notes_{name}.md"
        notes.parent.mkdir(parents=True, exist_ok=True)
        text = TEMPLATE.with_suffix(".notes.md").read_text("utf8")
        notes.write_text(text.replace("NUMBER: TITLE", f"{int(name[:2])}: {title}"), "utf8")
    contents_path.write_text(contents, "utf8")


def main() -> int:
    """Start the chapter named on the command line."""
    parser = argparse.ArgumentParser(description="Start a chapter from the template.")
    parser.add_argument("name", help="file name without suffix, such as 14_my_topic")
    parser.add_argument("title", help="title of the chapter")
    parser.add_argument("--part", default="Foundations", help="caption of the part in _toc.yml (default: %(default)s)")
    arguments = parser.parse_args()
    try:
        start_chapter(ROOT, arguments.name, arguments.title, arguments.part)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"notebooks/{arguments.name}.ipynb is a complete chapter that passes every test. Now make it yours:")
    print("replace its texts, then its wrong answers in tests/wrong_answers and its notes in book/teaching. When it is")
    print(f"finished, try its checks (make mutants ONLY={arguments.name}), measure what it costs")
    print("(tools/record_notebook_costs.py), run `make numbers` and `make test`.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
