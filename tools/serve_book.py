"""Show the built book on localhost.

python tools/serve_book.py [--port 8000]
"""

import argparse
import sys
from pathlib import Path

from built_site import SITE, server


def serve(site: Path, port: int) -> int:
    """Serve the folder `site` on 127.0.0.1 until Ctrl-C; return an exit status for the shell.

    Port 0 takes any free port. Prints one sentence and returns 1 if there is no book or the port is taken.
    """
    if not (site / "index.html").is_file():
        print(f"There is no book in {site}. Build it first: make book", file=sys.stderr)
        return 1
    try:
        running = server(site, port)
    except OSError as error:
        print(f"Cannot listen on port {port} ({error.strerror}). Name another: make serve PORT=8001", file=sys.stderr)
        return 1
    with running:
        print(f"The book is at http://127.0.0.1:{running.server_address[1]}/ (Ctrl-C stops it)", flush=True)
        try:
            running.serve_forever()
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
