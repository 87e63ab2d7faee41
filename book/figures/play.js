/* What the interactive figures share. Plain scripts, no modules: the site must also work when it is opened from a disk,
   where a browser refuses modules and fetch. A figure's data.js sets figureData.NAME, its script calls play(NAME, draw).
   The build puts all three into one function: what is declared here belongs to one figure. */
"use strict";

var figureData = globalThis.figureData ?? {};
globalThis.figureData = figureData;

/**
 * Bring a figure to life. Until `draw` has succeeded the reader sees the fallback picture, and keeps it if `draw` throws.
 * @param {string} name of the folder of the figure
 * @param {(figure: HTMLElement, data: object) => void} draw fills the parts marked data-live and connects the controls
 */
function play(name, draw) {
  const start = () => {
    const figure = document.querySelector(`figure.play[data-figure="${name}"]`);
    if (!figure) return;
    const live = [...figure.querySelectorAll("[data-live]")];
    live.forEach((part) => (part.hidden = false)); // before drawing: what is hidden has no size
    try {
      draw(figure, figureData[name]);
    } catch (error) {
      live.forEach((part) => (part.hidden = true));
      figure.classList.add("play-failed");
      console.error(`figure ${name}:`, error);
      return;
    }
    figure.querySelector(".play-fallback").hidden = true;
    figure.classList.add("play-running");
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
}

/** Whether the reader asked for less motion. Ask anew each time: the setting can change. */
function motionIsReduced() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

const NARROWEST = 100; // px

/**
 * Call `redraw` whenever the page turns dark or light, or the figure's width changes. (Colours that come from the style
 * sheet change by themselves; a canvas must be painted anew.)
 */
function onLookChange(figure, redraw) {
  new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  let width = figure.clientWidth;
  new ResizeObserver(() => {
    // A window in the background may be one pixel wide for a moment: nothing can be drawn in that.
    if (figure.clientWidth !== width && figure.clientWidth > NARROWEST) {
      width = figure.clientWidth;
      redraw();
    }
  }).observe(figure);
}

/** The value of one of the theme's colours, for a canvas: themeColour(figure, "--pst-color-text-base"). */
function themeColour(element, variable) {
  return getComputedStyle(element).getPropertyValue(variable).trim();
}

/** An SVG element with attributes: svg("circle", { r: 3 }). */
function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
