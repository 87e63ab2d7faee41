"""Links that open a chapter on Colab, Kaggle and Binder, shown only when the public address is known."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

from sphinx.application import Sphinx
from sphinx.config import Config

from .public_address import PublicAddress, public_address


def launch_links(address: PublicAddress, notebook: str) -> dict[str, str]:
    """Return the address of `notebook` (a path inside the repository) on each service, by the service's name."""
    repository = f"{address.owner}/{address.name}"
    on_github = f"github/{repository}/blob/{address.branch}/{notebook}"
    return {
        "Colab": f"https://colab.research.google.com/{on_github}",
        "Kaggle": f"https://kaggle.com/kernels/welcome?src=https://github.com/{on_github.removeprefix('github/')}",
        "Binder": f"https://mybinder.org/v2/gh/{repository}/{address.branch}?urlpath={quote(f'lab/tree/{notebook}')}",
    }


def add_launch_menu(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Add a menu to the header of every chapter."""
    address = app.config.public_address
    notebook = Path(app.env.doc2path(pagename, base=False))
    if address is None or doctree is None or notebook.suffix != ".ipynb":
        return
    links = launch_links(address, notebook.as_posix())
    buttons = [
        {"type": "link", "text": service, "url": url, "tooltip": f"Open this chapter on {service}"}
        for service, url in links.items()
    ]
    menu = {"type": "group", "icon": "fas fa-rocket", "label": "launch-buttons", "buttons": buttons}
    context["header_buttons"].insert(0, menu | {"tooltip": "Run this chapter online"})


def find_address(app: Sphinx, config: Config) -> None:
    """Make the address a part of the configuration: Sphinx writes every page again when it changes."""
    config.public_address = public_address(Path(app.srcdir))


def connect(app: Sphinx) -> None:
    """Add the menu after the theme has made its list of header buttons."""
    app.add_config_value("public_address", None, "html")
    app.connect("config-inited", find_address)
    app.connect("html-page-context", add_launch_menu, priority=502)
