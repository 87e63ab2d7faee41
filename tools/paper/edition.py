"""What a title page says: the title, the licences, the date and the commit."""

import datetime
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml


@dataclass(frozen=True)
class Edition:
    """One printing of the book."""

    authors: str
    moment: datetime.datetime  # of the commit, so that the same sources make the same book
    commit: str | None
    changed: bool  # whether files were changed after the commit
    licences: list[str]

    @property
    def imprint(self) -> str:
        """Say of when the edition is, and from which commit."""
        date = f"{self.moment:%-d %B %Y}" if os.name != "nt" else f"{self.moment:%d %B %Y}"
        if not self.commit:
            return date
        return f"{date}, commit {self.commit}{' and later changes' if self.changed else ''}"


def git(root: Path, *arguments: str) -> str | None:
    """Return what git answers; None without git or outside a repository."""
    try:
        finished = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return finished.stdout.strip()


def licences(root: Path) -> list[str]:
    """Return the numbered lines at the top of LICENSE."""
    top = (root / "LICENSE").read_text("utf8").partition("-----")[0]
    items = re.findall(r"^\d\. (.+?)(?=^\d\. |\Z)", top, flags=re.MULTILINE | re.DOTALL)
    return [" ".join(item.split()) for item in items]


def edition(root: Path) -> Edition:
    """Return what the title page of the book in `root` says."""
    seconds = os.environ.get("SOURCE_DATE_EPOCH") or git(root, "log", "-1", "--format=%ct")
    now = datetime.datetime.now(datetime.UTC)
    moment = datetime.datetime.fromtimestamp(int(seconds), datetime.UTC) if seconds else now
    config = yaml.safe_load((root / "_config.yml").read_text("utf8"))
    return Edition(
        authors=config["author"],
        moment=moment.replace(microsecond=0),
        commit=git(root, "rev-parse", "--short", "HEAD"),
        changed=bool(git(root, "status", "--porcelain", "--untracked-files=no")),
        licences=licences(root),
    )
