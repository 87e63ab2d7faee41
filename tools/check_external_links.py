"""Ask every other site that the book links to whether the page is still there: `make links`, and the weekly workflow.

The links are those that a reader can click on the built site, and those of the Markdown files outside it. Sphinx's
linkcheck does the asking: it waits where a site wants fewer questions, tries again, and looks for anchors. Links that
are not asked stand in tools/external_links_not_asked.yml with their reasons.
"""

import fnmatch
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import yaml
from bs4 import BeautifulSoup
from markdown_it import MarkdownIt

from built_site import SITE, page_names

ROOT = Path(__file__).resolve().parents[1]
NOT_ASKED = Path(__file__).with_name("external_links_not_asked.yml")
CONF = """\
linkcheck_timeout = 30
linkcheck_retries = 3
linkcheck_workers = 4
linkcheck_rate_limit_timeout = 120
# GitHub names a heading #user-content-… and lets a script in the browser find it.
linkcheck_anchors_ignore_for_url = [r"https://github\\.com/.*"]
"""
BAD = {"broken", "timeout"}
FOR_GOOD = {301, 308}  # HTTP: the page has moved, and the old address should no longer be used


@dataclass(frozen=True)
class Answer:
    """What became of one link."""

    link: str
    status: str  # Sphinx's word: working, broken, timeout, redirected, …
    code: int
    info: str


def links_of_site(site: Path) -> dict[str, set[str]]:
    """Return the links to other sites by address, each with the pages it stands on."""
    found = defaultdict(set)
    for name in page_names(site):
        soup = BeautifulSoup((site / f"{name}.html").read_text("utf8"), "html.parser")
        for anchor in soup.find_all("a", href=True):
            if anchor["href"].startswith(("http://", "https://")):
                found[anchor["href"]].add(name)
    return found


def links_of_markdown(text: str) -> set[str]:
    """Return the links to other sites in a Markdown file."""
    tokens = [child for token in MarkdownIt().parse(text) for child in token.children or []]
    targets = {str(token.attrs["href"]) for token in tokens if token.type == "link_open"}
    return {target for target in targets if target.startswith(("http://", "https://"))}


def markdown_outside_the_site(root: Path = ROOT) -> list[Path]:
    """Return the tracked Markdown files that are no pages of the book."""
    command = ["git", "ls-files", "--", "*.md", ":!book", ":!index.md", ":!tools/chapter_template.notes.md"]
    names = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.split("\n")
    return [root / name for name in names if name]


def all_links(site: Path, root: Path = ROOT) -> dict[str, set[str]]:
    """Return all links to other sites by address, each with the pages and files it stands in."""
    found = links_of_site(site)
    for path in markdown_outside_the_site(root):
        for link in links_of_markdown(path.read_text("utf8")):
            found[link].add(path.relative_to(root).as_posix())
    return dict(sorted(found.items()))


def not_asked(path: Path = NOT_ASKED) -> dict[str, str]:
    """Return patterns of links with the reasons why they are not asked; raise ValueError where one has no reason."""
    patterns = yaml.safe_load(path.read_text("utf8")) or {}
    for pattern, reason in patterns.items():
        if not (isinstance(reason, str) and len(reason.split()) >= 4):
            raise ValueError(f"{path.name}: say in a few words why {pattern} is not asked")
    return patterns


def ask(links: list[str]) -> list[Answer]:
    """Ask for each link, and return what became of it.

    Raises RuntimeError where Sphinx itself fails.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "conf.py").write_text(CONF, "utf8")
        lines = "".join(f"* `{number} <{link}>`__\n" for number, link in enumerate(links))
        (folder / "index.rst").write_text(f"Links\n=====\n\n{lines}", "utf8")
        command = [sys.executable, "-m", "sphinx", "-b", "linkcheck", "-q", name, str(folder / "out")]
        finished = subprocess.run(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, check=False)
        output = folder / "out" / "output.json"
        if not output.is_file():
            raise RuntimeError(f"Sphinx's linkcheck wrote no result:\n{finished.stderr[-3000:]}")
        rows = [json.loads(line) for line in output.read_text("utf8").splitlines()]
    return [Answer(row["uri"], row["status"], row["code"], row["info"]) for row in rows]


def main() -> int:
    """Print the dead links with their pages; return 1 where there is one."""
    if not SITE.is_dir():
        print("There is no built site: run `make book` first.", file=sys.stderr)
        return 1
    where = all_links(SITE)
    patterns = not_asked()
    asked = [link for link in where if not any(fnmatch.fnmatchcase(link, pattern) for pattern in patterns)]
    answers = ask(asked)
    moved = [answer for answer in answers if answer.status == "redirected" and answer.code in FOR_GOOD]
    dead = [answer for answer in answers if answer.status in BAD]
    unanswered = sorted(set(asked) - {answer.link for answer in answers})
    dead += [Answer(link, "unanswered", 0, "Sphinx did not ask") for link in unanswered]
    for answer in moved:
        print(f"moved: {answer.link} → {answer.info}, in {', '.join(sorted(where[answer.link]))}")
    for answer in dead:
        print(f"DEAD: {answer.link} ({answer.info}), in {', '.join(sorted(where[answer.link]))}")
    left_out = f" {len(where) - len(asked)} are not asked, see {NOT_ASKED.name}." if len(where) > len(asked) else ""
    print(f"{len(asked)} links asked, {len(dead)} dead, {len(moved)} moved.{left_out}")
    return int(bool(dead))


if __name__ == "__main__":
    sys.exit(main())
