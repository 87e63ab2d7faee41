"""The comparison of printed numbers: what counts as a number, and which differences are reported."""

import io
from base64 import b64encode

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from number_drift import Tolerance, drifts
from printed_numbers import pictures, texts, values


def exact(recorded, now):
    return [str(drift) for drift in drifts({"cell": recorded}, {"cell": now})]


def tolerant(recorded, now, **own):
    return [str(drift) for drift in drifts({"cell": recorded}, {"cell": now}, {"cell": Tolerance(**own)})]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("loss 0.25, 3 epochs", [0.25, 3]),
        ("tensor([1., -2., .5])", [1, -2, 0.5]),
        ("60,000 digits, 1,234.5 s, 12_000", [60000, 1234.5, 12000]),
        ("10\u202f000 and 10\u00a0000", [10000, 10000]),
        ("(1,200) is no tuple that Python prints, (1, 20) is", [1200, 1, 20]),
        ("−3, -3, +3, 5-3, 5 - 3, a[2]-1, 1e-05, 2E−3", [-3, -3, 3, 5, 3, 5, 3, 2, 1, 1e-5, 2e-3]),
        ("nan, -inf, True, NaN", ["nan", float("-inf"), "true", "nan"]),
        ("3x3, 98 %, 12ms, 5s.", [3, 98, 12, 5]),
        ("took 5.", [5]),
        ("float32 layer1.0.weight x_2 conv2d 0x7f3a 2.14.1 2.14.1+cpu 127.0.0.1 <Nano>", []),
        ("[enforce fail at alloc_cpu.cpp:127] err == 0, train.py:12: 3", [0, 3]),
    ],
)
def test_what_is_a_number(text, numbers):
    assert [value.number for value in values(text)] == numbers


@pytest.mark.parametrize(
    ("text", "unit"), [("3", 0), ("3.", 0), ("3.14", 0.01), ("2e-07", 1e-7), ("2.5e3", 100), ("1,234.5", 0.1)]
)
def test_what_one_more_in_the_last_digit_is_worth(text, unit):
    assert values(text)[0].unit == pytest.approx(unit)


def test_equal():
    assert not exact("loss 0.25\nnan", "loss 0.25\nnan")
    assert not tolerant("loss 0.25\nnan", "loss 0.25\nnan")


def test_the_message_names_the_cell_the_line_both_numbers_and_what_is_allowed():
    assert exact("start\nloss 0.2500", "start\nloss 0.2501") == [
        "cell cell, line 2: 0.2500 → 0.2501, allowed ±0: “loss 0.2501”, recorded is “loss 0.2500”"
    ]
    assert tolerant("start\nloss 0.2500", "start\nloss 0.2600") == [
        "cell cell, line 2: 0.2500 → 0.2600, allowed ±0.00035: “loss 0.2600”"
    ]


@pytest.mark.parametrize(
    ("recorded", "now", "own", "drifted"),
    [
        ("1.2345", "1.2357", {}, False),  # a thousandth and one in the last digit
        ("1.2345", "1.2360", {}, True),
        ("0.98", "0.97", {}, False),  # 0.975 and a bit, rounded up and down
        ("0.98", "0.96", {}, True),
        ("0.98", "0.90", {"rtol": 0.1}, False),
        ("1.2e-07", "3.6e-07", {}, False),  # the rounding error of float32
        ("1.2e-07", "3.6e-07", {"atol": 0}, True),
        ("1.2e-05", "3.6e-05", {}, True),
        ("1e-05", "0.00001", {}, False),
        ("1e-05", "0.0001", {}, True),
        ("60,000", "60000", {}, False),
        ("60,000", "60001", {}, True),
        ("60,000", "60001", {"integers": 1}, False),
        ("60,000", "60002", {"integers": 1}, True),
        ("1000000", "1000001", {}, True),  # a whole number has no relative tolerance
        ("−0.5", "-0.5", {}, False),
        ("−0.5", "0.5", {}, True),
        ("[1. 2.]", "[1.     2.0001]", {}, False),
        ("[1. 2.]", "[1. 3.]", {}, True),
        ("0.5", "nan", {}, True),
        ("nan", "NaN", {}, False),
        ("inf", "inf", {}, False),
        ("inf", "-inf", {}, True),
        ("1e30", "inf", {}, True),
        ("same: True", "same: False", {}, True),
        ("2 of 3", "2 of 3 of 4", {}, True),
        ("0.5 0.25", "0.5", {}, True),
        ("ran 3 epochs", "3 epochs ran", {}, False),
        ("[0.5 0.25\n 1.5]", "[0.5 0.25 1.5]", {}, False),
    ],
)
def test_within_tolerance(recorded, now, own, drifted):
    assert bool(tolerant(recorded, now, **own)) == drifted
    assert bool(exact(recorded, now)) == (recorded != now), "on the same machine every letter counts"


