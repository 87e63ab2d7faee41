/* The reader's own ticks: "done" beside each exercise, progress in the chapter and in the side bar.
   They stay in this browser, under one key of its local storage; where that is closed, they last until the page is left. */
(() => {
  "use strict";

  const KEY = "exercise-ticks";
  const VERSION = 1;

  /** @typedef {Object<string, {done: number[], of: number}>} Ticks  by chapter: the exercises done, and how many it has */

  let kept = true; // whether the browser keeps the ticks

  /** Whether what is stored for a chapter can be read: something else may have written or damaged it. */
  const whole = (own) => Array.isArray(own?.done) && own.done.every(Number.isInteger) && Number.isInteger(own.of);

  /** @returns {Ticks} */
  function load() {
    try {
      const stored = JSON.parse(localStorage.getItem(KEY));
      const chapters = (stored?.version === VERSION && stored.chapters) || {};
      return Object.fromEntries(Object.entries(chapters).filter(([, own]) => whole(own)));
    } catch (error) {
      kept = error instanceof SyntaxError; // what is stored is broken, or nothing can be stored
      return {};
    }
  }

  function save() {
    try {
      if (Object.keys(ticks).length === 0) localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, JSON.stringify({ version: VERSION, chapters: ticks }));
      kept = true;
    } catch {
      kept = false;
    }
  }

  function element(name, className, ...children) {
    const made = document.createElement(name);
    made.className = className;
    made.append(...children);
    return made;
  }

  const unseen = (text) => element("span", "visually-hidden", text);
  const chapterOf = (address) => new URL(address).pathname.split("/").pop().replace(/\.html$/, "");

  let ticks = load();
  const chapter = chapterOf(window.location.href);
  const boxes = new Map();
  const progress = element("span", "");
  const keeping = element("span", "");
  const erase = element("button", "btn btn-sm", "Erase all ticks");

  function addBox(heading) {
    const number = Number(heading.parentElement.id.match(/^exercise-(\d+)/)[1]);
    const box = element("input", "");
    box.type = "checkbox";
    box.addEventListener("change", change);
    boxes.set(number, box);
    heading.after(element("label", "exercise-tick d-print-none", box, unseen(`Exercise ${number} `), "done"));
  }

  function addProgress(heading) {
    progress.setAttribute("role", "status");
    erase.type = "button";
    erase.addEventListener("click", eraseAll);
    heading.after(element("p", "exercise-progress d-print-none", progress, " ", keeping, " ", erase));
  }

  function change() {
    ticks = load(); // another tab may have ticked something since
    const done = [...boxes].filter(([, box]) => box.checked).map(([number]) => number);
    if (done.length) ticks[chapter] = { done, of: boxes.size };
    else delete ticks[chapter];
    save();
    show();
  }

  function eraseAll() {
    if (!window.confirm("Erase the ticks of all chapters?")) return;
    ticks = {};
    save();
    show();
    boxes.values().next().value.focus(); // the button is gone
  }

  function showInSideBar() {
    document.querySelectorAll(".exercise-count").forEach((count) => count.remove());
    document.querySelectorAll("#pst-primary-sidebar nav a, #pst-primary-sidebar-modal nav a").forEach((link) => {
      const own = Object.hasOwn(ticks, chapterOf(link.href)) && ticks[chapterOf(link.href)];
      if (own) link.append(element("span", "exercise-count", ` ${own.done.length}/${own.of}`, unseen(" exercises done")));
    });
  }

  function show() {
    for (const [number, box] of boxes) box.checked = ticks[chapter]?.done.includes(number) ?? false;
    const done = ticks[chapter]?.done.length ?? 0;
    progress.textContent = `${done} of ${boxes.size} exercises done.`;
    keeping.textContent = kept && !window.storageIsRefused ? "Your ticks stay in this browser." : "This browser does not keep your ticks.";
    erase.hidden = Object.keys(ticks).length === 0;
    showInSideBar();
  }

  document.querySelectorAll("section[id^='exercise-'] > h3").forEach(addBox);
  const heading = document.querySelector("section#exercises > h2");
  if (heading && boxes.size) addProgress(heading);
  window.addEventListener("storage", () => {
    ticks = load();
    show();
  });
  show();
})();
