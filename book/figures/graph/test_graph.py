"""The figure "graph": its numbers against torch.autograd, its questions, and what a reader does with it."""

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe

from figure_data import export_module, read_data

PAGE = "notebooks/05_computation_graphs"
ANSWERS = {"fraction": ["1", "1/4", "-5/4^2", "0.25", "0.25"]}


class Figure:
    """The figure on a page, by what a reader calls its parts."""

    def __init__(self, page):
        self.page = page
        self.root = page.locator("#figure-graph")
        self.root.scroll_into_view_if_needed()
        self.answer = self.root.get_by_label("Predict the gradient")
        self.readout = self.root.get_by_role("status")
        self.picture = self.root.get_by_role("img", name="Computation graph")

    def button(self, name):
        return self.root.get_by_role("button", name=name, exact=True)

    def press(self, name, times=1):
        for _ in range(times):
            self.button(name).click()

    def choose(self, graph):
        self.root.get_by_role("combobox").select_option(graph)

    def forward(self):
        while self.button("Forward").is_enabled():
            self.press("Forward")

    def show_all(self):
        self.forward()
        while self.button("Backward").is_enabled():
            self.press("Backward")
            self.press("Show it")

    def words(self):
        return self.picture.get_attribute("aria-label")


def model(page, call):
    return page.evaluate(f"() => {{ const m = figureModels.graph; return {call}; }}")


def torch_values(graph, given):
    """Return all values, all gradients and the names of the nodes, as torch computes them in float64."""
    data = {"x_train", "y_train"}
    t = {name: torch.tensor(v, dtype=torch.float64, requires_grad=name not in data) for name, v in given.items()}
    if graph == "fraction":
        t["total"] = t["a"] + t["b"]
        t["fraction"] = t["total"] / t["x"]
        head = t["fraction"]
    else:
        t["product"] = t["b"] * t["x_train"]
        t["yhat"] = t["a"] + t["product"]
        t["error"] = t["yhat"] - t["y_train"]
        t["square"] = t["error"] ** 2
        t["loss"] = head = t["square"].mean()
    for tensor in t.values():
        if tensor.requires_grad:
            tensor.retain_grad()
    head.backward()
    gradients = {name: tensor.grad for name, tensor in t.items() if tensor.requires_grad}
    records = {name: type(tensor.grad_fn).__name__ for name, tensor in t.items() if tensor.grad_fn is not None}
    return t, gradients, records


def test_data_are_the_chapters():
    fresh = export_module("graph").export()
    stored = read_data("graph")
    assert fresh.keys() == stored.keys()
    for graph, numbers in fresh.items():
        assert numbers.keys() == stored[graph].keys()
        for name, value in numbers.items():
            assert stored[graph][name] == pytest.approx(value, abs=1e-6), f"{graph}, {name}: run export_data.py"


def test_values_and_gradients_agree_with_torch(visit):
    page = visit(PAGE)
    generator = torch.Generator().manual_seed(0)
    lengths = {"fraction": {"a": 1, "b": 1, "x": 1}, "line": {"a": 1, "b": 1, "x_train": 4, "y_train": 4}}
    for graph, sizes in lengths.items():
        cases = [
            {n: (3 * torch.randn(k, generator=generator, dtype=torch.float64)).tolist() for n, k in sizes.items()}
            for _ in range(50)
        ]
        results = page.evaluate("([g, cs]) => cs.map((c) => figureModels.graph.evaluate(g, c))", [graph, cases])
        for given, result in zip(cases, results, strict=True):
            values, gradients, records = torch_values(graph, given)
            assert result["values"].keys() == values.keys()
            assert result["gradients"].keys() == gradients.keys()
            for ours, theirs in ((result["values"], values), (result["gradients"], gradients)):
                for name, tensor in theirs.items():
                    numbers = torch.tensor(ours[name], dtype=torch.float64)
                    torch.testing.assert_close(
                        numbers, tensor.detach().view(-1), rtol=1e-10, atol=1e-10, msg=f"{graph} {name}"
                    )
        shown = model(
            page,
            f"Object.fromEntries(m.GRAPHS.{graph}.nodes.map((n) => [n.name, m.OPERATIONS[n.operation].record]))",
        )
        assert shown == records
        # Every gradient is asked for, and only after the one that it is computed from.
        asked = model(page, f"m.GRAPHS.{graph}.backward")
        assert sorted(asked) == sorted(gradients)
        for node in model(page, f"m.GRAPHS.{graph}.nodes"):
            inputs = [name for name in node["from"] if name in asked]
            assert all(asked.index(name) > asked.index(node["name"]) for name in inputs)