def test_another_number_of_numbers():
    assert tolerant("1 2", "1 2 3") == ["cell cell, 3 numbers, recorded are 2"]
    assert tolerant("1 2", "a 7\n3 2") == ["cell cell, 3 numbers, recorded are 2; the first that differs: “a 7”"]
    assert exact("1 2", "1 2 3") == ["cell cell, line 1: (none) → 3, allowed ±0: “1 2 3”, recorded is “1 2”"]


def test_other_words_are_reported_where_machine_and_versions_are_the_same():
    assert exact("ran 3 epochs", "took 3 epochs") == [
        "cell cell, line 1: other words: “took 3 epochs”, recorded is “ran 3 epochs”"
    ]
    assert not tolerant("ran 3 epochs", "took 3 epochs")


def test_a_cell_that_is_compared_on_one_machine_only():
    assert not tolerant("2 workers", "0 workers", only_here=True)
    assert drifts({"cell": "1"}, {}, {"cell": Tolerance(only_here=True)}), "it must be in the record all the same"


def test_lines_that_come_and_go():
    assert exact("a", "a\nb") == ["cell cell, line 2 is new: “b”"]
    assert exact("a\nb", "a") == ["cell cell, line 2 is gone: “b”"]


def test_a_cell_that_is_missing_and_one_that_is_new():
    for tolerances in (None, {"new": Tolerance()}):
        gone, new = drifts({"old": "1"}, {"new": "1"}, tolerances)
        assert (gone.cell, new.cell) == ("old", "new")
        assert "is gone" in gone.what
        assert "not in the record" in new.what


def test_words_alone_may_come_and_go_where_only_numbers_count():
    """A deprecated call shows a warning here, and nothing where it is not yet deprecated."""
    for before, after in (({"old": "a warning"}, {}), ({}, {"new": "a warning"})):
        assert drifts(before, after)
        assert not drifts(before, after, {"new": Tolerance()})


def test_a_cell_in_which_all_has_changed_does_not_hide_the_others():
    assert len(exact("\n".join("123456789"), "\n".join("abcdefghi"))) == 4
    assert exact("\n".join("123456789"), "\n".join("abcdefghi"))[-1] == "cell cell, 6 more places"


def cell_with(*outputs, **metadata):
    cell = new_code_cell("…", id="cell", metadata=metadata)
    cell.outputs = list(outputs)
    return new_notebook(cells=[cell])


def stream(text):
    return new_output("stream", name="stdout", text=text)


def test_all_kinds_of_text_that_a_cell_shows():
    table = (
        "<style>td {width: 9px}</style><table><tr><th></th><th>loss</th></tr><tr><th>a</th><td>0.5</td></tr></table>"
    )
    shown = texts(
        cell_with(
            stream("one\ntw"),
            new_output("display_data", {"text/plain": "<Styler at 0x7f>", "text/html": table}),
            stream("o\n\n"),
            new_output("execute_result", {"text/plain": "tensor(3)"}),
            new_output("error", ename="ValueError", evalue="not 4", traceback=["/tmp/abc.py, line 7"]),
        )
    )
    assert shown == {"cell": "one\ntwo\n | loss\na | 0.5\ntensor(3)\nValueError: not 4"}


