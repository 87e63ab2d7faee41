"""Start a program that cannot reach any other host."""

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

GUARD = Path(__file__).resolve().parent / "no_network"


@functools.cache
def isolation() -> tuple[str, ...]:
    """Return the words to put before a command so that the system gives it no network but its own loopback.

    Empty where the system has no such means (macOS, Windows, Linux without namespaces): there the guard in
    `no_network` refuses connections that Python makes.
    """
    if not (shutil.which("unshare") and shutil.which("ip")):
        return ()
    words = ("unshare", "--map-root-user", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")
    works = subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0
    return words if works else ()


def run_offline(
    command: list[str], folder: Path, *, seconds: float | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command in `folder` without a network and return what it printed.

    Raises:
        subprocess.TimeoutExpired: after `seconds`, if they are given.

    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    variables = inherited | {"PYTHONPATH": str(GUARD), "PYTHONUTF8": "1"} | environment
    return subprocess.run(
        [*isolation(), *command],
        cwd=folder,
        env=variables,
        capture_output=True,
        text=True,
        encoding="utf8",
        check=False,
        timeout=seconds,
    )


def python_offline(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run Python code in `folder` without a network."""
    return run_offline([sys.executable, "-c", code], folder)
