/* Draw a digit: a pen, MNIST's way of scaling and centring, and a convolutional network, all of it by hand.
   First the calculation (figureModels.draw_a_digit; tests call it too), below it what the reader sees. */
"use strict";

(() => {
  const SURFACE = 280; // the drawing surface, in its own pixels: ten for each of the network's
  const IMAGE = 28;
  const BOX = 20; // MNIST's digits fit a box of 20 × 20 inside the 28 × 28
  const PEN_RADIUS = 10;
  const VISIBLE = 0.02; // fainter ink does not count when the drawing's edges are looked for
  const LAYERS = { conv1: [8, 1, 5, 5], conv2: [24, 8, 5, 5], fc: [10, 384] };

  // ---- numbers out of text ----

  /** @param {string} text base64 @returns {Uint8Array} */
  function bytesFrom(text) {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  }

  /** The number that 16 bits stand for: a sign, five bits of exponent, ten of fraction. */
  function floatFrom16(bits) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 0x1f;
    const fraction = bits & 0x3ff;
    if (exponent === 0) return sign * 2 ** -24 * fraction;
    return sign * 2 ** (exponent - 25) * (1024 + fraction); // the exponent 31, infinity, does not occur in weights
  }

  /**
   * @param {string} text all weights as 16-bit floats, layer by layer, weight before bias
   * @returns {Object<string, {weight: Float32Array, bias: Float32Array}>}
   */
  function readNetwork(text) {
    const bytes = bytesFrom(text);
    let place = 0;
    const take = (count) => {
      const numbers = new Float32Array(count);
      for (let i = 0; i < count; i++, place += 2) numbers[i] = floatFrom16(bytes[place] | (bytes[place + 1] << 8));
      return numbers;
    };
    const network = {};
    for (const [name, shape] of Object.entries(LAYERS)) {
      network[name] = { weight: take(shape.reduce((a, b) => a * b)), bias: take(shape[0]) };
    }
    return network;
  }

  // ---- the network ----

  /** Convolution with kernels of 5 × 5, no padding, then ReLU: (channels, side, side) → (maps, side − 4, side − 4). */
  function convolveAndCut(input, side, { weight, bias }, [maps, channels]) {
    const width = side - 4;
    const output = new Float32Array(maps * width * width);
    const sums = new Float64Array(width * width); // sums in 64 bits, results in 32
    let next = 0; // the weights lie in the order in which the loops need them
    for (let map = 0; map < maps; map++) {
      sums.fill(bias[map]);
      for (let channel = 0; channel < channels; channel++) {
        for (let dy = 0; dy < 5; dy++, next += 5) {
          const [a, b, c, d, e] = weight.subarray(next, next + 5); // one row of a kernel
          for (let y = 0, to = 0; y < width; y++) {
            let from = (channel * side + y + dy) * side;
            for (let x = 0; x < width; x++, from++, to++) {
              sums[to] +=
                a * input[from] + b * input[from + 1] + c * input[from + 2] + d * input[from + 3] + e * input[from + 4];
            }
          }
        }
      }
      for (let i = 0; i < sums.length; i++) output[map * sums.length + i] = Math.max(0, sums[i]);
    }
    return output;
  }

  /** The largest of each 2 × 2: (maps, side, side) → (maps, side / 2, side / 2). */
  function pool(input, maps, side) {
    const half = side / 2;
    const output = new Float32Array(maps * half * half);
    for (let row = 0, to = 0; row < maps * half; row++) {
      for (let x = 0; x < half; x++) {
        const from = 2 * row * side + 2 * x;
        output[to++] = Math.max(input[from], input[from + 1], input[from + side], input[from + side + 1]);
      }
    }
    return output;
  }

  function linear(input, { weight, bias }) {
    return Float32Array.from(bias, (start, row) => {
      let sum = start;
      for (let i = 0; i < input.length; i++) sum += weight[row * input.length + i] * input[i];
      return sum;
    });
  }

  function softmax(logits) {
    const largest = Math.max(...logits);
    const powers = Array.from(logits, (logit) => Math.exp(logit - largest));
    const total = powers.reduce((a, b) => a + b);
    return Float32Array.from(powers, (power) => power / total);
  }

  /**
   * @param {Float32Array} ink 28 × 28, between 0 (paper) and 1
   * @returns {{maps1: Float32Array, maps2: Float32Array, logits: Float32Array, probabilities: Float32Array}}
   */
  function read(network, ink, mean, std) {
    const image = Float32Array.from(ink, (value) => (value - mean) / std);
    const maps1 = convolveAndCut(image, 28, network.conv1, LAYERS.conv1); // (8, 24, 24)
    const maps2 = convolveAndCut(pool(maps1, 8, 24), 12, network.conv2, LAYERS.conv2); // (24, 8, 8)
    const logits = linear(pool(maps2, 24, 8), network.fc); // (384,) → (10,)
    return { maps1, maps2, logits, probabilities: softmax(logits) };
  }

  // ---- ink ----

  function blankInk() {
    return new Float32Array(SURFACE * SURFACE);
  }

  /** Ink along a straight line between two points, with a round pen and soft edges. */
  function drawLine(ink, x0, y0, x1, y1) {
    const reach = PEN_RADIUS + 1;
    const [left, right] = [Math.min(x0, x1) - reach, Math.max(x0, x1) + reach].map(withinSurface);
    const [top, bottom] = [Math.min(y0, y1) - reach, Math.max(y0, y1) + reach].map(withinSurface);
    const [dx, dy] = [x1 - x0, y1 - y0];
    const squared = dx * dx + dy * dy || 1;
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < right; x++) {
        const [px, py] = [x + 0.5 - x0, y + 0.5 - y0];
        const along = Math.min(1, Math.max(0, (px * dx + py * dy) / squared));
        const distance = Math.hypot(px - along * dx, py - along * dy);
        const cover = Math.min(1, Math.max(0, PEN_RADIUS + 0.5 - distance));
        if (cover > ink[y * SURFACE + x]) ink[y * SURFACE + x] = cover;
      }
    }
  }

  function withinSurface(place) {
    return Math.min(SURFACE, Math.max(0, Math.round(place)));
  }

  /** @param {number[]} points x, y, x, y, … */
  function drawStroke(ink, points) {
    if (points.length === 2) drawLine(ink, ...points, ...points);
    for (let i = 2; i < points.length; i += 2) drawLine(ink, ...points.slice(i - 2, i + 2));
  }

  /** A 28 × 28 image, each of its pixels `scale` wide, its upper left corner at (left, top); it may stick out. */
  function drawImage(ink, image, left, top, scale) {
    for (let y = Math.max(0, top); y < Math.min(SURFACE, top + IMAGE * scale); y++) {
      for (let x = Math.max(0, left); x < Math.min(SURFACE, left + IMAGE * scale); x++) {
        const value = image[Math.floor((y - top) / scale) * IMAGE + Math.floor((x - left) / scale)];
        if (value > ink[y * SURFACE + x]) ink[y * SURFACE + x] = value;
      }
    }
  }

  /** The smallest box that holds all visible ink, or null: {left, top, width, height}. */
  function boundingBox(ink) {
    let [left, top, right, bottom] = [SURFACE, SURFACE, -1, -1];
    for (let y = 0; y < SURFACE; y++) {
      for (let x = 0; x < SURFACE; x++) {
        if (ink[y * SURFACE + x] < VISIBLE) continue;
        left = Math.min(left, x);
        right = Math.max(right, x);
        top = Math.min(top, y);
        bottom = y;
      }
    }
    return right < 0 ? null : { left, top, width: right - left + 1, height: bottom - top + 1 };
  }

  /**
   * How much of each old pixel goes into each new one when `length` pixels become `count`: the share by which they
   * overlap. This is what keeps the edges soft.
   * @returns {[number, number][][]} for each new pixel a list of (old pixel, share)
   */
  function overlaps(length, count) {
    const step = length / count;
    return Array.from({ length: count }, (_, i) => {
      const shares = [];
      for (let old = Math.floor(i * step); old < Math.min(length, (i + 1) * step - 1e-9); old++) {
        shares.push([old, (Math.min(old + 1, (i + 1) * step) - Math.max(old, i * step)) / step]);
      }
      return shares;
    });
  }

  /** A part of the surface, `box`, averaged down to width × height. */
  function averaged(ink, box, width, height) {
    const small = new Float32Array(width * height);
    const columns = overlaps(box.width, width);
    overlaps(box.height, height).forEach((rows, y) => {
      columns.forEach((shares, x) => {
        let sum = 0;
        for (const [row, rowShare] of rows) {
          const start = (box.top + row) * SURFACE + box.left;
          for (const [column, share] of shares) sum += rowShare * share * ink[start + column];
        }
        small[y * width + x] = sum;
      });
    });
    return small;
  }

  /** Where a picture's ink balances: the mean column and the mean row, weighted by ink. */
  function centreOfMass(small, width) {
    let [mass, sumX, sumY] = [0, 0, 0];
    small.forEach((value, i) => {
      mass += value;
      sumX += value * (i % width);
      sumY += value * Math.floor(i / width);
    });
    return [sumX / mass, sumY / mass];
  }

  /** The drawing as MNIST's makers would have stored it: in a box of 20 × 20, its centre of mass in the middle. */
  function scaledAndCentred(ink) {
    const image = new Float32Array(IMAGE * IMAGE);
    const box = boundingBox(ink);
    if (!box) return image;
    const scale = BOX / Math.max(box.width, box.height);
    const [width, height] = [box.width, box.height].map((length) => Math.max(1, Math.round(length * scale)));
    const small = averaged(ink, box, width, height);
    const [left, top] = centreOfMass(small, width).map((centre) => Math.round(IMAGE / 2 - centre));
    small.forEach((value, i) => {
      const [x, y] = [left + (i % width), top + Math.floor(i / width)];
      if (x >= 0 && x < IMAGE && y >= 0 && y < IMAGE) image[y * IMAGE + x] = value;
    });
    return image;
  }

  /** The whole surface, averaged down, the drawing left where it is. */
  function onlyShrunk(ink) {
    return averaged(ink, { left: 0, top: 0, width: SURFACE, height: SURFACE }, IMAGE, IMAGE);
  }

  globalThis.figureModels ??= {};
  globalThis.figureModels.draw_a_digit = {
    SURFACE, bytesFrom, readNetwork, read, blankInk, drawStroke, drawImage, boundingBox, scaledAndCentred, onlyShrunk,
  };

  // ---- what the reader sees ----

  const PEN_STEP = 10;
  const SMALL_PEN_STEP = 2;
  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const CORNERS = ["upper left", "upper right", "lower right", "lower left"];
  const QUIET_FOR = 600; // milliseconds without a change before an answer is said aloud
  const SHOWN_SCALE = 7; // a digit of the test set covers about half of the surface: room to move it

  /** A probability in per cent, never rounded to a certainty. */
  function perCent(probability) {
    if (probability > 0.9995) return "> 99.9 %";
    if (probability < 0.0005) return "< 0.1 %";
    return `${(100 * probability).toFixed(1)} %`;
  }

  function ranked(probabilities) {
    return Array.from(probabilities, (_, digit) => digit).sort((a, b) => probabilities[b] - probabilities[a]);
  }

  /** Red, green and blue of a colour that the theme has set, 0 … 255. */
  function colourParts(figure, variable) {
    const context = document.createElement("canvas").getContext("2d");
    context.fillStyle = themeColour(figure, variable); // reads any notation, gives #rrggbb back
    return [1, 3, 5].map((start) => Number.parseInt(context.fillStyle.slice(start, start + 2), 16));
  }

  /** Paint values between 0 and 1 into a canvas, one pixel each, from the paper's colour to the ink's. */
  function paint(canvas, values, width, look, left = 0, top = 0) {
    const picture = new ImageData(width, values.length / width);
    values.forEach((value, i) => {
      for (let part = 0; part < 3; part++) {
        picture.data[4 * i + part] = look.paper[part] + value * (look.ink[part] - look.paper[part]);
      }
      picture.data[4 * i + 3] = 255;
    });
    canvas.getContext("2d").putImageData(picture, left, top);
  }

  /** Paint the maps of a layer side by side, so many in a row, on one scale. */
  function paintMaps(canvas, maps, side, inRow, look) {
    const count = maps.length / side ** 2;
    canvas.width = inRow * (side + 1) - 1;
    canvas.height = Math.ceil(count / inRow) * (side + 1) - 1; // the gaps between the maps stay see-through
    const largest = Math.max(...maps) || 1;
    for (let map = 0; map < count; map++) {
      const values = maps.slice(map * side ** 2, (map + 1) * side ** 2).map((value) => value / largest);
      paint(canvas, values, side, look, (map % inRow) * (side + 1), Math.floor(map / inRow) * (side + 1));
    }
  }

  /** What is on the surface: strokes and digits of the test set, and the states before, for Undo. */
  class Drawing {
    constructor() {
      this.items = [];
      this.before = [];
      this.corner = ""; // into which it was moved last
      this.ink = blankInk();
    }

    change(items) {
      this.before.push(this.items);
      this.items = items;
      this.corner = "";
      this.drawAnew();
    }

    undo() {
      if (this.before.length) this.items = this.before.pop();
      this.corner = "";
      this.drawAnew();
    }

    drawAnew() {
      this.ink = blankInk();
      for (const item of this.items) {
        if (item.points) drawStroke(this.ink, item.points);
        else drawImage(this.ink, item.image, item.left, item.top, SHOWN_SCALE);
      }
    }

    begin(x, y) {
      this.change([...this.items, { points: [x, y] }]);
    }

    goOn(x, y) {
      const points = this.items.at(-1)?.points;
      if (!points) return; // another finger has pressed a button meanwhile
      drawStroke(this.ink, [...points.slice(-2), x, y]);
      points.push(x, y);
    }

    clear() {
      if (this.items.length) this.change([]);
    }

    show(digit) {
      const edge = (SURFACE - IMAGE * SHOWN_SCALE) / 2;
      this.change([{ ...digit, left: edge, top: edge }]);
    }

    /** Move everything into a corner, by its number in CORNERS. */
    moveIntoCorner(corner) {
      const box = boundingBox(this.ink);
      if (!box) return;
      const margin = 4;
      const x = corner === 1 || corner === 2 ? SURFACE - margin - box.width : margin;
      const y = corner >= 2 ? SURFACE - margin - box.height : margin;
      const [dx, dy] = [x - box.left, y - box.top];
      this.change(
        this.items.map((item) =>
          item.points
            ? { points: item.points.map((place, i) => place + (i % 2 ? dy : dx)) }
            : { ...item, left: item.left + dx, top: item.top + dy },
        ),
      );
      this.corner = CORNERS[corner];
    }

    /** The digit that the test set says is shown, if nothing was drawn on it. */
    get label() {
      return this.items.length === 1 ? this.items[0].label : undefined;
    }
  }

  play("draw_a_digit", (figure, data) => {
    const part = (selector) => figure.querySelector(selector);
    const surface = part(".surface");
    const centring = part(".centring");
    const readout = part(".play-readout");
    const network = readNetwork(data.weights);
    const drawing = new Drawing();
    const pen = { x: SURFACE / 2, y: SURFACE / 2, down: false, shown: false };
    let corner = 0;
    let scheduled = false;
    let sayLater = 0;

    const rows = Array.from({ length: 10 }, (_, digit) => {
      const row = part(".answers tbody").insertRow();
      const heading = document.createElement("th");
      heading.scope = "row";
      heading.textContent = digit;
      const fill = document.createElement("span");
      fill.className = "bar";
      const number = document.createElement("td");
      number.className = "number";
      row.append(heading, number);
      row.insertCell().append(fill);
      return { row, fill, number };
    });

    function look() {
      return { paper: colourParts(figure, "--pst-color-background"), ink: colourParts(figure, "--pst-color-text-base") };
    }

    function showAnswer(probabilities) {
      const best = probabilities && ranked(probabilities)[0];
      rows.forEach(({ row, fill, number }, digit) => {
        row.classList.toggle("best", digit === best);
        number.textContent = probabilities ? perCent(probabilities[digit]) : "–";
        fill.style.width = `${probabilities ? 100 * probabilities[digit] : 0}%`;
      });
    }

    /** Say the answer when the drawing has been at rest for a moment, not at each of its points. */
    function sayAnswer(probabilities) {
      clearTimeout(sayLater);
      sayLater = setTimeout(() => (readout.textContent = sentence(probabilities)), QUIET_FOR);
    }

    function sentence(probabilities) {
      if (!probabilities) return "Nothing is drawn.";
      const [first, second] = ranked(probabilities);
      const answer = `The network reads a ${first}: ${perCent(probabilities[first])}.`;
      const next = `Next comes ${second}: ${perCent(probabilities[second])}.`;
      const truth = drawing.label === undefined ? "" : ` The test set says: ${drawing.label}.`;
      const where = drawing.corner ? `In the ${drawing.corner} corner. ` : "";
      return `${where}${answer} ${next}${truth}`;
    }

    function paintPen(context) {
      if (!pen.shown || document.activeElement !== surface) return;
      context.lineWidth = 2;
      for (const [radius, colour] of [[PEN_RADIUS + 1, "--pst-color-background"], [PEN_RADIUS + 3, "--pst-color-link"]]) {
        context.strokeStyle = themeColour(figure, colour);
        context.beginPath();
        context.arc(pen.x, pen.y, radius, 0, 2 * Math.PI);
        context.stroke();
      }
      if (pen.down) return; // a lifted pen also has a cross: colour alone would not tell
      context.beginPath();
      context.moveTo(pen.x - 6, pen.y);
      context.lineTo(pen.x + 6, pen.y);
      context.moveTo(pen.x, pen.y - 6);
      context.lineTo(pen.x, pen.y + 6);
      context.stroke();
    }

    function redraw() {
      scheduled = false;
      const colours = look();
      const empty = boundingBox(drawing.ink) === null;
      const image = (centring.checked ? scaledAndCentred : onlyShrunk)(drawing.ink);
      const result = read(network, image, data.mean, data.std);
      const blank = (maps) => (empty ? maps.map(() => 0) : maps); // no drawing, no answer
      paint(surface, drawing.ink, SURFACE, colours);
      paintPen(surface.getContext("2d"));
      paint(part(".seen"), image, IMAGE, colours);
      paintMaps(part(".maps1"), blank(result.maps1), 24, 4, colours);
      paintMaps(part(".maps2"), blank(result.maps2), 8, 8, colours);
      showAnswer(empty ? null : result.probabilities);
      part(".invitation").hidden = !empty || pen.shown;
      return empty ? null : result.probabilities;
    }

    /** Answer before the next picture is shown, however many points have come in since the last. */
    function update() {
      if (scheduled) return;
      scheduled = true;
      requestAnimationFrame(() => sayAnswer(redraw()));
    }

    // -- mouse, pen and finger --

    let pointer = null; // which of the fingers draws

    function place(event) {
      const box = surface.getBoundingClientRect();
      return [((event.clientX - box.left) / box.width) * SURFACE, ((event.clientY - box.top) / box.height) * SURFACE];
    }

    surface.addEventListener("pointerdown", (event) => {
      if (pointer !== null || event.button !== 0) return;
      pointer = event.pointerId;
      surface.setPointerCapture(pointer);
      liftPen();
      pen.shown = false;
      drawing.begin(...place(event));
      update();
    });
    surface.addEventListener("pointermove", (event) => {
      if (event.pointerId !== pointer) return;
      const points = event.getCoalescedEvents?.() ?? [];
      for (const point of points.length ? points : [event]) drawing.goOn(...place(point));
      update();
    });
    for (const end of ["pointerup", "pointercancel"]) {
      surface.addEventListener(end, (event) => {
        if (event.pointerId === pointer) pointer = null;
      });
    }

    // -- keyboard --

    function liftPen() {
      pen.down = false;
    }

    function describePen(lastWord = "") {
      const [column, row] = [pen.x, pen.y].map((at) => Math.min(IMAGE, Math.floor(at / PEN_STEP) + 1));
      part(".pen").textContent = `Pen ${pen.down ? "down" : "lifted"}, row ${row}, column ${column} of 28.${lastWord}`;
    }

    const held = new Set(); // the arrow keys that are down: two of them lead along a diagonal

    function movePen(step) {
      const [dx, dy] = [0, 1].map((axis) => [...held].reduce((sum, key) => sum + ARROWS[key][axis], 0));
      const inside = (at) => Math.min(SURFACE - PEN_RADIUS, Math.max(PEN_RADIUS, at));
      [pen.x, pen.y] = [inside(pen.x + dx * step), inside(pen.y + dy * step)];
      if (pen.down) drawing.goOn(pen.x, pen.y);
    }

    surface.addEventListener("keydown", (event) => {
      if (pointer !== null || event.altKey) return;
      if (event.ctrlKey || event.metaKey) {
        if (event.key !== "z") return;
        liftPen();
        drawing.undo();
      } else if (event.key in ARROWS) {
        held.add(event.key);
        movePen(event.shiftKey ? SMALL_PEN_STEP : PEN_STEP);
      } else if (event.key === " ") {
        if (!event.repeat) pen.down = !pen.down;
        if (pen.down && !event.repeat) drawing.begin(pen.x, pen.y);
      } else return;
      event.preventDefault(); // neither may scroll the page
      pen.shown = true;
      describePen();
      update();
    });
    surface.addEventListener("keyup", (event) => held.delete(event.key));
    surface.addEventListener("focus", () => {
      pen.shown = surface.matches(":focus-visible");
      if (pen.shown) describePen();
      update();
    });
    surface.addEventListener("blur", () => {
      liftPen();
      held.clear();
      pen.shown = false;
      part(".pen").textContent = "";
      update();
    });

    // -- buttons --

    /** Do something to the drawing as a whole. */
    function connect(selector, act) {
      part(selector).addEventListener("click", () => {
        act();
        update();
      });
    }

    connect(".undo", () => drawing.undo());
    connect(".clear", () => drawing.clear());
    connect(".corner", () => drawing.moveIntoCorner(corner++ % 4));
    centring.addEventListener("change", update);

    for (const { label, pixels } of data.digits) {
      const image = Float32Array.from(bytesFrom(pixels), (value) => value / 255);
      const button = document.createElement("button");
      const picture = document.createElement("canvas");
      button.type = "button";
      picture.width = picture.height = IMAGE;
      picture.setAttribute("role", "img");
      picture.setAttribute("aria-label", `a ${label} from the test set`);
      button.append(picture);
      button.addEventListener("click", () => {
        drawing.show({ label, image });
        update();
      });
      part(".digits").append(button);
      button.paintAnew = () => paint(picture, image, IMAGE, look());
    }

    function paintAll() {
      for (const button of figure.querySelectorAll(".digits button")) button.paintAnew();
      redraw();
    }

    paintAll();
    onLookChange(figure, paintAll);
  });
})();
