/* The figure "graph": forward and backward through two computation graphs, one box at a time. */
(() => {
  // ---- The calculation. A value is an array: one number, or one for each point.

  /** What an operation computes from its inputs, and its local slope for each of them, for one point. */
  const OPERATIONS = {
    add: { apply: (p, q) => p + q, slopes: [() => 1, () => 1], record: "AddBackward0" },
    subtract: { apply: (p, q) => p - q, slopes: [() => 1, () => -1], record: "SubBackward0" },
    multiply: { apply: (p, q) => p * q, slopes: [(p, q) => q, (p) => p], record: "MulBackward0" },
    divide: { apply: (p, q) => p / q, slopes: [(p, q) => 1 / q, (p, q) => -p / (q * q)], record: "DivBackward0" },
    square: { apply: (p) => p * p, slopes: [(p) => 2 * p], record: "PowBackward0" },
    mean: { slopes: [], record: "MeanBackward0" }, // the one that makes one number of many: see below
  };

  /**
   * The two graphs. `nodes` are in the order of the forward pass, `backward` names the values in the order in which
   * their gradients are known. Every value goes into one operation only, so no gradients meet and add up on the way.
   * `slopes` says the local slopes in words; null where nobody asks for a gradient.
   */
  const GRAPHS = {
    fraction: {
      inputs: ["a", "b", "x"],
      data: [],
      nodes: [
        { name: "total", operation: "add", from: ["a", "b"], formula: "a + b", slopes: ["1", "1"] },
        { name: "fraction", operation: "divide", from: ["total", "x"], formula: "total / x", slopes: ["1/x", "−total/x²"] },
      ],
      backward: ["fraction", "total", "x", "a", "b"],
    },
    line: {
      inputs: ["a", "b"],
      data: ["x_train", "y_train"],
      nodes: [
        { name: "product", operation: "multiply", from: ["b", "x_train"], formula: "b * x_train", slopes: ["x_train", null] },
        { name: "yhat", operation: "add", from: ["a", "product"], formula: "a + product", slopes: ["1", "1"] },
        { name: "error", operation: "subtract", from: ["yhat", "y_train"], formula: "yhat - y_train", slopes: ["1", null] },
        { name: "square", operation: "square", from: ["error"], formula: "error**2", slopes: ["2 · error"] },
        { name: "loss", operation: "mean", from: ["square"], formula: "square.mean()", slopes: ["1/4"] },
      ],
      backward: ["loss", "square", "error", "yhat", "a", "product", "b"],
    },
  };

  const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
  /** The number for one point; a single number serves all points (broadcasting). */
  const at = (value, point) => (value.length === 1 ? value[0] : value[point]);
  const points = (length, entry) => Array.from({ length }, (_, point) => entry(point));

  /**
   * Go through a graph forward and backward.
   * @param {string} graphName "fraction" or "line"
   * @param {Object<string, number[]>} given the inputs and the data
   * @returns {{values: object, gradients: object, slopes: object, terms: object}} each by name. `slopes` and `terms`
   *   belong to the edge that leaves a value: the local slope, and the slope times the gradient that arrives.
   */
  function evaluate(graphName, given) {
    const { nodes } = GRAPHS[graphName];
    const values = { ...given };
    for (const { name, operation, from } of nodes) {
      const inputs = from.map((input) => values[input]);
      values[name] =
        operation === "mean"
          ? [sum(inputs[0]) / inputs[0].length]
          : points(Math.max(...inputs.map((value) => value.length)), (point) =>
              OPERATIONS[operation].apply(...inputs.map((value) => at(value, point))),
            );
    }
    const gradients = { [nodes.at(-1).name]: [1] };
    const [slopes, terms] = [{}, {}];
    for (const { name, operation, from, slopes: words } of [...nodes].reverse()) {
      const inputs = from.map((input) => values[input]);
      const length = Math.max(...inputs.map((value) => value.length));
      from.forEach((input, place) => {
        if (words[place] === null) return;
        slopes[input] = points(length, (point) =>
          operation === "mean"
            ? 1 / length
            : OPERATIONS[operation].slopes[place](...inputs.map((value) => at(value, point))),
        );
        terms[input] = slopes[input].map((slope, point) => at(gradients[name], point) * slope);
        // One number that served all points gets from all of them.
        gradients[input] = values[input].length < length ? [sum(terms[input])] : terms[input];
      });
    }
    return { values, gradients, slopes, terms };
  }

  /** The operation that a value goes into, and the words for the local slope; undefined for the head. */
  function consumer(graphName, name) {
    const node = GRAPHS[graphName].nodes.find(({ from }) => from.includes(name));
    return node && { ...node, words: node.slopes[node.from.indexOf(name)] };
  }

  /** A number as the figure writes it: at most four decimals, a real minus. */
  function write(number) {
    if (Number.isNaN(number)) return "nan";
    if (!Number.isFinite(number)) return number < 0 ? "−inf" : "inf";
    const size = Math.abs(number);
    let text;
    if (size !== 0 && (size >= 1e5 || size < 1e-4)) text = number.toExponential(1);
    else text = String(Number(number.toFixed(size < 10 ? 4 : size < 100 ? 3 : size < 1000 ? 2 : 1)));
    return text.replace("e+", "e").replaceAll("-", "−");
  }

  /** A number in a column: three decimals, fewer in a large one, so that four columns stand side by side. */
  function writeNarrow(number) {
    const size = Math.abs(number);
    if (!Number.isFinite(number) || size >= 1e5) return write(number);
    const text = number.toFixed(size < 10 ? 3 : size < 100 ? 2 : size < 1000 ? 1 : 0);
    return text.replace("-", Number(text) === 0 ? "" : "−");
  }

  /**
   * Read an answer: a number, or a calculation such as "-5/4^2", with + - * / ^ and parentheses. NaN if it is neither.
   * @param {string} text
   */
  function read(text) {
    const plain = text.replace(/[−–]/g, "-").replace(/[·×]/g, "*").replace(/[÷:]/g, "/").replaceAll("²", "^2");
    const tokens = plain.replaceAll(",", ".").match(/(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|\S/gi) ?? [];
    let next = 0;
    const take = (allowed) => allowed.includes(tokens[next]) && tokens[next++];
    function chain(part, first, second, join) {
      let result = part();
      for (let sign = take([first, second]); sign; sign = take([first, second])) result = join(sign, result, part());
      return result;
    }
    const total = () => chain(product, "+", "-", (sign, p, q) => (sign === "+" ? p + q : p - q));
    const product = () => chain(signed, "*", "/", (sign, p, q) => (sign === "*" ? p * q : p / q));
    const signed = () => (take(["-"]) ? -signed() : take(["+"]) ? signed() : power());
    const power = () => {
      const base = atom();
      return take(["^"]) ? base ** signed() : base;
    };
    function atom() {
      if (!take(["("])) return Number(tokens[next++]); // Number(undefined) and Number("a") are NaN
      const inside = total();
      return take([")"]) ? inside : NaN;
    }
    const result = total();
    return next === tokens.length ? result : NaN;
  }

  /**
   * What is asked for when the next gradient is that of `name`: for a value with many numbers, that of point 1.
   * @returns {{truth: number, tolerance: number, mistakes: {number: number, words: string}[], hint: string}}
   */
  function question(graphName, name, result) {
    const truth = result.gradients[name][0];
    const into = consumer(graphName, name);
    if (!into) {
      const words = `That is the value of ${name}.`;
      const hint = `How fast does ${name} change when ${name} itself changes?`;
      return { truth, tolerance: 0.005, mistakes: [{ number: result.values[name][0], words }], hint };
    }
    const arrives = result.gradients[into.name][0];
    const terms = result.terms[name];
    const added = result.gradients[name].length < terms.length;
    const used = added ? terms : [truth];
    // One part in a hundred, or the last decimal that is shown: who calculates with the rounded numbers is right.
    const lastDecimal = terms.length > 1 ? 6e-4 : 6e-5;
    const tolerance = Math.max(0.01 * sum(used.map(Math.abs)), lastDecimal);
    const mistakes = [{ number: -truth, words: "The size is right, the sign is not." }];
    if (added) {
      mistakes.push({ number: truth / terms.length, words: "That is the mean over the points; the 1/4 is already in what arrives." });
      mistakes.push({ number: terms[0], words: "That is what point 1 sends back. The other points send something too." });
    } else {
      mistakes.push({ number: result.slopes[name][0], words: "That is the local slope alone." });
      mistakes.push({ number: arrives, words: "That is what arrives, and no more." });
    }
    const last = added
      ? `Multiply it by what arrives from ${into.name}, point by point, and add up: every point used the same ${name}.`
      : `Multiply it by what arrives from ${into.name}, ${write(arrives)}.`;
    const hint = `The local slope of ${into.formula} for ${name} is ${into.words}. ${last}`;
    return { truth, tolerance, mistakes, hint };
  }

  /**
   * Judge an answer.
   * @returns {{right: boolean, words: string}}
   */
  function judge(graphName, name, result, answer) {
    const { truth, tolerance, mistakes, hint } = question(graphName, name, result);
    const equals = (number) => Math.abs(answer - number) <= tolerance;
    if (equals(truth)) return { right: true, words: "Right." };
    const known = mistakes.find(({ number }) => equals(number));
    return { right: false, words: `Not ${write(answer)}. ${known ? `${known.words} ` : ""}${hint}` };
  }

  const signedFactor = (number) => (number < 0 ? `(${write(number)})` : write(number));
  const pointWords = (value) => (value.length > 1 ? ", at point 1: " : " = ");

  /** A step of the forward pass in words. */
  function forwardWords(graphName, index, { values }) {
    const { name, operation, from, formula } = GRAPHS[graphName].nodes[index];
    const signs = { add: " + ", subtract: " − ", multiply: " · ", divide: " / " };
    const [p, q] = from.map((input) => signedFactor(values[input][0]));
    let numbers = `${p}${signs[operation]}${q}`;
    if (operation === "square") numbers = `${p}²`;
    if (operation === "mean") numbers = `(${values[from[0]].map(write).join(" + ")}) / ${values[from[0]].length}`;
    const record = OPERATIONS[operation].record;
    const result = write(values[name][0]);
    return `${name} = ${formula}${pointWords(values[name])}${numbers} = ${result}. PyTorch records ${record}.`;
  }

  /** A step of the backward pass in words: the product that makes the chain rule. */
  function backwardWords(graphName, name, { gradients, slopes, terms }) {
    const into = consumer(graphName, name);
    if (!into) return `The gradient of ${name} with respect to itself is 1. Here backward() starts.`;
    const start = `Gradient of ${name} = gradient of ${into.name} × ${into.words}`;
    const product = (point) =>
      `${signedFactor(at(gradients[into.name], point))} × ${signedFactor(slopes[name][point])}`;
    if (gradients[name].length === terms[name].length)
      return `${start}${pointWords(terms[name])}${product(0)} = ${write(gradients[name][0])}.`;
    return `${start}, added up over the points: ${points(terms[name].length, product).join(" + ")} = ${write(gradients[name][0])}.`;
  }

  globalThis.figureModels ??= {};
  figureModels.graph = { GRAPHS, OPERATIONS, evaluate, question, judge, read, write };

  // ---- The drawing. Lengths in units of the picture; the style sheet says how wide it is.

  const LINE = 17;
  const PADDING = 5;
  const WIDTH = 352;

  /** Where the boxes stand: left, top, width. In "line" they all have the same columns, so the points stand in line. */
  const LAYOUTS = {
    fraction: {
      height: 302,
      boxes: { a: [2, 2, 140], b: [150, 2, 140], total: [2, 122, 160], x: [170, 122, 180], fraction: [86, 242, 180] },
    },
    line: {
      height: 550,
      boxes: {
        a: [2, 2, 88],
        b: [98, 2, 252],
        product: [62, 97, 288],
        yhat: [62, 208, 288],
        error: [62, 302, 288],
        square: [62, 413, 288],
        loss: [62, 507, 288],
      },
    },
  };
  const FLOW = 126; // where the edges of "line" run, between the words and the columns
  const A_WAY = 26; // and where that of its a goes down
  const COLUMNS = [177, 233, 289, 345]; // right ends, wide enough apart that a minus is no subtraction

  const text = (x, y, className, ...words) => svg("text", { x, y, class: className }, ...words);

  /** One line of numbers in a box: a sign for the direction, then a number, or one for each point in its column. */
  function numberLine(left, y, className, sign, value, words) {
    const line = svg("g", { class: className }, text(left + 7, y, "sign", sign));
    if (value.length === 1) line.append(text(left + 22, y, "number", words ?? write(value[0])));
    else value.forEach((number, point) => line.append(text(COLUMNS[point], y, "number column", writeNarrow(number))));
    return line;
  }

  /** Lines of text in a box: the title, perhaps the data that enter, the value, the gradient. */
  const hasTwoLines = (name) => name === "b" || name === "loss";
  function boxLines(graphName, name) {
    const node = GRAPHS[graphName].nodes.find((each) => each.name === name);
    const entering = node?.from.find((input) => GRAPHS[graphName].data.includes(input));
    if (graphName === "line" && hasTwoLines(name)) return { node, entering, count: 2 };
    return { node, entering, count: entering ? 4 : 3 };
  }
  const boxHeight = (graphName, name) => boxLines(graphName, name).count * LINE + 2 * PADDING - 2;

  /** The class of what the picture before this one did not show; the style sheet lets it appear. */
  const newClass = (isNew) => (isNew ? " new" : "");

  function drawBox(view, name) {
    const { graphName, result, shown, known, current, before } = view;
    const [left, top, width] = LAYOUTS[graphName].boxes[name];
    const { node, entering, count } = boxLines(graphName, name);
    const head = name === GRAPHS[graphName].nodes.at(-1).name;
    const kind = head ? "head" : node ? "operation" : "leaf";
    const box = svg("g", { class: `box ${kind}${name === current ? " current" : ""}` });
    box.append(svg("rect", { x: left, y: top, width, height: boxHeight(graphName, name), rx: node ? 3 : 14 }));
    let y = top + PADDING + 11;
    box.append(text(left + 7, y, "title", svg("tspan", { class: "name" }, name), node ? ` = ${node.formula}` : ""));
    if (entering) {
      y += LINE;
      box.append(numberLine(left, y, "data", entering, result.values[entering]));
    }
    y += LINE;
    const valueClass = `value${newClass(!before.shown.has(name))}`;
    if (shown.has(name)) box.append(numberLine(left, y, valueClass, "↓", result.values[name]));
    const beside = count === 2 ? 110 : 0;
    if (!beside) y += LINE;
    const gradientClass = `gradient${newClass(name === view.asked ? before.asked !== name : !before.known.has(name))}`;
    if (name === view.asked) box.append(numberLine(left + beside, y, gradientClass, "↑", [0], "?"));
    if (known.has(name)) box.append(numberLine(left + beside, y, gradientClass, "↑", result.gradients[name], productWords(view, name)));
    return box;
  }

  /** The product of the chain rule inside the box, where it fits; null where there is none, or where it is a sum. */
  function productWords({ graphName, result }, name) {
    const into = consumer(graphName, name);
    if (!into || graphName !== "fraction") return null;
    const [arrives, slope, gradient] = [result.gradients[into.name], result.slopes[name], result.gradients[name]];
    const words = `${write(arrives[0])} × ${write(slope[0])} = ${write(gradient[0])}`;
    return words.length <= 21 ? words : null;
  }

  /** From the box of a value to the box of the operation that it goes into: the points of the edge. */
  function edgeRoute(graphName, from, to) {
    const { boxes } = LAYOUTS[graphName];
    const [left, top, width] = boxes[from];
    const bottom = top + boxHeight(graphName, from);
    const [toLeft, toTop, toWidth] = boxes[to];
    if (graphName === "line" && from === "a") {
      const middle = toTop + boxHeight(graphName, to) / 2;
      return [[A_WAY, bottom], [A_WAY, middle], [toLeft, middle]];
    }
    if (graphName === "line") return [[FLOW, bottom], [FLOW, toTop]];
    const side = left + width / 2 < toLeft + toWidth / 2 ? -1 : 1; // the two that meet do not touch
    return [[left + width / 2, bottom], [toLeft + toWidth / 2 + side * 24, toTop]];
  }

  function arrowHead([fromX, fromY], [x, y]) {
    const turn = (Math.atan2(y - fromY, x - fromX) * 180) / Math.PI;
    return svg("path", { class: "arrow", d: "M0 0L-9 -4.5L-9 4.5Z", transform: `translate(${x} ${y}) rotate(${turn})` });
  }

  /** The local slope beside its edge: words, then the number, or one for each point in its column. */
  function slopeLabel(view, name, into, route) {
    const label = svg("g", { class: "slope" });
    const slope = view.result.slopes[name];
    const hidden = name === view.asked;
    if (view.graphName === "line") {
      const y = (route[0][1] + route[1][1]) / 2 + 4;
      if (name === "a") {
        const words = hidden ? ["× ?"] : ["× 1 each,", "added up"];
        label.append(...words.map((each, line) => text(A_WAY + 6, route[1][1] - 50 + line * 15, "words", each)));
        return label;
      }
      label.append(text(FLOW - 8, y, "words end", hidden ? "× ?" : `× ${into.words}`));
      if (!hidden) slope.forEach((number, point) => label.append(text(COLUMNS[point], y, "number column", writeNarrow(number))));
      return label;
    }
    const left = name === into.from[0];
    const [across, down] = [Math.abs(route[1][0] - route[0][0]), route[1][1] - route[0][1]];
    const distance = (16 * across) / down + 8; // from the edge at half height, so that no corner of the words touches it
    const x = (route[0][0] + route[1][0]) / 2 + (left ? -distance : distance);
    const y = (route[0][1] + route[1][1]) / 2;
    const side = left ? "words end" : "words";
    const number = write(slope[0]);
    if (hidden) label.append(text(x, y + 5, side, "× ?"));
    else if (into.words === number) label.append(text(x, y + 5, side, `× ${number}`));
    else label.append(text(x, y - 4, side, `× ${into.words}`), text(x, y + 13, side, `= ${number}`));
    return label;
  }

  function drawEdge(view, name) {
    const { graphName, shown, known, asked, current, before } = view;
    const into = consumer(graphName, name);
    const route = edgeRoute(graphName, name, into.name);
    const back = known.has(name) || name === asked;
    const state = back ? "back" : shown.has(into.name) ? "forth" : "waiting";
    const isNew = back && !before.known.has(name) && before.asked !== name;
    const edge = svg("g", { class: `edge ${state}${back && name === current ? " current" : ""}${newClass(isNew)}` });
    edge.append(svg("path", { class: "way", d: `M${route.map((corner) => corner.join(" ")).join("L")}` }));
    edge.append(back ? arrowHead(route[1], route[0]) : arrowHead(route.at(-2), route.at(-1)));
    if (back) edge.append(slopeLabel(view, name, into, route));
    return edge;
  }

  /** All that is seen, in words, for readers who do not see it. */
  function inWords({ graphName, result, shown, known }) {
    const { inputs, nodes } = GRAPHS[graphName];
    const one = (name) => {
      const value = shown.has(name) ? result.values[name].map(write).join(", ") : "not computed yet";
      const gradient = known.has(name) ? `, gradient ${result.gradients[name].map(write).join(", ")}` : "";
      const formula = nodes.find((node) => node.name === name)?.formula;
      return `${name}${formula ? ` = ${formula}` : ""}: ${value}${gradient}`;
    };
    return `Computation graph. ${[...inputs, ...nodes.map((node) => node.name)].map(one).join("; ")}.`;
  }

  function drawGraph(view) {
    const { inputs, nodes } = GRAPHS[view.graphName];
    const { height } = LAYOUTS[view.graphName];
    const names = [...inputs, ...nodes.map((node) => node.name)];
    const picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": inWords(view) });
    picture.append(...names.filter((name) => consumer(view.graphName, name)).map((name) => drawEdge(view, name)));
    picture.append(...names.map((name) => drawBox(view, name)));
    return picture;
  }

  // ---- The figure: what is shown, and what the buttons do.

  play("graph", (figure, data) => {
    const part = (name) => figure.querySelector(`.graph-${name}`);
    const [choice, numbers, form, asked, answer] = ["choice", "numbers", "question", "asked", "answer"].map(part);
    const buttons = Object.fromEntries(["forward", "backward", "back", "reset", "chapter", "show"].map((name) => [name, part(name)]));
    const stage = figure.querySelector(".play-stage");
    const readout = figure.querySelector(".play-readout");
    const check = form.querySelector("[type=submit]");
    const panel = part("panel");
    const LARGEST = 1000;
    const HEADER = 72; // the site's header covers this much of the top of the screen

    /** computed: boxes of the forward pass that are shown; revealed: gradients; asking: whether a question is open. */
    const state = { graphName: "fraction", given: {}, computed: 0, revealed: 0, asking: false, said: "" };
    let pictured; // what the picture shows: only what is new in the next one moves
    let result;

    const graph = () => GRAPHS[state.graphName];
    const nextGradient = () => graph().backward[state.revealed];
    const forwardDone = () => state.computed === graph().nodes.length;
    const backwardDone = () => state.revealed === graph().backward.length;
    const allFinite = () => Object.values({ ...result.values, ...result.gradients }).flat().every(Number.isFinite);

    function start(graphName) {
      state.graphName = graphName;
      state.given = Object.fromEntries(Object.entries(data[graphName]).map(([name, value]) => [name, [value].flat()]));
      numbers.replaceChildren(...graph().inputs.map(numberField));
      pictured = { shown: new Set(graph().inputs), known: new Set(), asked: null };
      hideResults();
    }

    /** Begin again with the numbers that the reader has chosen. */
    function hideResults() {
      Object.assign(state, { computed: 0, revealed: 0, asking: false });
      state.said = "Forward computes the first box.";
      result = evaluate(state.graphName, state.given);
      draw();
    }

    function numberField(name) {
      const label = document.createElement("label");
      const field = document.createElement("input");
      Object.assign(field, { type: "number", step: "any", min: -LARGEST, max: LARGEST, required: true });
      field.value = state.given[name][0];
      field.dataset.name = name;
      field.addEventListener("input", () => changeInput(name, field));
      label.append(name, field);
      return label;
    }

    /** Take a new number, and hide what was calculated from it, so that there is something to predict. */
    function changeInput(name, field) {
      const valid = field.validity.valid;
      field.setAttribute("aria-invalid", String(!valid));
      if (valid && field.valueAsNumber !== state.given[name][0]) {
        state.given[name] = [field.valueAsNumber];
        const first = graph().nodes.findIndex(({ from }) => from.includes(name));
        const hides = state.computed > first;
        Object.assign(state, { computed: Math.min(state.computed, first), revealed: 0, asking: false });
        const next = `Forward computes ${graph().nodes[state.computed].name}.`;
        state.said = hides ? `${name} is new: what was calculated from it is hidden. Predict it. ${next}` : next;
        result = evaluate(state.graphName, state.given);
      }
      draw();
    }

    /** What to do about the first field that holds no valid number; null where all do. */
    function complaint() {
      const field = [...numbers.querySelectorAll("input")].find((each) => !each.validity.valid);
      if (!field) return null;
      const name = document.createElement("i");
      name.textContent = field.dataset.name;
      return ["Give ", name, ` a value from −${LARGEST} to ${LARGEST}.`];
    }

    /** Say what division by 0 does; PyTorch raises no error either. */
    function troubleWords() {
      const zero = state.graphName === "fraction" && state.given.x[0] === 0;
      const reason = zero ? "x is 0, and nothing can be divided by 0." : "These numbers lead beyond what a float can hold.";
      return `${reason} PyTorch raises no error: it goes on with inf or nan, and spoils every gradient. Choose another number.`;
    }

    function draw() {
      const { nodes, inputs, backward } = graph();
      const view = {
        graphName: state.graphName,
        result,
        shown: new Set([...inputs, ...nodes.slice(0, state.computed).map((node) => node.name)]),
        known: new Set(backward.slice(0, state.revealed)),
        asked: state.asking ? nextGradient() : null,
        current: state.asking ? nextGradient() : (backward[state.revealed - 1] ?? nodes[state.computed - 1]?.name),
      };
      view.before = pictured;
      stage.replaceChildren(drawGraph(view));
      pictured = { shown: view.shown, known: view.known, asked: view.asked };
      const fine = allFinite();
      const complains = complaint();
      buttons.forward.disabled = forwardDone() || complains !== null;
      buttons.backward.disabled = !forwardDone() || backwardDone() || state.asking || !fine || complains !== null;
      buttons.back.disabled = state.computed === 0 || complains !== null;
      buttons.show.disabled = check.disabled = complains !== null;
      form.hidden = !state.asking;
      if (state.asking) {
        const single = result.gradients[nextGradient()].length === 1;
        asked.textContent = `Predict the gradient of ${nextGradient()}${single ? "" : ", point 1"}`;
      }
      readout.replaceChildren(...(complains ?? [fine || !forwardDone() ? state.said : troubleWords()]));
    }

    /**
     * Scroll as far as needed to see the box of this step. On a narrow screen the panel stands below the graph and covers
     * the bottom of the screen.
     */
    function bringIntoSight() {
      const box = stage.querySelector(".box.current")?.getBoundingClientRect();
      if (!box) return;
      const panelIsBelow = panel.getBoundingClientRect().left < stage.getBoundingClientRect().right;
      const last = innerHeight - (panelIsBelow ? panel.offsetHeight : 0) - 8;
      const distance = box.top < HEADER ? box.top - HEADER : Math.max(0, box.bottom - last);
      if (distance) scrollBy({ top: distance, behavior: motionIsReduced() ? "instant" : "smooth" });
    }

    /** Draw, and keep the focus with the reader: a button that was switched off would swallow the next key. */
    function drawAndFocus(...wanted) {
      draw();
      bringIntoSight();
      const target = wanted.find((part) => !part.disabled && !part.closest("[hidden]"));
      if (!figure.contains(document.activeElement)) return;
      // On a touch screen the keyboard would cover the graph: there the reader taps the field when ready.
      if (target === answer && matchMedia("(pointer: coarse)").matches) return;
      target?.focus({ preventScroll: true });
    }

    buttons.forward.addEventListener("click", () => {
      state.said = forwardWords(state.graphName, state.computed, result);
      state.computed += 1;
      if (forwardDone()) state.said += " The forward pass is done.";
      drawAndFocus(buttons.forward, buttons.backward, readout);
    });

    buttons.backward.addEventListener("click", () => {
      state.asking = true;
      const into = consumer(state.graphName, nextGradient());
      const arrives = into && result.gradients[into.name].map(write).join(", ");
      state.said = into ? `From ${into.name} arrives ${arrives}.` : "The way back begins with a number: which?";
      state.said += " A number or a calculation such as 3 * -0.5 will do.";
      answer.value = "";
      answer.removeAttribute("aria-invalid");
      drawAndFocus(answer);
    });

    function reveal(words) {
      state.said = `${words}${backwardWords(state.graphName, nextGradient(), result)}`;
      state.asking = false;
      state.revealed += 1;
      if (backwardDone()) state.said += ` ${endWords()}`;
      drawAndFocus(buttons.backward, readout); // at the end a key more must neither undo nor reset anything
    }

    function endWords() {
      const leaves = `${graph().inputs.slice(0, -1).join(", ")} and ${graph().inputs.at(-1)}`;
      return `Done. PyTorch keeps the gradients of ${leaves} in .grad; those half-way it passes on and drops.`;
    }

    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const number = read(answer.value);
      const verdict = Number.isFinite(number)
        ? judge(state.graphName, nextGradient(), result, number)
        : { right: false, words: "Type a number, such as −0.25, or a calculation, such as -1/4." };
      if (verdict.right) return reveal(`${verdict.words} `);
      answer.setAttribute("aria-invalid", "true");
      state.said = verdict.words;
      draw();
      answer.select();
    });
    buttons.show.addEventListener("click", () => reveal(""));

    buttons.back.addEventListener("click", () => {
      if (state.asking) state.asking = false;
      else if (state.revealed > 0) state.revealed -= 1;
      else state.computed -= 1;
      state.said = "One step back.";
      drawAndFocus(buttons.back, buttons.forward);
    });

    buttons.reset.addEventListener("click", hideResults);
    buttons.chapter.addEventListener("click", () => start(state.graphName));
    choice.addEventListener("change", () => start(choice.value));
    readout.tabIndex = -1; // where the focus goes when every step is done
    start(choice.value);
  });
})();