def test_answers_are_read_and_judged(visit):
    page = visit(PAGE)
    reads = {"−0.25": -0.25, "-1/4": -0.25, "0,5": 0.5, "2 × (1 + .5)": 3, "-5/4²": -0.3125, "2e-1": 0.2, "8-2-1": 5}
    assert page.evaluate("(texts) => texts.map(figureModels.graph.read)", list(reads)) == pytest.approx(
        [*reads.values()]
    )
    for text in ("", "a", "1 2", "(1", "1)", "2 *", "alert(1)"):
        assert page.evaluate("(text) => Number.isNaN(figureModels.graph.read(text))", text), text
    written = [0, 1.25, -0.3125, 123456, 0.00001234, 1 / 3, 995.5]
    assert page.evaluate("(ns) => ns.map(figureModels.graph.write)", written) == [
        *("0", "1.25", "−0.3125", "1.2e5", "1.2e−5", "0.3333", "995.5")
    ]
    judge = """([graph, given, name, answer]) => {
      const model = figureModels.graph;
      return model.judge(graph, name, model.evaluate(graph, given), answer);
    }"""
    data = read_data("graph")
    fraction = {name: [value] for name, value in data["fraction"].items()}
    line = {name: value if isinstance(value, list) else [value] for name, value in data["line"].items()}
    values, gradients, _ = torch_values("line", line)
    of_b = gradients["b"].item()
    # What somebody finds who calculates with the three decimals in the columns.
    rounded = sum(
        round(g, 3) * round(x, 3) for g, x in zip(gradients["product"].tolist(), line["x_train"], strict=True)
    )
    at_1 = gradients["error"][0].item()
    for graph, given, name, answer, words in (
        ("fraction", fraction, "fraction", 1, "Right."),
        ("fraction", fraction, "fraction", 1.25, "value of fraction"),
        ("fraction", fraction, "x", -0.3125, "Right."),
        ("fraction", fraction, "x", -0.313, "Right."),
        ("fraction", fraction, "x", 0.3125, "the sign is not"),
        ("fraction", fraction, "x", 7, "The local slope of total / x for x is −total/x²."),
        ("fraction", fraction, "a", 1, "local slope alone"),
        ("fraction", fraction | {"x": [1000]}, "total", 0.0005, "Not"),
        ("line", line, "error", at_1, "Right."),
        ("line", line, "error", 2 * values["error"][0].item(), "local slope alone"),
        ("line", line, "error", 0.25, "what arrives, and no more"),
        ("line", line, "b", of_b, "Right."),
        ("line", line, "b", rounded, "Right."),
        ("line", line, "b", of_b / 4, "the mean over the points"),
        ("line", line, "b", gradients["product"][0].item() * line["x_train"][0], "what point 1 sends back"),
        ("line", line, "a", 0, "every point used the same a"),
    ):
        verdict = page.evaluate(judge, [graph, given, name, answer])
        assert words in verdict["words"], (name, answer, verdict)
        assert verdict["right"] == (words == "Right.")


