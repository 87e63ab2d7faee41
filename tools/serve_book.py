"""Show the built book on localhost.

python tools/serve_book.py [--port 8000]
"""

import argparse
import functools
import http.server
import sys
from pathlib import Path

SITE = Path(__file__).resolve().parent.parent / "_build" / "html"


class BookHandler(http.server.SimpleHTTPRequestHandler):
    """Serves a built book, with its own page for an address that does not exist, as GitHub Pages does."""

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


def serve(site: Path, port: int) -> int:
    """Serve the folder `site` on 127.0.0.1 until Ctrl-C; return an exit status for the shell.

    Port 0 takes any free port. Prints one sentence and returns 1 if there is no book or the port is taken.
    """
    if not (site / "index.html").is_file():
        print(f"There is no book in {site}. Build it first: make book", file=sys.stderr)
        return 1
    handler = functools.partial(BookHandler, directory=site)
    try:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError as error:
        print(f"Cannot listen on port {port} ({error.strerror}). Name another: make serve PORT=8001", file=sys.stderr)
        return 1
    with server:
        print(f"The book is at http://127.0.0.1:{server.server_address[1]}/ (Ctrl-C stops it)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print("\nstopped")
    return 0


def main() -> int:
    """Serve the book on the port named on the command line."""
    parser = argparse.ArgumentParser(description="Show the built book on localhost.")
    parser.add_argument("--port", type=int, default=8000, help="default: %(default)s")
    return serve(SITE, parser.parse_args().port)


if __name__ == "__main__":
    sys.exit(main())
