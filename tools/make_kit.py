"""Pack all that a workshop needs into one archive for a USB stick.

    python tools/make_kit.py [--wheels] [--torch-index URL]

The kit holds the built site (with the PDF and the e-book where they have been made), the learner notebooks with their
data, the slides, the preflight, what pip needs, and a page that says where to start. `--wheels` adds the packages for
this system and this Python, so that a laptop without a network installs and runs everything; for laptops of three
kinds make a kit on each kind.
"""

import argparse
import shutil
import sys
import zipfile
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from kit.wheels import WheelsError, collect_wheels, requirements_of_learners, this_platform
from learner_notebooks import write_learner_notebooks

ROOT = Path(__file__).resolve().parent.parent
NAME = "pytorch-from-the-ground-up-kit"
EDITIONS = Path("site", "downloads")  # where the site keeps the PDF and the e-book, once they are made
LARGEST_ON_FAT32 = 2**32 - 1  # bytes a file; most sticks are sold with that file system
# A wheel is a zip file already: to pack it again costs minutes and saves nothing.
PACKED_ALREADY = {".whl", ".gz", ".png", ".woff2", ".pdf", ".epub"}


class KitError(Exception):
    """Says in one sentence why there is no kit."""


def site_and_slides(root: Path) -> tuple[Path, Path]:
    """Return the folders of the built site and of the slides.

    Raises KitError where one of them has not been made.
    """
    site, slides = root / "_build" / "html", root / "_build" / "slides"
    if not (site / "index.html").is_file():
        raise KitError(f"There is no book in {site}. Build it first: make book")
    if not (slides / "index.html").is_file():
        raise KitError(f"There are no slides in {slides}. Make them first: make slides")
    return site, slides


def start_page(kit: Path, wheels: int) -> str:
    """Return the HTML of START-HERE: what is in the kit, and what to do with it."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "kit"),
        undefined=StrictUndefined,
        autoescape=select_autoescape(["html"]),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("start_here.html").render(
        editions=sorted(path.relative_to(kit).as_posix() for path in (kit / EDITIONS).glob("*")),
        notebooks=len(list((kit / "notebooks").glob("*.ipynb"))),
        platform=this_platform() if wheels else None,
        pip_options=" --no-index --find-links wheels" if wheels else "",
    )


def fill(root: Path, kit: Path, with_wheels: bool, torch_index: str = "") -> None:
    """Put everything into the folder `kit`, which must not exist yet.

    Raises KitError or WheelsError where something is lacking.
    """
    site, slides = site_and_slides(root)
    kit.mkdir(parents=True)
    shutil.copytree(site, kit / "site")
    shutil.copytree(slides, kit / "slides")
    write_learner_notebooks(root, kit / "notebooks", site="../site")
    for name in ("preflight.py", "constraints.txt", "LICENSE"):
        shutil.copy2(root / name, kit)
    requirements = requirements_of_learners((root / "requirements.txt").read_text("utf8"))
    (kit / "requirements.txt").write_text(requirements, "utf8")
    wheels = []
    if with_wheels:
        wheels = collect_wheels(kit / "requirements.txt", kit / "constraints.txt", kit / "wheels", torch_index)
    (kit / "START-HERE.html").write_text(start_page(kit, len(wheels)), "utf8")


def pack(kit: Path, archive: Path) -> None:
    """Write the folder `kit` as a zip file; it appears in its place only when it is whole."""
    unfinished = archive.with_suffix(".unfinished")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(path for path in kit.rglob("*") if path.is_file()):
            method = zipfile.ZIP_STORED if path.suffix in PACKED_ALREADY else zipfile.ZIP_DEFLATED
            packed.write(path, Path(NAME, path.relative_to(kit)), method)
    unfinished.replace(archive)


def make_kit(root: Path, with_wheels: bool, torch_index: str = "") -> Path:
    """Make _build/NAME (the folder) and _build/NAME.zip of the book in `root`; return the archive."""
    kit, archive = root / "_build" / NAME, root / "_build" / f"{NAME}.zip"
    shutil.rmtree(kit, ignore_errors=True)  # made by this script, nobody works in it
    fill(root, kit, with_wheels, torch_index)
    pack(kit, archive)
    return archive


def main() -> int:
    """Make the kit."""
    parser = argparse.ArgumentParser(description="Pack all that a workshop needs into one archive.")
    parser.add_argument("--wheels", action="store_true", help="add the packages for this system and this Python")
    parser.add_argument("--torch-index", default="", help="the package index of another torch build")
    arguments = parser.parse_args()
    try:
        archive = make_kit(ROOT, arguments.wheels, arguments.torch_index)
    except (KitError, WheelsError) as error:
        print(error, file=sys.stderr)
        return 1
    size = archive.stat().st_size
    print(f"{archive}: {size / 1e6:.0f} MB{f', for {this_platform()}' if arguments.wheels else ''}")
    if size > LARGEST_ON_FAT32:
        print("It is too large for a stick with the file system FAT32: format the stick as exFAT.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
