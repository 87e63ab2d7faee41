"""Where the project lives on the web, if it does: the one place that knows.

The address comes from the environment variable BOOK_REPOSITORY_URL, else from the git remote `origin`. Where neither
names a GitHub repository there is no public address, and nothing that needs one is shown.
"""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

GITHUB = re.compile(r"^(?:https://|ssh://git@|git@)github\.com[/:](?P<owner>[\w.-]+)/(?P<name>[\w.-]+?)(?:\.git)?/?$")


@dataclass(frozen=True)
class PublicAddress:
    """A GitHub repository and the branch that readers get."""

    owner: str
    name: str
    branch: str


def address_from(url: str, branch: str = "main") -> PublicAddress | None:
    """Return the public address that a repository URL names, or None if it isn't a GitHub URL."""
    match = GITHUB.match(url.strip())
    return PublicAddress(match["owner"], match["name"], branch) if match else None


def public_address(root: Path) -> PublicAddress | None:
    """Return the public address of the checkout in `root`, or None where there is none."""
    url = os.environ.get("BOOK_REPOSITORY_URL")
    if url is None:
        command = ["git", "-C", str(root), "config", "--get", "remote.origin.url"]
        try:
            url = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        except FileNotFoundError:  # no git here: a downloaded archive of the book has no remote either
            url = ""
    return address_from(url, os.environ.get("BOOK_REPOSITORY_BRANCH", "main"))
