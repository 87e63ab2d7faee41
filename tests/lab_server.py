"""JupyterLab as it is installed, started in a folder, with settings of its own and nobody's habits."""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from offline import GUARD

SECONDS_TO_START = 120  # a few on a quiet machine
# What JupyterLab keeps in folders of the user.
FOLDERS = (
    *("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"),
    *("JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR", "IPYTHONDIR"),
)
# It does not ask whether it may fetch news. It keeps all cells in the page, so that a test finds those out of sight.
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},
}


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab: the folder that it shows, its address, and the word that lets a browser in."""

    folder: Path
    address: str
    token: str

    def page(self, notebook: str) -> str:
        """Return the address at which a notebook is opened, in a workspace of its own."""
        return f"{self.address}/lab/workspaces/{Path(notebook).stem}/tree/{notebook}?token={self.token}"


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def jupyterlab(folder: Path, own: Path) -> Iterator[Lab]:
    """Run JupyterLab in `folder` while the block runs; what it keeps about its user goes into `own`."""
    for name, content in SETTINGS.items():
        file = own / "JUPYTERLAB_SETTINGS_DIR" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content), "utf8")
    environment = {name: str(own / name) for name in FOLDERS} | {"PYTHONPATH": str(GUARD), "PYTHONUTF8": "1"}
    port, token = free_port(), secrets.token_hex()
    options = [f"--port={port}", "--ip=127.0.0.1", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={folder}"]
    options += [
        "--no-browser",
        "--allow-root",
        f"--IdentityProvider.token={token}",
        "--LabApp.extension_manager=readonly",
    ]
    with (own / "log.txt").open("w") as log:
        command = [sys.executable, "-m", "jupyterlab", *options]
        process = subprocess.Popen(command, cwd=folder, env=os.environ | environment, stdout=log, stderr=log)
        try:
            lab = Lab(folder, f"http://127.0.0.1:{port}", token)
            wait_for(process, f"{lab.address}/api/status?token={token}", own / "log.txt")
            yield lab
        finally:
            process.terminate()  # it ends its kernels first
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_for(process: subprocess.Popen, address: str, log: Path) -> None:
    """Wait until a server answers; raise AssertionError with its last words if it does not."""
    opener, end = build_opener(ProxyHandler({})), time.monotonic() + SECONDS_TO_START
    while process.poll() is None and time.monotonic() < end:
        try:
            opener.open(address, timeout=5).close()
            return
        except (URLError, TimeoutError):
            time.sleep(0.2)
    raise AssertionError(f"JupyterLab did not start: {log.read_text('utf8')[-2000:]}")
