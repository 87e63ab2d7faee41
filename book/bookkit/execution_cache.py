"""Decide when executed notebooks are stale.

Jupyter Book looks up executed notebooks by their code cells alone. A cell also depends on the installed
packages and on the data. Their fingerprint becomes part of the cache's folder name, so that a change of either
finds an empty cache and executes again.
"""

import hashlib
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config

NOT_AN_INPUT = {".ipynb", ".lock", ".md", ".pyc"}


def input_files(root: Path) -> list[Path]:
    """Return the files besides notebooks that a cell's output can depend on, in a stable order.

    What a notebook unpacks or writes beside itself is left out: only files that belong to the project count,
    that is the packed data and any helper file in `notebooks/`.
    """
    files = [root / "constraints.txt", root / "requirements.txt"]
    for path in sorted((root / "notebooks").rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
        unpacked = path.with_name(path.name + ".gz").exists()
        if path.is_file() and not hidden and not unpacked and path.suffix not in NOT_AN_INPUT:
            files.append(path)
    return files


def installed_versions(requirements: str) -> list[str]:
    """Return `name version` for each package that the text of a requirements file names."""
    names = re.findall(r"^([A-Za-z0-9_.-]+)", requirements, flags=re.MULTILINE)
    lines = []
    for name in sorted(names):
        try:
            lines.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            lines.append(f"{name} absent")
    return lines


def fingerprint(root: Path) -> str:
    """Return a short hash of everything but code cells that the outputs of the notebooks depend on."""
    digest = hashlib.sha256(platform.python_version().encode())
    requirements = (root / "requirements.txt").read_text("utf8")
    digest.update("\n".join(installed_versions(requirements)).encode())
    for path in input_files(root):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def cache_path(builds: Path, root: Path) -> Path:
    """Return the folder of jupyter-cache for a book in `root` that is built into a folder of `builds`."""
    return builds / ".jupyter_cache" / fingerprint(root)


def set_cache_path(app: Sphinx, config: Config) -> None:
    """Tell MyST-NB the folder."""
    config.nb_execution_cache_path = str(cache_path(Path(app.outdir).parent, Path(app.srcdir)))


def connect(app: Sphinx) -> None:
    """Set the path before MyST-NB reads it."""
    app.connect("config-inited", set_cache_path)
