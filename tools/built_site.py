"""The built site: where it lies, which pages it has, and a server that shows it on this machine."""

import functools
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SITE = Path(__file__).resolve().parent.parent / "_build" / "html"


def page_names(site: Path) -> list[str]:
    """Return the pages of a built site, by their paths without suffix, in the order of the alphabet."""
    return sorted(path.relative_to(site).with_suffix("").as_posix() for path in site.rglob("*.html"))


class SiteHandler(http.server.SimpleHTTPRequestHandler):
    """Serves a built site, with its own page for an address that does not exist, as GitHub Pages does."""

    below = ""  # the path on the host below which the site lies, such as "/book"

    def translate_path(self, path: str) -> str:
        """Return the file of an address; an address that does not lie below the path has none."""
        inside = path.startswith(f"{self.below}/")
        return super().translate_path(path.removeprefix(self.below) if inside else "/not-below-that-path")

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer a request that failed."""
        page = Path(self.directory) / "404.html"
        if code != http.HTTPStatus.NOT_FOUND or not page.is_file():
            super().send_error(code, message, explain)
            return
        body = page.read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def server(site: Path, port: int = 0, handler: type[SiteHandler] = SiteHandler) -> http.server.ThreadingHTTPServer:
    """Return a server of the folder `site` on 127.0.0.1; port 0 takes any free port.

    Raises OSError where the port is taken.
    """
    return http.server.ThreadingHTTPServer(("127.0.0.1", port), functools.partial(handler, directory=site))


@contextmanager
def served(site: Path, below: str = "", handler: type[SiteHandler] = SiteHandler) -> Iterator[str]:
    """Serve a built site in silence while the block runs; yield its address.

    The site lies at the root of the host, or below the path `below` ("/book").
    """
    silent = {"below": below, "log_message": lambda *_arguments: None}
    with server(site, handler=type("Handler", (handler,), silent)) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}{below}"
        running.shutdown()
