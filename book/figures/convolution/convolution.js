/* The figure *convolution*: a 3 × 3 kernel over a digit, its nine products, its feature map. */
"use strict";

(() => {
  const SIZE = 3; // rows and columns of the kernel
  const LARGEST = 99; // numbers beyond this would not fit their fields

  /* ---- calculation: no drawing here, the tests call these functions ---- */

  /** The bytes (0..255) of a picture from its base64 text. */
  const decode = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

  /** Rows and columns of the map of a square picture. */
  const mapSize = (side, padding) => side + 2 * padding - SIZE + 1;

  /** The nine bytes under the window whose map place is (row, column); outside the picture they are 0. */
  function bytesUnder(bytes, side, row, column, padding) {
    const found = [];
    for (let i = 0; i < SIZE * SIZE; i++) {
      const y = row - padding + Math.floor(i / SIZE);
      const x = column - padding + (i % SIZE);
      found.push(y < 0 || x < 0 || y >= side || x >= side ? 0 : bytes[y * side + x]);
    }
    return found;
  }

  /** Pixels between 0 and 1, products and their sum at one place. The sum divides last: whole kernels sum exactly. */
  function atPlace(bytes, side, kernel, row, column, padding) {
    const under = bytesUnder(bytes, side, row, column, padding);
    return {
      pixels: under.map((byte) => byte / 255),
      products: under.map((byte, i) => (byte * kernel[i]) / 255),
      sum: under.reduce((total, byte, i) => total + byte * kernel[i], 0) / 255,
    };
  }

  const rectified = (value) => Math.max(0, value);

  /** The feature map, row by row. */
  function featureMap(bytes, side, kernel, padding = 0, relu = false) {
    const size = mapSize(side, padding);
    const values = [];
    for (let i = 0; i < size * size; i++) {
      const { sum } = atPlace(bytes, side, kernel, Math.floor(i / size), i % size, padding);
      values.push(relu ? rectified(sum) : sum);
    }
    return values;
  }

  /** The largest sum, of either sign, that a kernel can give on pixels between 0 and 1: the end of the colour scale. */
  function reach(kernel) {
    const positive = kernel.reduce((total, weight) => total + Math.max(0, weight), 0);
    const negative = kernel.reduce((total, weight) => total + Math.max(0, -weight), 0);
    return Math.max(positive, negative) || 1;
  }

  /** A field's text as a number of the kernel, and whether the text was one. */
  function readNumber(text) {
    const number = Number(text.trim().replace(",", ".").replace("−", "-"));
    const fits = text.trim() !== "" && Math.abs(number) <= LARGEST; // false for NaN, too
    return { number: fits ? number : 0, fits };
  }

  /** A value with two decimals and its sign; exactly 0 has none, and what rounds to 0 says so. */
  function signed(value) {
    if (value === 0) return "0";
    return (value < 0 ? "−" : "+") + Math.abs(value).toFixed(2);
  }

  // ColorBrewer's RdBu from blue to red: the chapter's own plot uses it. Told apart by all kinds of colour vision.
  const SCALE = "053061 2166ac 4393c3 92c5de d1e5f0 f7f7f7 fddbc7 f4a582 d6604d b2182b 67001f"
    .split(" ")
    .map((hex) => [0, 2, 4].map((start) => parseInt(hex.slice(start, start + 2), 16)));

  /** Red, green and blue of a value on a scale from -limit to limit. */
  function colourOf(value, limit) {
    const along = Math.min(1, Math.max(0, (value / limit + 1) / 2)) * (SCALE.length - 1);
    const before = Math.min(SCALE.length - 2, Math.floor(along));
    return SCALE[before].map((part, i) => Math.round(part + (along - before) * (SCALE[before + 1][i] - part)));
  }

  /** Whether black is read better than white on a colour (relative luminance as in WCAG). */
  function wantsBlack(colour) {
    const [red, green, blue] = colour.map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179;
  }

  /** The map place whose window has its middle on the pixel at (x, y), shares of the picture's width and height. */
  function placeUnder(x, y, side, padding) {
    const framed = side + 2 * padding;
    const last = mapSize(side, padding) - 1;
    const place = (share) => Math.min(last, Math.max(0, Math.floor(share * framed) - 1));
    return { row: place(y), column: place(x) };
  }

  globalThis.figureModels ??= {};
  figureModels.convolution = {
    decode,
    mapSize,
    atPlace,
    featureMap,
    reach,
    readNumber,
    signed,
    colourOf,
    wantsBlack,
    placeUnder,
  };

  /* ---- the kernels on offer; those of the chapter come with the data ---- */

  const KERNELS = [
    {
      name: "lower",
      label: "lower edges (the chapter’s)",
      ask: "Pixels lie between 0 and 1. What is the largest sum that this kernel can give, and what lies under the window then?",
      answer:
        "3, with three white pixels above and three black ones below. The other way round it is −3. The middle row counts for nothing.",
    },
    {
      name: "upper",
      label: "upper edges (the same, flipped)",
      ask: "The rows have changed places. What has become of the map?",
      answer: "The same map with every sign reversed. With ReLU it keeps the upper edges instead of the lower ones.",
    },
    {
      name: "right",
      label: "right edges (the same, transposed)",
      ask: "Which strokes of the seven nearly vanish from the map now?",
      answer:
        "The horizontal ones: along a horizontal stroke the left and the right column hold the same, and cancel. Only their ends remain.",
    },
    {
      name: "outline",
      label: "outline",
      kernel: [-1, -1, -1, -1, 8, -1, -1, -1, -1],
      ask: "The nine numbers add up to 0. What does that say about plain areas?",
      answer: "They give 0, black or white. What is left is every pixel that differs from the mean of its neighbours.",
    },
    {
      name: "blur",
      label: "blur",
      kernel: Array(9).fill(0.111), // what the fields show is what is calculated
      ask: "Can a number of the map exceed the brightest pixel?",
      answer:
        "No. 0.111 is about one ninth, so the sum is about the mean of the nine pixels, and a mean lies between the smallest and the largest.",
    },
    {
      name: "sharpen",
      label: "sharpen",
      kernel: [0, -1, 0, -1, 5, -1, 0, -1, 0],
      ask: "No pixel is negative. Where will the map be negative?",
      answer:
        "Mostly just outside the strokes: there the middle pixel is dark, and its bright neighbours are subtracted. That raises the contrast of an edge.",
    },
    {
      name: "identity",
      label: "identity",
      kernel: [0, 0, 0, 0, 1, 0, 0, 0, 0],
      ask: "The map will look like the picture. What is missing from it?",
      answer: "The outermost rows and columns: no window has its middle there. With padding=1 they come back.",
    },
    {
      name: "own",
      label: "your own numbers",
      ask: "Which nine numbers move the picture by one pixel to the left?",
      answer: "A single 1 in the middle row, in the right-hand column: each place takes the pixel to its right.",
    },
  ];

  const START = { digit: 7, preset: "lower", row: 7, column: 12 }; // the upper bar, half seen
  const PLACES_A_SECOND = 110; // the whole map takes about six seconds
  const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

  const times = (side) => `${side}\u00a0×\u00a0${side}`; // does not break
  const css = (colour) => `rgb(${colour.join(" ")})`;
  const grey = (share) => Array(3).fill(Math.round(255 * share));

  /** A square plane of cells, with a frame for the window on top. */
  function makePlane(holder) {
    const cells = svg("g", { "shape-rendering": "crispEdges" });
    const darkSigns = svg("path", { stroke: "#000", "stroke-width": 0.14 });
    const lightSigns = svg("path", { stroke: "#fff", "stroke-width": 0.14 });
    const frames = ["conv-frame-under", "conv-frame"].map((name) => svg("rect", { class: name, fill: "none" }));
    const picture = svg("svg", { "aria-hidden": "true" }, cells, darkSigns, lightSigns, ...frames);
    holder.append(picture);
    let side = 0;
    let fills = []; // as painted last: most cells stay as they are

    /** Paint size × size cells; `colourAt(i)` gives null for a cell not seen yet, `isNegative(i)` asks for a dash. */
    function paint(size, colourAt, isNegative = () => false) {
      if (size !== side) {
        side = size;
        picture.setAttribute("viewBox", `0 0 ${size} ${size}`);
        const place = (_, i) => svg("rect", { x: i % size, y: Math.floor(i / size), width: 1, height: 1 });
        cells.replaceChildren(...Array.from({ length: size * size }, place));
        fills = [];
      }
      const signs = { dark: "", light: "" };
      [...cells.children].forEach((cell, i) => {
        const colour = colourAt(i);
        const fill = colour ? css(colour) : "none";
        if (fill !== fills[i]) cell.setAttribute("fill", fill);
        fills[i] = fill;
        if (!colour || !isNegative(i)) return;
        signs[wantsBlack(colour) ? "dark" : "light"] += `M${(i % size) + 0.25} ${Math.floor(i / size) + 0.5}h.5`;
      });
      darkSigns.setAttribute("d", signs.dark);
      lightSigns.setAttribute("d", signs.light);
    }

    function frame(row, column, size) {
      for (const one of frames) {
        for (const [name, value] of Object.entries({ x: column, y: row, width: size, height: size })) {
          one.setAttribute(name, value);
        }
      }
    }
    return { paint, frame };
  }

  /** Nine outputs in a grid. */
  function makeNine(holder) {
    const cells = Array.from({ length: SIZE * SIZE }, () => document.createElement("span"));
    holder.append(...cells);
    return (texts, colours) =>
      cells.forEach((cell, i) => {
        cell.textContent = texts[i];
        cell.style.backgroundColor = css(colours[i]);
        cell.style.color = wantsBlack(colours[i]) ? "#000" : "#fff";
      });
  }

  /** Nine fields with labels, for the numbers of the kernel. */
  function makeFields(holder) {
    return Array.from({ length: SIZE * SIZE }, (_, i) => {
      const name = document.createElement("span");
      name.className = "conv-unseen";
      name.textContent = `kernel, row ${Math.floor(i / SIZE)}, column ${i % SIZE}`;
      const field = document.createElement("input");
      Object.assign(field, { type: "number", step: "any", min: -LARGEST, max: LARGEST });
      const label = document.createElement("label");
      label.append(name, field);
      holder.append(label);
      return field;
    });
  }

  function fillSelect(select, labels, chosen) {
    for (const [value, label] of labels) select.add(new Option(label, value, false, value === chosen));
  }

  play("convolution", (figure, data) => {
    const part = (name) => figure.querySelector(`.conv-${name}`);
    const side = data.side;
    const digits = data.digits.map(decode);
    const kernels = KERNELS.map((entry) => ({ ...entry, kernel: entry.kernel ?? data.kernels[entry.name] }));
    const picturePlane = makePlane(part("picture"));
    const mapPlane = makePlane(part("map"));
    const showPixels = makeNine(part("pixels"));
    const showProducts = makeNine(part("products"));
    const fields = makeFields(part("kernel"));
    const state = { ...START, kernel: [], padding: 0, relu: false, whole: false, sums: [], unread: false, far: -1 };
    let sliding = 0; // the animation frame that is waited for; 0 when the window rests

    const size = () => mapSize(side, state.padding);

    function showAxes() {
      for (const [name, first, last] of [
        ["picture", -state.padding, side - 1 + state.padding],
        ["map", 0, size() - 1],
      ]) {
        for (const axis of figure.querySelectorAll(`[data-plane="${name}"] > :is(.conv-down, .conv-across)`)) {
          axis.firstElementChild.textContent = String(first).replace("-", "−");
          axis.lastElementChild.textContent = last;
        }
      }
      const framed = state.padding ? " and a frame of zeros" : "";
      figure.querySelector('[data-plane="picture"] > .conv-name').textContent = `picture, ${times(side)}${framed}`;
      figure.querySelector('[data-plane="map"] > .conv-name').textContent = `feature map, ${times(size())}`;
    }

    /** The picture, with its frame of zeros where there is one. */
    function showPicture() {
      const bytes = digits[state.digit];
      const framed = side + 2 * state.padding;
      picturePlane.paint(framed, (i) => {
        const [y, x] = [Math.floor(i / framed) - state.padding, (i % framed) - state.padding];
        return y < 0 || x < 0 || y >= side || x >= side ? [64, 64, 96] : grey(bytes[y * side + x] / 255);
      });
    }

    function showLegend() {
      const limit = reach(state.kernel);
      const steps = 21;
      const plane = svg("svg", { viewBox: `0 0 ${steps} 1`, preserveAspectRatio: "none", "aria-hidden": "true" });
      for (let i = 0; i < steps; i++) {
        const colour = colourOf((2 * i) / (steps - 1) - 1, 1);
        plane.append(svg("rect", { x: i, y: 0, width: 1.02, height: 1, fill: css(colour) }));
        if (2 * i + 1 < steps) {
          const stroke = wantsBlack(colour) ? "#000" : "#fff";
          plane.append(svg("path", { d: `M${i + 0.25} .5h.5`, stroke, "stroke-width": 0.14 }));
        }
      }
      part("scale").replaceChildren(plane);
      const end = Number(limit.toFixed(2));
      part("low").textContent = `−${end}`;
      part("high").textContent = `+${end}`;
    }

    /** Calculate the whole map anew: the digit, the kernel or the padding has changed. */
    function recalculate() {
      state.sums = featureMap(digits[state.digit], side, state.kernel, state.padding);
      state.far = -1;
      showAxes();
      showPicture();
      showLegend();
      show();
    }

    function showMap() {
      const limit = reach(state.kernel);
      const values = state.relu ? state.sums.map(rectified) : state.sums;
      state.far = Math.max(state.far, state.row * size() + state.column); // what is calculated stays on the map
      const seen = (i) => state.whole || i <= state.far;
      mapPlane.paint(
        size(),
        (i) => (seen(i) ? colourOf(values[i], limit) : null),
        (i) => values[i] < 0
      );
      const range = `from ${signed(Math.min(...values))} to ${signed(Math.max(...values))}`;
      part("range").textContent = `whole map: ${range}; a dash marks negative numbers`;
      part("map").setAttribute("aria-label", `Feature map, ${times(size())}, ${range}`);
    }

    function showPlace() {
      const { row, column, kernel, padding } = state;
      const { pixels, products, sum } = atPlace(digits[state.digit], side, kernel, row, column, padding);
      const limit = reach(kernel);
      const result = state.relu ? rectified(sum) : sum;
      picturePlane.frame(row, column, SIZE);
      mapPlane.frame(row - 0.3, column - 0.3, 1.6); // around the cell, whose colour must be seen
      const pixelTexts = pixels.map((pixel) => (pixel === 0 ? "0" : pixel.toFixed(2)));
      showPixels(pixelTexts, pixels.map(grey));
      const productColours = products.map((product) => colourOf(product, limit));
      showProducts(products.map(signed), productColours);
      part("raw").textContent = signed(sum);
      part("result").textContent = signed(result);
      part("after").hidden = !state.relu;
      if (sliding) return; // a screen reader need not hear seven hundred numbers
      const rectifying = state.relu && sum < 0 ? " ReLU makes it 0." : "";
      const unread = state.unread ? ` A field that holds no number from −${LARGEST} to ${LARGEST} counts as 0.` : "";
      figure.querySelector(".play-readout").textContent =
        `Row ${row}, column ${column}: the nine products add up to ${signed(sum)}.${rectifying}${unread}`;
    }

    function show() {
      showMap();
      showPlace();
      part("slide").textContent = sliding ? "Stop" : motionIsReduced() ? "Next row" : "Slide";
    }

    function rest() {
      cancelAnimationFrame(sliding);
      sliding = 0;
    }

    function moveTo(row, column) {
      const inside = (place) => Math.min(size() - 1, Math.max(0, place));
      state.row = inside(row);
      state.column = inside(column);
      show();
    }

    function showPrediction(entry) {
      const question = part("predict");
      question.open = false;
      question.querySelector("summary").textContent = `Predict: ${entry.ask}`;
      question.querySelector("p").textContent = entry.answer;
    }

    function choosePreset(name) {
      const entry = kernels.find((candidate) => candidate.name === name);
      part("preset").value = name;
      showPrediction(entry);
      if (!entry.kernel) return; // your own: the numbers stay as they are
      state.kernel = [...entry.kernel];
      state.unread = false;
      fields.forEach((field, i) => {
        field.value = entry.kernel[i];
        field.removeAttribute("aria-invalid");
      });
      recalculate();
    }

    function readFields() {
      const readings = fields.map((field) => readNumber(field.value));
      readings.forEach(({ fits }, i) => {
        if (fits) fields[i].removeAttribute("aria-invalid");
        else fields[i].setAttribute("aria-invalid", "true");
      });
      state.kernel = readings.map(({ number }) => number);
      state.unread = readings.some(({ fits }) => !fits);
      if (part("preset").value !== "own") choosePreset("own");
      recalculate();
    }

    /** Let the window run over the picture, row by row; with less motion, one row at a press. */
    function slide() {
      if (sliding) {
        rest();
        show();
        return;
      }
      const last = size() * size() - 1;
      let here = state.row * size() + state.column;
      if (here === last) {
        here = state.far = -1; // from the end it begins anew
        state.row = state.column = 0;
      }
      if (motionIsReduced()) {
        moveTo(Math.floor((here + 1) / size()), size() - 1);
        return;
      }
      const start = performance.now();
      const step = (now) => {
        const reached = Math.min(last, here + 1 + Math.floor((Math.max(0, now - start) / 1000) * PLACES_A_SECOND));
        sliding = reached < last ? requestAnimationFrame(step) : 0;
        moveTo(Math.floor(reached / size()), reached % size());
      };
      sliding = requestAnimationFrame(step);
      figure.querySelector(".play-readout").textContent = "The window slides, row by row.";
      show();
    }

    /** Follow mouse, pen or finger while it is down. `place(x, y)` turns shares of the plane into a place of the map. */
    function followPointer(holder, place) {
      const follow = (event) => {
        const box = holder.firstElementChild.getBoundingClientRect();
        const { row, column } = place((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
        moveTo(row, column);
      };
      holder.addEventListener("pointerdown", (event) => {
        if (event.button !== 0) return;
        rest();
        holder.setPointerCapture(event.pointerId);
        follow(event);
      });
      holder.addEventListener("pointermove", (event) => {
        if (holder.hasPointerCapture(event.pointerId)) follow(event);
      });
    }

    followPointer(part("picture"), (x, y) => placeUnder(x, y, side, state.padding));
    followPointer(part("map"), (x, y) => ({ row: Math.floor(y * size()), column: Math.floor(x * size()) }));

    part("picture").addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      const step = STEPS[event.key];
      if (step) {
        rest();
        moveTo(state.row + step[0], state.column + step[1]);
      } else if (event.key === "Home" || event.key === "End") {
        rest();
        moveTo(state.row, event.key === "Home" ? 0 : size() - 1);
      } else return;
      event.preventDefault();
    });
    part("slide").addEventListener("click", slide);
    part("digit").addEventListener("change", (event) => {
      state.digit = Number(event.target.value);
      recalculate();
    });
    part("preset").addEventListener("change", (event) => choosePreset(event.target.value));
    part("whole").addEventListener("change", (event) => {
      state.whole = event.target.checked;
      show();
    });
    part("relu").addEventListener("change", (event) => {
      state.relu = event.target.checked;
      show();
    });
    part("padding").addEventListener("change", (event) => {
      rest();
      state.padding = event.target.checked ? 1 : 0;
      const moved = event.target.checked ? 1 : -1; // the window stays on the same pixels
      state.row = Math.min(size() - 1, Math.max(0, state.row + moved));
      state.column = Math.min(size() - 1, Math.max(0, state.column + moved));
      recalculate();
    });
    fields.forEach((field) => field.addEventListener("input", readFields));
    matchMedia("(prefers-reduced-motion: reduce)").addEventListener("change", () => {
      rest();
      show();
    });

    const digitLabels = digits.map((_, digit) => [String(digit), digit === START.digit ? `${digit} (the chapter’s)` : `${digit}`]);
    fillSelect(part("digit"), digitLabels, String(START.digit));
    fillSelect(part("preset"), kernels.map(({ name, label }) => [name, label]), START.preset);
    for (const name of ["whole", "relu", "padding"]) part(name).checked = false; // browsers remember ticks over a reload
    choosePreset(START.preset);
  });
})();
