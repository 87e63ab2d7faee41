"""A mirror of MNIST on this machine, which can be as bad as the network is on a learner's worst day."""

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from book_files import NOTEBOOKS

RAW = NOTEBOOKS / "data" / "MNIST" / "raw"
PIECE = 1 << 20
PAUSE = 0.2  # seconds between two pieces of a slow answer


class Mirror(BaseHTTPRequestHandler):
    """Serves the four files; the first folder of the address says in which manner.

    good: at once. slow: piece by piece. cut: closes in the middle of a file. reset: does so without a farewell.
    missing: answers 404. wrong: right length, wrong bytes. silent: takes the request and says nothing. stalled: falls
    silent in the middle of a file.
    """

    def do_GET(self) -> None:  # the name that http.server asks for
        manner, name = self.path.strip("/").split("/")
        self.server.asked.append(f"{manner}/{name}")
        if manner == "silent":
            self.server.closing.wait()
            return
        if manner == "missing":
            self.send_error(404)
            return
        content = (RAW / name).read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if manner == "wrong":
            content = bytes(len(content))
        if manner in ("cut", "reset", "stalled"):
            content = content[: len(content) // 2]
        for start in range(0, len(content), PIECE):
            self.wfile.write(content[start : start + PIECE])
            time.sleep(PAUSE if manner == "slow" else 0)
        if manner == "reset":  # with a linger of no seconds, the system resets the connection instead of closing it
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if manner == "stalled":
            self.server.closing.wait()

    def log_message(self, *args: object) -> None:
        """Print nothing."""


class Mirrors(ThreadingHTTPServer):
    """The server: `asked` is what was asked for, manner and file."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Mirror)
        self.asked: list[str] = []
        self.closing = threading.Event()

    def shutdown_request(self, request: socket.socket) -> None:
        """Close the connection without a farewell of its own, which would come before a reset."""
        self.close_request(request)

    def handle_error(self, *args: object) -> None:
        """Say nothing when a learner hangs up."""

    def addresses(self, *manners: str) -> list[str]:
        """Return the mirrors as torchvision wants them."""
        return [f"http://127.0.0.1:{self.server_port}/{manner}/" for manner in manners]


@contextmanager
def mirrors() -> Iterator[Mirrors]:
    """Serve while the block runs."""
    with Mirrors() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.closing.set()
            server.shutdown()
            thread.join()