def test_the_keyboard_alone_plays_it(visit):
    page = visit(PAGE, reduced_motion="reduce")
    figure, keys = Figure(page), page.keyboard
    figure.root.get_by_role("combobox").focus()
    for field in ("a", "b", "x"):
        keys.press("Tab")
        assert page.evaluate("document.activeElement.dataset.name") == field
    keys.press("Tab")
    keys.press("Enter")
    assert "total = a + b = 2 + 3 = 5. PyTorch records AddBackward0." in figure.readout.inner_text()
    keys.press("Space")
    assert "fraction = total / x = 5 / 4 = 1.25" in figure.readout.inner_text()
    assert "gradient" not in figure.words()
    for answer in ANSWERS["fraction"]:
        keys.press("Enter")  # Backward has the focus
        assert page.evaluate("document.activeElement.className") == "graph-answer"
        keys.type("7")
        keys.press("Enter")
        assert "Not 7." in figure.readout.inner_text()
        keys.type(answer)  # the wrong answer is selected, so this replaces it
        keys.press("Enter")
        assert figure.readout.inner_text().startswith("Right.")
    assert "in .grad" in figure.readout.inner_text()
    assert "x: 4, gradient −0.3125" in figure.words()
    assert "a: 2, gradient 0.25" in figure.words()
    assert figure.root.locator(".slope").count() == 4
    assert "1 × −0.3125 = −0.3125" in figure.picture.text_content()
    focused = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert focused == "solid"
    # At the end a key more changes nothing: the focus is with the words.
    assert page.evaluate("document.activeElement.className") == "play-readout"
    keys.press("Enter")
    keys.press("Space")
    assert "x: 4, gradient −0.3125" in figure.words()
    figure.button("Back one").focus()
    # Steps back, one after the other, until nothing but the inputs is left; the focus goes on to Forward.
    for _ in range(7):
        keys.press("Enter")
    assert "total = a + b: not computed yet" in figure.words()
    assert page.evaluate("document.activeElement.className") == "graph-forward"
    # Less motion: nothing moves.
    keys.press("Enter")
    moving = "document.querySelector('#figure-graph').getAnimations({ subtree: true }).length"
    assert page.evaluate(moving) == 0
    page.emulate_media(reduced_motion="no-preference")
    figure.press("Forward")
    assert page.evaluate(moving) > 0
    # Only what is new moves: one gradient and its edge, and nothing when the same picture is drawn again.
    fresh = figure.root.locator("svg .new")
    figure.press("Backward")
    figure.press("Show it")
    assert fresh.evaluate_all("(parts) => parts.map((part) => part.getAttribute('class'))") == ["gradient new"]
    figure.press("Backward")
    assert fresh.count() == 2
    figure.answer.fill("7")
    figure.press("Check")
    assert fresh.count() == 0
    assert page.problems == []


