"""Export the numbers of the figure "graph" from the cells of chapter 5, and draw its fallback picture."""

import base64
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

# Run as a script, this file knows only its own folder.
sys.path.extend(str(Path(__file__).resolve().parents[3] / folder) for folder in ("tools", "book"))

from PIL import Image

from bookkit.interactive_figures import figure_html, script_parts, style_parts
from chromium import started
from figure_data import write_data
from recording import names_of_cells

HERE = Path(__file__).resolve().parent
CHAPTER = "05_computation_graphs"
CELLS = ("setup", "training-data", "heads", "fraction")  # the data, the first parameters, the fraction
POINTS = 4
# What the theme defines on a page of the site, for the light theme.
COLOURS = {
    "text-base": "#222832",
    "text-muted": "#48566b",
    "background": "#fff",
    "surface": "#f3f4f5",
    "border": "#d1d5da",
    "link": "#176de8",
}


def export() -> dict[str, Any]:
    """Return the inputs of both graphs as the chapter's own cells define them."""
    names = names_of_cells(CHAPTER, CELLS, {"show_graph": lambda *_: None})  # the cell of the fraction also draws it
    a, b = names["new_parameters"]()
    # A float32 as the chapter prints it, "0.4967", not as the nearest double.
    line = {name: float(str(value.detach().cpu().numpy()[0])) for name, value in {"a": a, "b": b}.items()}
    points = {name: names[name][:POINTS, 0].double().tolist() for name in ("x_train", "y_train")}
    return {"fraction": {name: leaf.item() for name, leaf in names["leaves"].items()}, "line": line | points}


def page_of_the_figure() -> str:
    """Return a page that shows the figure alone, without the site."""
    colours = "".join(f"--pst-color-{name}: {value};" for name, value in COLOURS.items())
    styles, scripts = (
        "\n".join(part.read_text("utf8") for part in parts("graph")) for parts in (style_parts, script_parts)
    )
    return (
        f'<!doctype html><html data-theme="light"><meta charset="utf-8"><style>html {{{colours} font: 16px sans-serif}}'
        f"{styles}</style>{figure_html('graph', 'page')}<script>{scripts}</script></html>"
    )


def draw_fallback() -> Path:
    """Draw the fraction with all its gradients, in a browser, and return the picture's file."""
    with started() as browser:
        page = browser.new_page(viewport={"width": 800, "height": 900}, device_scale_factor=2, reduced_motion="reduce")
        address = base64.b64encode(page_of_the_figure().encode()).decode()
        page.goto(f"data:text/html;base64,{address}")
        for button, times in (("Forward", 2), ("Backward", 5)):
            for _ in range(times):
                page.get_by_role("button", name=button, exact=True).click()
                if button == "Backward":
                    page.get_by_role("button", name="Show it").click()
        shot = page.locator(".play-stage svg").screenshot()
    target = HERE / "fallback.png"
    Image.open(BytesIO(shot)).convert("RGB").quantize(32).save(target, optimize=True)
    return target


if __name__ == "__main__":
    print(write_data("graph", export()))
    print(draw_fallback())