def test_what_was_written_to_stderr_can_be_left_out():
    cell = cell_with(stream("1"), new_output("stream", name="stderr", text="a remark"))
    assert texts(cell) == {"cell": "1a remark"}
    assert texts(cell, stderr=False) == {"cell": "1"}


@pytest.mark.parametrize(
    ("printed", "kept"),
    [
        ("Writing /tmp/saved_11_k2x9f3aq/train.py", "Writing …/train.py"),
        (r"open 'C:\Users\me\train.py' or 'C:\\Users\\me\\train.py'", "open '…/train.py' or '…/train.py'"),
        (r"b'\x80\x04\x95print\x94'", r"b'\x80\x04\x95print\x94'"),
        ("from 0/00001.png to runs/9/01984.png", "from 0/00001.png to runs/9/01984.png"),
        ("1/2 / 3 km/h, https://pytorch.org/docs/stable/", "1/2 / 3 km/h, https://pytorch.org/docs/stable/"),
    ],
)
def test_of_a_path_on_this_machine_the_file_counts(printed, kept):
    assert texts(cell_with(stream(printed))) == {"cell": kept}


def test_of_a_progress_bar_the_end_counts():
    assert texts(cell_with(stream("10%\r55%\r100%\nend\r\n"))) == {"cell": "100%\nend"}


def test_a_cell_that_varies_and_one_that_shows_nothing_are_left_out():
    assert texts(cell_with(stream("0.1 s"), tags=["varies"])) == {}
    assert texts(cell_with()) == {}


def test_what_is_measured_is_left_out_and_the_rest_is_compared():
    lines = stream("epoch 1: loss 0.25, 3.1 s\nepoch 2: loss 0.21, 12.0 s\n")
    (text,) = texts(cell_with(lines, measured=[r"[\d.]+ s$"])).values()
    assert text.splitlines() == ["epoch 1: loss 0.25, …", "epoch 2: loss 0.21, …"]


def png(colour, **text):
    file, info = io.BytesIO(), PngInfo()
    for key, value in text.items():
        info.add_text(key, value)
    Image.new("RGB", (4, 4), colour).save(file, "PNG", pnginfo=info)
    return new_output("display_data", {"image/png": b64encode(file.getvalue()).decode(), "text/plain": "<Figure>"})


def test_of_a_picture_the_pixels_count():
    red, same, other = (cell_with(png(*p[:1], Date=p[1])) for p in (("red", "1"), ("red", "2"), ("#fe0000", "1")))
    assert pictures(red) == pictures(same) != pictures(other)
    assert texts(red) == {}
    drawing = [cell_with(new_output("display_data", {"image/svg+xml": f"<svg>{n}</svg>"})) for n in (1, 1, 2)]
    assert pictures(drawing[0]) == pictures(drawing[1]) != pictures(drawing[2])
    assert pictures(cell_with(stream("1"))) == {}


def test_a_cell_with_a_tolerance_of_its_own():
    notebook = cell_with(tolerance={"rtol": 0.05, "why": "trains for an epoch"})
    assert Tolerance.of(notebook.cells[0]) == Tolerance(rtol=0.05, why="trains for an epoch")
    assert Tolerance.of(new_code_cell("1")) == Tolerance()


@pytest.mark.parametrize(
    ("own", "words"), [({"rtol": 0.05}, "say in its tolerance why"), ({"relative": 1, "why": "so"}, "not relative")]
)
def test_a_tolerance_that_says_nothing_is_refused(own, words):
    with pytest.raises(ValueError, match=words):
        Tolerance.of(new_code_cell("1", metadata={"tolerance": own}))