def test_inputs_change_everything_and_x_may_be_zero(visit):
    page = visit(PAGE, reduced_motion="reduce")
    figure = Figure(page)
    field = {name: figure.root.locator(f"[data-name={name}]") for name in ("a", "b", "x")}
    figure.show_all()
    # What was calculated from a new number is hidden, and nothing else but the gradients.
    field["x"].fill("0.5")
    assert "total = a + b: 5; fraction = total / x: not computed yet" in figure.words()
    assert "gradient" not in figure.words()
    assert "x is new: what was calculated from it is hidden." in figure.readout.inner_text()
    field["a"].fill("-1")
    assert "total = a + b: not computed yet" in figure.words()
    figure.show_all()
    assert "fraction = total / x: 4, gradient 1" in figure.words()
    assert "x: 0.5, gradient −8" in figure.words()
    figure.press("Reset")  # hides the results, and keeps the reader's numbers
    assert [field[name].input_value() for name in "abx"] == ["-1", "3", "0.5"]
    assert "a: -1".replace("-", "−") in figure.words()
    assert "total = a + b: not computed yet" in figure.words()
    figure.forward()
    field["x"].fill("0")
    assert figure.button("Forward").is_enabled()
    figure.forward()
    assert "x is 0, and nothing can be divided by 0." in figure.readout.inner_text()
    assert "fraction = total / x: inf" in figure.words()
    assert "gradient" not in figure.words()
    assert figure.button("Backward").is_disabled()
    # What the sentence says about PyTorch.
    x = torch.zeros((), requires_grad=True)
    (torch.tensor(2.0) / x).backward()
    assert x.grad.item() == -torch.inf
    complaint = "Give x a value from −1000 to 1000."
    field["x"].fill("")
    assert figure.readout.inner_text() == complaint
    assert figure.readout.locator("i").inner_text() == "x"
    assert field["x"].get_attribute("aria-invalid") == "true"
    field["x"].fill("2000")
    assert figure.readout.inner_text() == complaint
    field["a"].fill("1")  # another field does not take it away, and nothing goes on
    assert figure.readout.inner_text() == complaint
    assert [figure.button(name).is_disabled() for name in ("Forward", "Backward", "Back one")] == [True] * 3
    field["x"].fill("2")
    figure.forward()
    figure.press("Backward")
    field["x"].fill("5000")
    assert figure.button("Check").is_disabled()
    assert figure.button("Show it").is_disabled()
    field["x"].fill("2")
    assert figure.button("Check").is_enabled()
    figure.press("Back one")  # closes the question
    assert not figure.answer.is_visible()
    assert figure.button("Backward").is_enabled()
    figure.press("Backward")
    figure.answer.fill("one")
    figure.press("Check")
    assert "Type a number" in figure.readout.inner_text()
    figure.press("Chapter’s numbers")
    assert [field[name].input_value() for name in "abx"] == ["2", "3", "4"]
    assert "total = a + b: not computed yet" in figure.words()
    # The loss of the line: the numbers that torch finds for the chapter's first parameters.
    figure.choose("line")
    figure.show_all()
    line = {n: v if isinstance(v, list) else [v] for n, v in read_data("graph")["line"].items()}
    values, gradients, _ = torch_values("line", line)
    for name in ("a", "b"):
        gradient = f"{gradients[name].item():.4f}".replace("-", "−")
        assert f"gradient {gradient}" in figure.words()
    assert f"loss = square.mean(): {values['loss'].item():.4f}, gradient 1" in figure.words()
    assert page.problems == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_on_a_telephone(visit, theme):
    page = visit(PAGE, "narrow", theme, has_touch=True, reduced_motion="reduce")
    figure = Figure(page)
    for graph in ("fraction", "line"):
        figure.choose(graph)
        for _ in range(len(model(page, f"m.GRAPHS.{graph}.nodes"))):
            figure.button("Forward").tap()
        figure.button("Backward").tap()
        figure.answer.fill("1")
        figure.button("Check").tap()
        assert figure.readout.inner_text().startswith("Right.")
        while figure.button("Backward").is_enabled():
            figure.button("Backward").tap()
            figure.button("Show it").tap()
            # The box that has just got its gradient is in sight, between the site's header and the panel.
            box = figure.root.locator(".box.current").bounding_box()
            panel = figure.root.locator(".graph-panel").bounding_box()
            assert box["y"] > 48, graph
            assert box["y"] + box["height"] <= panel["y"] + 1, graph
    sizes = page.evaluate("""() => {
      const parts = [...document.querySelectorAll("#figure-graph :is(button, select, input)")];
      return parts.filter((part) => part.offsetParent).map((part) => [part.offsetWidth, part.offsetHeight]);
    }""")
    assert len(sizes) == 8
    assert min(map(min, sizes)) >= 24
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # Upright, readable, nothing on top of anything else, nothing outside.
    figure.press("Back one")
    figure.press("Backward")
    found = page.evaluate("""() => {
      const picture = document.querySelector("#figure-graph .play-stage svg").getBoundingClientRect();
      const texts = [...document.querySelectorAll("#figure-graph .play-stage svg text")];
      const boxes = texts.map((text) => ({ words: text.textContent, ...text.getBoundingClientRect().toJSON() }));
      const apart = (p, q) => p.right <= q.left || q.right <= p.left || p.bottom - 4 <= q.top || q.bottom - 4 <= p.top;
      const clashing = (p, i) => boxes.slice(i + 1).filter((q) => !apart(p, q)).map((q) => [p.words, q.words]);
      const clashes = boxes.flatMap(clashing);
      const outside = boxes.filter((p) => p.left < picture.left - 1 || p.right > picture.right + 1);
      const heights = texts.map((text) => parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a);
      return { clashes, outside, upright: picture.height > picture.width, smallest: Math.min(...heights) };
    }""")
    assert found["clashes"] == []
    assert found["outside"] == []
    assert found["upright"]
    assert found["smallest"] >= 12
    # Columns of numbers stand so far apart that a minus is no subtraction: more than a digit, twice a space.
    gaps = page.evaluate("""() => {
      const columns = [...document.querySelectorAll("#figure-graph .box .column")];
      const boxes = columns.map((text) => text.getBoundingClientRect());
      return boxes.slice(1).map((box, i) => [box.top - boxes[i].top, box.left - boxes[i].right])
        .filter(([down]) => down === 0).map(([, gap]) => gap);
    }""")
    assert len(gaps) >= 12
    assert min(gaps) > 9
    violations = Axe().run(page, context="#figure-graph", options={"preload": False, "resultTypes": ["violations"]})
    assert [(v["id"], [node["html"][:120] for node in v["nodes"]]) for v in violations.response["violations"]] == []
    assert page.problems == []


