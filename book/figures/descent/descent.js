/* A walk down the loss surface of chapter 3: the model (pure calculation), then the two panels, then the controls. */
"use strict";

(() => {
  const SEED = 0; // each run deals the same mini-batches, so that two runs differ by what the reader changed
  const MOMENTUM = 0.9;
  const [BETA_1, BETA_2, EPSILON] = [0.9, 0.999, 1e-8]; // the defaults of torch.optim.Adam
  const HOPELESS = 1e6; // a loss above this is called diverged; a float would bear 1e308
  const CLOSE = 1e-6; // "within a millionth of the lowest loss", as in the chapter
  const LATELY = 10; // epochs whose losses a run remembers

  // ---------------------------------------------------------------- model

  /** Mulberry32: a generator of numbers from 0 to below 1 with 32 bits of state, the same in every browser. */
  function generator(seed) {
    let state = seed >>> 0;
    return () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    };
  }

  /** The numbers 0 … count − 1 in a random order (Fisher and Yates). */
  function deal(count, random) {
    const order = Array.from({ length: count }, (_, i) => i);
    for (let last = count - 1; last > 0; last--) {
      const other = Math.floor(random() * (last + 1));
      [order[last], order[other]] = [order[other], order[last]];
    }
    return order;
  }

  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

  /** The mean squared error of the line a + b x. */
  function loss(points, a, b) {
    return mean(points.x.map((x, i) => (a + b * x - points.y[i]) ** 2));
  }

  /** The two partial derivatives of the loss, from the points of these rows alone. */
  function gradients(points, a, b, rows) {
    const errors = rows.map((row) => a + b * points.x[row] - points.y[row]);
    return [2 * mean(errors), 2 * mean(errors.map((error, i) => error * points.x[rows[i]]))];
  }

  /**
   * The loss surface as what it is, a paraboloid: its lowest point, and its curvatures with the direction of each.
   * @returns {{a: number, b: number, lowest: number, axes: {curvature: number, direction: number[]}[]}} flattest first
   */
  function bowl(points) {
    const x = mean(points.x);
    const xx = mean(points.x.map((value) => value * value));
    const y = mean(points.y);
    const xy = mean(points.x.map((value, i) => value * points.y[i]));
    const b = (xy - x * y) / (xx - x * x);
    const a = y - b * x;
    // The Hessian is 2 times (1, x; x, xx). Its eigenvalues:
    const half = Math.hypot((1 - xx) / 2, x);
    const axes = [-half, half].map((part) => {
      const eigenvalue = (1 + xx) / 2 + part;
      const length = Math.hypot(x, eigenvalue - 1);
      return { curvature: 2 * eigenvalue, direction: [x / length, (eigenvalue - 1) / length] };
    });
    return { a, b, lowest: loss(points, a, b), axes };
  }

  /** How far each optimizer moves a parameter. `memory` is the parameter's own; `count` is 1 in the first update. */
  const STEPS = {
    sgd: (gradient, rate) => -rate * gradient,
    momentum: (gradient, rate, memory) => {
      memory.velocity = MOMENTUM * (memory.velocity ?? 0) + gradient;
      return -rate * memory.velocity;
    },
    adam: (gradient, rate, memory, count) => {
      memory.m = BETA_1 * (memory.m ?? 0) + (1 - BETA_1) * gradient;
      memory.v = BETA_2 * (memory.v ?? 0) + (1 - BETA_2) * gradient * gradient;
      const m = memory.m / (1 - BETA_1 ** count);
      const v = memory.v / (1 - BETA_2 ** count);
      return (-rate * m) / (Math.sqrt(v) + EPSILON);
    },
  };

  /** A run before its first update. */
  function begin(points, start, optimizer, batchSize) {
    const [a, b] = start;
    const first = loss(points, a, b);
    const epoch = Math.ceil(points.x.length / batchSize); // how many updates it has
    return {
      points,
      optimizer,
      batchSize,
      epoch,
      lowest: bowl(points).lowest,
      random: generator(SEED), // for the mini-batches
      left: [], // rows that are still to be dealt in this epoch
      rows: [], // rows that the last update used
      memories: [{}, {}], // what the optimizer keeps for a and for b
      a,
      b,
      first,
      loss: first,
      updates: 0,
      arrived: null, // the update since which the loss is close to the lowest
      recent: [], // the losses of the last epochs
      diverged: false,
    };
  }

  /** One update with the next mini-batch. A run that has diverged stays where it is. */
  function update(run, rate) {
    if (run.diverged) return;
    if (run.left.length === 0) run.left = deal(run.points.x.length, run.random);
    run.rows = run.left.splice(0, run.batchSize);
    run.updates += 1;
    const both = gradients(run.points, run.a, run.b, run.rows); // first both gradients, then both updates
    const [aStep, bStep] = both.map((g, i) => STEPS[run.optimizer](g, rate, run.memories[i], run.updates));
    run.a += aStep;
    run.b += bStep;
    run.loss = loss(run.points, run.a, run.b);
    run.diverged = !(run.loss <= HOPELESS); // also where it is NaN
    if (run.loss < run.lowest + CLOSE) run.arrived ??= run.updates;
    else run.arrived = null; // it has only passed by
    run.recent.push(run.loss);
    if (run.recent.length > LATELY * run.epoch) run.recent.shift();
  }

  /** Whether the run stays close to the lowest loss: a single mini-batch may hit it by chance, a whole epoch does not. */
  const stays = (run) => run.arrived !== null && run.updates - run.arrived >= run.epoch - 1;

  /** How far above the lowest loss the last ten epochs were, at least and at most; null before they are over. */
  function spread({ recent, epoch, lowest }) {
    if (recent.length < LATELY * epoch) return null;
    return [Math.min(...recent), Math.max(...recent)].map((value) => Math.max(0, value - lowest));
  }

  /** A whole run, for the tests: where it was after each update, and the rows that each update used. */
  function walk(points, start, optimizer, batchSize, rate, updates) {
    const run = begin(points, start, optimizer, batchSize);
    const path = [start];
    const batches = [];
    for (let i = 0; i < updates && !run.diverged; i++) {
      update(run, rate);
      path.push([run.a, run.b]);
      batches.push(run.rows);
    }
    const { loss: last, arrived, diverged } = run;
    return { path, batches, loss: last, arrived, diverged, stays: stays(run), spread: spread(run) };
  }

  /** The learning rate of a place on the slider, with two digits. */
  const rateAt = (exponent) => Number((10 ** exponent).toPrecision(2));

  globalThis.figureModels ??= {};
  figureModels.descent = { generator, deal, loss, gradients, bowl, begin, update, walk, rateAt };

  // ---------------------------------------------------------------- panels

  const MARGIN = { left: 40, right: 8, top: 8, bottom: 40 };
  const CHUNK = 400; // points in one piece of the path: only the last piece is drawn anew
  const CHUNKS = 25; // the pieces that are kept: the first and the last ones, 10 000 updates in all

  const minus = (text) => text.replace("-", "−");
  const tidy = (value) => minus(Math.abs(value) < 1000 ? value.toFixed(4) : value.toExponential(1));
  const small = (value) => minus(value < 1e-3 ? value.toExponential(1) : value.toPrecision(2));

  /** An SVG element in `parent`. */
  function add(parent, tag, attributes = {}, ...children) {
    return parent.appendChild(svg(tag, attributes, ...children));
  }

  function set(element, attributes) {
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  }

  /** A drawing with axes in `parent`: `resize` gives it a size in pixels, `X` and `Y` turn values into pixels. */
  function makePanel(parent, name, spans, labels, attributes) {
    const root = svg("svg", attributes);
    const clip = add(add(root, "clipPath", { id: `descent-${name}-clip` }), "rect");
    const axes = add(root, "g", { class: "descent-axes", "aria-hidden": "true" });
    const inside = add(root, "g", { "clip-path": `url(#descent-${name}-clip)` });
    const panel = { root, inside, X: null, Y: null, width: 0, height: 0 };
    panel.resize = (width, height) => {
      const { left, right, top, bottom } = MARGIN;
      [panel.width, panel.height] = [width - left - right, height - top - bottom];
      const [[x0, x1], [y0, y1]] = spans;
      panel.X = (value) => left + ((value - x0) / (x1 - x0)) * panel.width;
      panel.Y = (value) => top + ((y1 - value) / (y1 - y0)) * panel.height;
      set(root, { width, height, viewBox: `0 0 ${width} ${height}` });
      set(clip, { x: left, y: top, width: panel.width, height: panel.height });
      axes.replaceChildren(svg("rect", { x: left, y: top, width: panel.width, height: panel.height }));
      const floor = top + panel.height;
      for (let value = Math.ceil(x0); value <= x1; value += x1 - x0 > 2 ? 1 : 0.5) {
        add(axes, "path", { d: `M${panel.X(value)} ${floor}v4` });
        add(axes, "text", { x: panel.X(value), y: floor + 17, "text-anchor": "middle" }, minus(String(value)));
      }
      for (let value = Math.ceil(y0); value <= y1; value++) {
        add(axes, "path", { d: `M${left} ${panel.Y(value)}h-4` });
        add(axes, "text", { x: left - 7, y: panel.Y(value) + 4, "text-anchor": "end" }, minus(String(value)));
      }
      const [middleX, middleY] = [left + panel.width / 2, top + panel.height / 2];
      add(axes, "text", { x: middleX, y: floor + 34, "text-anchor": "middle" }, labels[0]);
      const turned = { "text-anchor": "middle", transform: `translate(12 ${middleY}) rotate(-90)` };
      add(axes, "text", turned, labels[1]);
    };
    parent.append(root);
    return panel;
  }

  /** A star with five points around (0, 0). */
  function star(radius) {
    const corners = Array.from({ length: 10 }, (_, i) => {
      const [r, angle] = [i % 2 ? radius * 0.4 : radius, (i * Math.PI) / 5];
      return `${r * Math.sin(angle)} ${-r * Math.cos(angle)}`;
    });
    return `M${corners.join("L")}Z`;
  }

  /**
   * The map of the loss, with the path of the run on it. Contours of a quadratic are ellipses, so they are exact.
   * @param {number[][]} spans from where to where a and b go
   */
  function makeMap(parent, data, spans, surface) {
    const panel = makePanel(parent, "map", spans, ["intercept a", "slope b"], {
      role: "group",
      "aria-label": "Map of the loss with the path of the run",
    });
    const shades = add(panel.inside, "g", { "aria-hidden": "true" });
    const dot = add(panel.inside, "marker", {
      id: "descent-dot",
      markerUnits: "userSpaceOnUse",
      markerWidth: 6,
      markerHeight: 6,
      refX: 3,
      refY: 3,
    });
    add(dot, "circle", { cx: 3, cy: 3, r: 2.2 });
    const before = add(panel.inside, "g", { class: "descent-before" });
    const trail = add(panel.inside, "g", { class: "descent-trail" });
    const goal = add(panel.inside, "path", { class: "descent-star", d: star(9) });
    const handle = add(panel.root, "g", {
      class: "descent-handle",
      tabindex: 0,
      role: "slider",
      "aria-roledescription": "slider in two directions",
      "aria-label": "Start of the run: the arrow keys move it",
      "aria-valuemin": spans[0][0],
      "aria-valuemax": spans[0][1],
    });
    add(handle, "circle", { class: "descent-target", r: 17 });
    add(handle, "circle", { class: "descent-ring", r: 13 });
    add(handle, "circle", { class: "descent-start", r: 8 });
    const above = add(panel.root, "g", { "clip-path": "url(#descent-map-clip)" });
    const now = add(above, "circle", { class: "descent-now", r: 5 });
    const away = add(above, "path", { class: "descent-away", d: "M0 0L-20 -8L-14 0L-20 8Z" });

    let chunks = []; // of points [a, b]; each begins with the last point of the one before
    let oldChunks = [];
    let isDotted = true; // a dot for each update

    const pixels = ([a, b]) => `${panel.X(a).toFixed(1)} ${panel.Y(b).toFixed(1)}`;
    const pathData = (points) => `M${points.map(pixels).join("L")}`;

    function paint(group, pieces) {
      group.replaceChildren();
      for (const piece of pieces) paintChunk(group, piece);
    }

    function paintChunk(group, piece) {
      const d = pathData(piece);
      add(group, "path", { d });
      if (group === before) return;
      // An attribute and no rule of the style sheet, because there some browsers look for # in the sheet itself.
      const dots = isDotted ? "url(#descent-dot)" : "none";
      add(group, "path", { d, "marker-mid": dots, "marker-end": dots }); // the first is the black edge of this one
    }

    function paintShades() {
      const scale = panel.width / (spans[0][1] - spans[0][0]);
      const [cx, cy] = [panel.X(surface.a), panel.Y(surface.b)];
      const [flat, steep] = surface.axes;
      const turn = (-Math.atan2(flat.direction[1], flat.direction[0]) * 180) / Math.PI;
      shades.replaceChildren();
      const everywhere = { x: MARGIN.left, y: MARGIN.top, width: panel.width, height: panel.height };
      add(shades, "rect", { ...everywhere, fill: data.colours.at(-1) });
      for (let i = data.levels.length - 1; i >= 0; i--) {
        const rise = data.levels[i] - surface.lowest;
        const [rx, ry] = [flat, steep].map((axis) => scale * Math.sqrt((2 * rise) / axis.curvature));
        const line = data.lines.includes(i) ? { class: "descent-contour" } : {};
        add(shades, "ellipse", {
          rx,
          ry,
          fill: data.colours[i],
          transform: `translate(${cx} ${cy}) rotate(${turn})`,
          ...line,
        });
      }
      for (const i of data.lines) {
        const reach = Math.sqrt((2 * (data.levels[i] - surface.lowest)) / steep.curvature);
        if (scale * reach < 28 || i % 8 !== 1) continue; // every second line, and none in the crowd around the star
        const label = { x: cx - scale * reach * steep.direction[0], y: cy + scale * reach * steep.direction[1] + 4 };
        add(shades, "text", { ...label, "text-anchor": "middle" }, Number(data.levels[i].toPrecision(2)));
      }
    }

    const map = {
      panel,
      handle,
      resize(width) {
        const [[a0, a1], [b0, b1]] = spans;
        const scale = (width - MARGIN.left - MARGIN.right) / (a1 - a0); // the same for a and b
        panel.resize(width, scale * (b1 - b0) + MARGIN.top + MARGIN.bottom);
        paintShades();
        set(goal, { transform: `translate(${panel.X(surface.a)} ${panel.Y(surface.b)})` });
        paint(before, oldChunks);
        paint(trail, chunks);
      },
      /** Put the start here, with no path. Where `keep` is set, the path so far stays as that of the run before. */
      restart([a, b], keep, dotted) {
        if (keep) oldChunks = chunks;
        isDotted = dotted;
        chunks = [[[a, b]]];
        paint(before, oldChunks);
        paint(trail, chunks);
        set(handle, {
          transform: `translate(${panel.X(a)} ${panel.Y(b)})`,
          "aria-valuenow": a,
          "aria-valuetext": minus(`a ${a.toFixed(2)}, `) + minus(`b ${b.toFixed(2)}`),
        });
      },
      /** Lengthen the path. */
      extend(points) {
        for (const point of points) {
          const last = chunks.at(-1);
          last.push(point);
          if (last.length === CHUNK) chunks.push([point]);
        }
        if (chunks.length > CHUNKS) chunks.splice(1, chunks.length - CHUNKS);
        const painted = trail.childElementCount / 2;
        if (points.length < CHUNK && chunks.length === painted) {
          for (const piece of [...trail.children].slice(-2)) set(piece, { d: pathData(chunks.at(-1)) });
        } else paint(trail, chunks);
      },
      /** Show where the run is; an arrow at the edge where that is off the map. */
      show({ a, b, updates }) {
        const [x, y] = [panel.X(a), panel.Y(b)];
        now.classList.toggle("descent-hidden", updates === 0);
        set(now, { cx: x, cy: y });
        const [cx, cy] = [MARGIN.left + panel.width / 2, MARGIN.top + panel.height / 2];
        const beyond = Math.max((2 * Math.abs(x - cx)) / panel.width, (2 * Math.abs(y - cy)) / panel.height);
        away.classList.toggle("descent-hidden", beyond <= 1);
        if (beyond > 1) {
          const turn = (Math.atan2(y - cy, x - cx) * 180) / Math.PI;
          const edge = `translate(${cx + (x - cx) / beyond} ${cy + (y - cy) / beyond})`;
          set(away, { transform: `${edge} rotate(${turn})` });
        }
        return beyond <= 1;
      },
      /** The parameters at a place on the screen, kept on the map and rounded to what a pixel can tell. */
      parametersAt(event) {
        const box = panel.root.getBoundingClientRect();
        const [[a0, a1], [b0, b1]] = spans;
        const [px, py] = [event.clientX - box.left - MARGIN.left, event.clientY - box.top - MARGIN.top];
        return onMap([a0 + ((a1 - a0) * px) / panel.width, b1 - ((b1 - b0) * py) / panel.height], spans);
      },
    };
    return map;
  }

  /** A point of the map, brought back to its edge where it lies outside, with two decimals. */
  function onMap(point, spans) {
    return point.map((value, i) => Number(Math.min(Math.max(value, spans[i][0]), spans[i][1]).toFixed(2)));
  }

  /** The points with the line of the run. */
  function makeScatter(parent, points, ySpan, best) {
    const panel = makePanel(parent, "data", [[-0.04, 1.04], ySpan], ["feature x", "target y"], {
      role: "img",
      "aria-label": "The 80 training points, the best line, and the line of the run",
    });
    const [bottom, top] = ySpan;
    const circles = points.x.map(() => add(panel.inside, "circle", { class: "descent-point", r: 3.2 }));
    const bestLine = add(panel.inside, "line", { class: "descent-best" });
    const line = add(panel.inside, "line", { class: "descent-line" });
    const outside = add(panel.inside, "text", { class: "descent-outside", "text-anchor": "middle" });
    outside.textContent = "The line is outside the picture.";
    const place = (element, a, b) =>
      set(element, { x1: panel.X(0), y1: panel.Y(a), x2: panel.X(1), y2: panel.Y(a + b) });
    return {
      resize(width, height) {
        panel.resize(width, height);
        circles.forEach((circle, i) => set(circle, { cx: panel.X(points.x[i]), cy: panel.Y(points.y[i]) }));
        place(bestLine, best.a, best.b);
        set(outside, { x: MARGIN.left + panel.width / 2, y: MARGIN.top + 20 });
      },
      show({ a, b, rows }) {
        place(line, a, b);
        const isOutside = Math.min(a, a + b) > top || Math.max(a, a + b) < bottom;
        outside.classList.toggle("descent-hidden", !isOutside);
        circles.forEach((circle) => circle.classList.remove("descent-used"));
        rows.forEach((row) => circles[row].classList.add("descent-used"));
      },
    };
  }

  // ---------------------------------------------------------------- controls

  const EPOCHS = 100; // what one press of Run is worth
  const RUN_MORE = `Run ${EPOCHS} more`;
  const PACE = 40; // milliseconds for an epoch
  const SLOW_PACE = 150; // milliseconds for an update that a reader should be able to follow
  const WIDE_AWAKE = 10; // the first updates of a run are slow,
  const PATIENCE = 40; // and these, as long as the loss is high: a run that diverges is over soon
  const KEY_STEP = 0.05;
  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

  /** Whether the next update is one to watch. */
  const isSlow = ({ updates, loss: now, first }) =>
    updates < WIDE_AWAKE || (updates < PATIENCE && now > Math.max(first, 1));

  play("descent", (figure, data) => {
    const part = (name) => figure.querySelector(`.descent-${name}`);
    const [rateSlider, batchChoice, optimizerChoice] = [part("rate"), part("batch"), part("optimizer")];
    const [stepButton, runButton, readout] = [part("step"), part("run"), figure.querySelector(".play-readout")];
    const runLabel = runButton.textContent;

    const points = { x: data.x, y: data.y };
    const surface = bowl(points);
    const spans = [data.a_view, data.b_view];
    const map = makeMap(part("map"), data, spans, surface);
    const scatter = makeScatter(part("data"), points, data.a_view, surface); // so that every intercept is in sight

    let start = data.start;
    let run = null;
    let rates = new Set(); // those that the run has used
    let before = ""; // what the run before came to
    let frame = 0; // of the animation; 0 while nothing moves

    const rate = () => rateAt(Number(rateSlider.value));

    const inEpochs = (updates) => Number((updates / run.epoch).toFixed(2));

    function countText() {
      const epochs = inEpochs(run.updates);
      const [update, epoch] = [run.updates === 1 ? "update" : "updates", epochs === 1 ? "epoch" : "epochs"];
      return `${run.updates} ${update} (${epochs} ${epoch})`;
    }

    /** The loss; near the lowest, where four decimals tell nothing any more, also how far above it. */
    function lossText() {
      const above = run.loss - surface.lowest;
      if (!(above < 1e-3)) return tidy(run.loss);
      return `${tidy(run.loss)} = lowest${above < 1e-15 ? "" : ` + ${small(above)}`}`;
    }

    /** What there is to say beyond the numbers. */
    function remark(isOnMap) {
      if (run.diverged) {
        return `Diverges: the loss is now ${tidy(run.loss)}, and the run stops. A smaller learning rate starts a new one.`;
      }
      if (run.updates === 0) return "At the start. Press Step or Run.";
      const remarks = [];
      if (!isOnMap) remarks.push("Off the map, in the direction of the arrow.");
      if (run.loss > run.first) remarks.push(`The loss is higher than at the start, ${tidy(run.first)}.`);
      if (stays(run)) remarks.push(`Stays within a millionth of the lowest loss from epoch ${inEpochs(run.arrived)}.`);
      else if (run.epoch > 1 && spread(run) !== null && remarks.length === 0) {
        const [least, most] = spread(run).map(small);
        remarks.push(`In the last ${LATELY} epochs the loss was ${least} to ${most} above the lowest.`);
      }
      return remarks.join(" ");
    }

    function say(...lines) {
      const spans = lines.filter(Boolean).map((text) => {
        const span = document.createElement("span");
        span.textContent = text;
        return span;
      });
      readout.replaceChildren(...spans);
    }

    function show() {
      const isOnMap = map.show(run);
      scatter.show(run);
      const place = `a\u00a0=\u00a0${tidy(run.a)}, b\u00a0=\u00a0${tidy(run.b)}`; // not broken after the =
      say(`After ${countText()}: ${place}, loss ${lossText()}.`, remark(isOnMap), before);
      for (const button of [stepButton, runButton]) button.setAttribute("aria-disabled", String(run.diverged));
      if (frame === 0) runButton.textContent = run.updates === 0 ? runLabel : RUN_MORE;
    }

    /** A sentence on the run, for comparison with the next one. */
    function summary() {
      const optimizer = optimizerChoice.querySelector(`[value="${run.optimizer}"]`).text;
      const rateText = rates.size === 1 ? `learning rate ${[...rates][0]}` : "several learning rates";
      const named = `Previous run: ${optimizer}, ${rateText}, batch size ${run.batchSize}`;
      if (run.diverged) return `${named}. It diverged after ${countText()}.`;
      const close = stays(run) ? `within a millionth from epoch ${inEpochs(run.arrived)}` : "not yet within a millionth";
      const epochs = inEpochs(run.updates);
      return `${named}. Loss ${lossText()} after ${epochs} ${epochs === 1 ? "epoch" : "epochs"}, ${close}.`;
    }

    function restart(newStart = start) {
      stop();
      const keep = run !== null && run.updates > 0;
      if (keep) before = summary();
      start = newStart;
      rates = new Set();
      run = begin(points, start, optimizerChoice.value, Number(batchChoice.value));
      map.restart(start, keep, run.batchSize > 1); // the dots of single points would hide their path
      show();
    }

    function advance(updates) {
      const reached = [];
      for (let i = 0; i < updates && !run.diverged; i++) {
        rates.add(rate());
        update(run, rate());
        reached.push([run.a, run.b]);
      }
      map.extend(reached);
    }

    function stop() {
      cancelAnimationFrame(frame);
      frame = 0;
      readout.removeAttribute("aria-busy");
    }

    const leftInEpoch = () => run.epoch - (run.updates % run.epoch);

    function go() {
      const end = run.updates + leftInEpoch() + (EPOCHS - 1) * run.epoch;
      if (motionIsReduced()) {
        advance(end - run.updates);
        show();
        return;
      }
      let due = performance.now();
      const tick = (time) => {
        frame = requestAnimationFrame(tick);
        if (time < due) return;
        advance(isSlow(run) ? 1 : leftInEpoch());
        due = Math.max(due + (isSlow(run) ? SLOW_PACE : PACE), time);
        if (run.diverged || run.updates >= end) stop();
        show();
      };
      runButton.textContent = "Pause";
      readout.setAttribute("aria-busy", "true"); // a screen reader hears the end, not every epoch
      frame = requestAnimationFrame(tick);
    }

    /** While the run moves, a new rate takes effect on the way. Otherwise it is a new run, as with the other controls. */
    function changeRate() {
      showRate();
      if (frame === 0 && run.updates > 0) restart();
    }

    function showRate() {
      part("rate-shown").textContent = rate();
      rateSlider.setAttribute("aria-valuetext", rate());
    }

    function layout() {
      const mapWidth = part("map").clientWidth;
      const dataWidth = part("data").clientWidth;
      const isBeside = part("data").offsetTop === part("map").offsetTop;
      map.resize(mapWidth);
      scatter.resize(dataWidth, isBeside ? Number(map.panel.root.getAttribute("height")) : 0.62 * dataWidth);
    }

    function connect() {
      rateSlider.addEventListener("input", changeRate);
      for (const choice of [batchChoice, optimizerChoice]) choice.addEventListener("change", () => restart());
      stepButton.addEventListener("click", () => {
        if (run.diverged) return;
        stop();
        advance(1);
        show();
      });
      runButton.addEventListener("click", () => {
        if (run.diverged) return;
        if (frame === 0) return go();
        stop();
        show();
      });
      part("reset").addEventListener("click", () => restart());
      part("chapter").addEventListener("click", () => restart(data.start));

      map.handle.addEventListener("pointerdown", (event) => {
        if (event.button === 0) map.handle.setPointerCapture(event.pointerId);
      });
      // A finger on the handle must not scroll the page. (Browsers pass over touch-action on a part of a drawing.)
      map.handle.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
      map.handle.addEventListener("pointermove", (event) => {
        if (map.handle.hasPointerCapture(event.pointerId)) restart(map.parametersAt(event));
      });
      map.handle.addEventListener("click", (event) => event.stopPropagation()); // the end of a drag
      map.panel.root.addEventListener("click", (event) => {
        if (frame === 0) restart(map.parametersAt(event)); // a stray click must not throw away a run that moves
      });
      map.handle.addEventListener("keydown", (event) => {
        if (!(event.key in ARROWS)) return;
        event.preventDefault();
        const reach = KEY_STEP * (event.shiftKey ? 5 : 1);
        restart(onMap(ARROWS[event.key].map((way, i) => start[i] + way * reach), spans));
      });
    }

    part("lowest").textContent = tidy(surface.lowest);
    layout();
    showRate();
    restart();
    connect();
    onLookChange(figure, () => {
      layout();
      set(map.handle, { transform: `translate(${map.panel.X(start[0])} ${map.panel.Y(start[1])})` });
      show();
    });
  });
})();
