"""Links to other sites, which are asked once a week (here: whether the asking works), and links between files.

The links inside the built site are followed in test_site.py, those of the notebooks in test_structure.py.
"""

import fnmatch
import http.server
import re
import threading
from urllib.parse import unquote

import pytest
import yaml

import check_external_links
from book_files import ROOT
from check_external_links import Answer, all_links, ask, links_of_markdown, markdown_outside_the_site, not_asked


class SmallSite(http.server.BaseHTTPRequestHandler):
    """Three pages: one that is there, one that has moved, and all others, which are gone."""

    def do_GET(self):
        """Answer."""
        if self.path == "/moved":
            self.send_response(301)
            self.send_header("Location", "/there")
            self.end_headers()
            return
        body = b'<h1 id="part">A page</h1>' if self.path == "/there" else b"nothing"
        self.send_response(200 if self.path == "/there" else 404)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *arguments):
        """Say nothing."""


@pytest.fixture
def address():
    """The address of a small site on this machine."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), SmallSite) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_dead_and_moved_links_are_told_apart(address):
    paths = ["/there", "/there#part", "/there#gone", "/gone", "/moved"]
    found = {answer.link.removeprefix(address): answer for answer in ask([address + path for path in paths])}
    assert {path: answer.status for path, answer in found.items()} == {
        "/there": "working",
        "/there#part": "working",
        "/there#gone": "broken",
        "/gone": "broken",
        "/moved": "redirected",
    }
    assert "404" in found["/gone"].info
    assert (found["/moved"].code, found["/moved"].info) == (301, f"{address}/there")


def report(monkeypatch, capsys, tmp_path, answers):
    """Return what main() returns and prints, for these answers to a page with two links and one that isn't asked."""
    (tmp_path / "page.html").write_text("".join(f'<a href="https://{h}/">x</a>' for h in ("a.org", "b.org", "c.org")))
    monkeypatch.setattr(check_external_links, "SITE", tmp_path)
    monkeypatch.setattr(check_external_links, "markdown_outside_the_site", lambda _root: [])
    monkeypatch.setattr(check_external_links, "not_asked", lambda: {"https://c.*": "it wants no programs at all"})
    asked = []
    monkeypatch.setattr(check_external_links, "ask", lambda links: asked.extend(links) or answers)
    code = check_external_links.main()
    assert asked == ["https://a.org/", "https://b.org/"]
    return code, capsys.readouterr().out


@pytest.mark.parametrize(
    ("answers", "expected_code", "says"),
    [
        pytest.param(
            [
                Answer("https://a.org/", "broken", 404, "404 Client Error"),
                Answer("https://b.org/", "working", 200, ""),
            ],
            1,
            ["DEAD: https://a.org/ (404 Client Error), in page", "2 links asked, 1 dead, 0 moved. 1 are not asked"],
            id="dead",
        ),
        pytest.param(
            [
                Answer("https://a.org/", "redirected", 301, "https://z.org/"),
                Answer("https://b.org/", "redirected", 302, "https://b.org/en/"),
            ],
            0,
            ["moved: https://a.org/ → https://z.org/, in page"],
            id="moved",
        ),
        pytest.param(
            [Answer("https://a.org/", "timeout", 0, "timed out"), Answer("https://b.org/", "working", 200, "")],
            1,
            ["DEAD: https://a.org/"],
            id="silent",
        ),
        pytest.param(
            [Answer("https://b.org/", "working", 200, "")],
            1,
            ["DEAD: https://a.org/ (Sphinx did not ask), in page", "2 links asked, 1 dead"],
            id="not asked",
        ),
    ],
)
def test_what_became_of_the_links_is_told(monkeypatch, capsys, tmp_path, answers, expected_code, says):
    code, printed = report(monkeypatch, capsys, tmp_path, answers)
    assert code == expected_code
    assert all(words in printed for words in says)
    assert "b.org" not in printed, "it is alive, or leads elsewhere for today"


def test_links_of_markdown():
    text = "[a](https://a.org/x) <https://b.org> [c][c] `https://code.org` [d](file.md)\n\n[c]: https://c.org 'title'\n"
    assert links_of_markdown(text) == {"https://a.org/x", "https://b.org", "https://c.org"}


def test_without_a_site_the_tool_says_what_to_do(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(check_external_links, "SITE", tmp_path / "nothing")
    assert check_external_links.main() == 1
    assert "make book" in capsys.readouterr().err


def test_every_link_that_is_not_asked_has_a_reason_and_exists(site):
    links = all_links(site)
    assert len(links) > 100
    for pattern in not_asked():
        assert fnmatch.filter(links, pattern), f"no link fits {pattern} any more: take the line away"


def test_a_reason_is_demanded(tmp_path):
    (tmp_path / "list.yml").write_text('"https://a.org/*": slow\n', "utf8")
    with pytest.raises(ValueError, match=r"list\.yml: say in a few words why https://a\.org/\* is not asked"):
        not_asked(tmp_path / "list.yml")


def test_no_link_leads_to_an_address_that_changes_or_to_this_machine(site):
    for link, pages in all_links(site).items():
        assert not re.match(r"https?://(localhost|127\.|0\.0\.0\.0)", link), f"{link} in {pages}"


def test_the_weekly_workflow_asks():
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "weekly.yml").read_text("utf8"))["jobs"]
    assert any(step.get("run") == "make links" for step in jobs["links"]["steps"])
    assert "links" in jobs["report"]["needs"]


@pytest.mark.parametrize("path", markdown_outside_the_site(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_between_files_outside_the_site_resolve(path):
    text = path.read_text("utf8")
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.DOTALL)):
        if re.match(r"https?://|mailto:", target):
            continue
        file, _, anchor = unquote(target).partition("#")
        place = (path.parent / file) if file else path
        assert place.exists(), f"the link to {target} leads nowhere"
        if anchor and place.suffix == ".md":
            headings = re.findall(r"^#+ (.+)$", place.read_text("utf8"), flags=re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}, (
                target
            )