def test_the_solution_names_what_torch_finds(visit):
    solution = visit(PAGE).locator("#figure-graph .graph-solution").text_content().replace("−", "-")
    given = read_data("graph")["fraction"]
    values, gradients, _ = torch_values("fraction", {name: [value] for name, value in given.items()})
    of = {name: gradients[name].item() for name in ("a", "b", "x")}
    assert max(of, key=lambda name: abs(of[name])) == "x"
    assert ", ".join(f"{name} = {value:g}" for name, value in given.items()) in solution.replace(" and x", ", x")
    assert f"its gradient is {of['x']:g}, that of a and of b {of['a']:g}" in solution
    assert of["a"] == of["b"]

    def change(name):
        nudged = given | {name: given[name] + 0.01}
        return (nudged["a"] + nudged["b"]) / nudged["x"] - values["fraction"].item()

    assert f"falls by about {-change('x'):.4f}; if a grows by 0.01, it rises by {change('a'):.4f}." in solution
    # "a and b win when x is larger than a + b, signs aside. Try x = 6."
    assert "So a and b win when x is larger than a + b, signs aside. Try x = 6." in solution
    for a, b, x in ((given["a"], given["b"], 6), (2, 3, -6), (2, -9, 6), (-2, -3, 4), (-2, -3, -5.5)):
        _, gradients, _ = torch_values("fraction", {"a": [a], "b": [b], "x": [x]})
        assert (abs(gradients["a"].item()) > abs(gradients["x"].item())) == (abs(x) > abs(a + b)), (a, b, x)


def test_without_script_and_after_an_error_the_picture_stays(visit, browser, address):
    page = visit(PAGE, java_script_enabled=False)
    picture = page.locator("#figure-graph .play-fallback")
    assert picture.is_visible()
    assert page.locator("#figure-graph :is(button, input, select, svg):visible").count() == 0
    context = browser.new_context()
    page = context.new_page()
    page.add_init_script("Document.prototype.createElementNS = () => { throw new Error('made to fail'); }")
    page.goto(f"{address}/{PAGE}.html")
    picture = page.locator("#figure-graph .play-fallback")
    assert picture.is_visible()
    assert page.locator("#figure-graph :is(button, input, select):visible").count() == 0
    context.close()
