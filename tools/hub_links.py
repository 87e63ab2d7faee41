"""Print the links with which learners open a chapter on a JupyterHub.

    python tools/hub_links.py https://hub.example.org                     # every notebook
    python tools/hub_links.py https://hub.example.org 01_tensors          # one
    python tools/hub_links.py https://hub.example.org --repository https://github.com/me/workshop --folder .

Such a link logs in, starts the learner's server, has nbgitpuller fetch the repository there, or what has changed in it,
and opens the notebook. Without --repository the links fetch this project from its public address. To hand out learner
notebooks, which hold no solutions, publish them in a repository of their own and name it.
"""

import argparse
import re
import sys
from pathlib import Path, PurePosixPath
from urllib.parse import quote, urlencode, urlsplit

from contents import notebook_paths

sys.path.append(str(Path(__file__).resolve().parents[1] / "book"))
from bookkit.public_address import public_address

ROOT = Path(__file__).resolve().parents[1]


def hub_link(hub: str, repository: str, branch: str, notebook: str) -> str:
    """Return the link that fetches a repository on a hub and opens `notebook`, a path inside the repository.

    Raises ValueError where an address is not one that a browser and git could use.
    """
    for what, address in (("hub", hub), ("repository", repository)):
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ValueError(f"The {what}'s address should begin with https://, but is {address!r}.")
        if parts.username or parts.password:
            raise ValueError(f"The {what}'s address holds a user name or password, which every learner would see.")
        if parts.query or parts.fragment:
            raise ValueError(f"Leave out what follows ? or # in the {what}'s address {address!r}.")
    # Named in the link: by itself nbgitpuller would take all that follows the last slash, ".git" included.
    folder = PurePosixPath(urlsplit(repository).path).name.removesuffix(".git")
    if not folder:
        raise ValueError(f"The repository's address should end in its name, but is {repository!r}.")
    hub = re.sub(r"/(hub/?)?$", "", hub)
    query = {
        "repo": repository,
        "branch": branch,
        "targetpath": folder,
        "urlpath": f"lab/tree/{PurePosixPath(folder, notebook)}",
    }
    return f"{hub}/hub/user-redirect/git-pull?{urlencode(query, quote_via=quote, safe='')}"


def main() -> None:
    """Print the links."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("hub", help="the hub's address")
    parser.add_argument("notebook", nargs="*", help="names such as 01_tensors; all where none is given")
    parser.add_argument("--repository", help="the address that git clones from")
    parser.add_argument("--branch", help="its branch (main)")
    parser.add_argument("--folder", default="notebooks", help="where the notebooks lie in the repository (notebooks)")
    options = parser.parse_args()
    known = [path.stem for path in notebook_paths(ROOT)]
    unknown = sorted(set(options.notebook) - set(known))
    if unknown:
        parser.error(f"there is no notebook {', '.join(unknown)}; there are {', '.join(known)}")
    repository, branch = options.repository, options.branch
    if repository is None:
        address = public_address(ROOT)
        if address is None:
            parser.error(
                "this copy of the project knows no public address on GitHub: "
                "name one with --repository, or set BOOK_REPOSITORY_URL"
            )
        repository = f"https://github.com/{address.owner}/{address.name}"
        branch = branch or address.branch
    for name in options.notebook or known:
        notebook = str(PurePosixPath(options.folder, f"{name}.ipynb"))
        try:
            print(name, hub_link(options.hub, repository, branch or "main", notebook))
        except ValueError as error:
            parser.error(str(error))


if __name__ == "__main__":
    main()
