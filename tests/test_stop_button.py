"""The stop button in the middle of a training: what is there stays usable, and the training can be run again."""

import os
import time

import pytest
from jupyter_client.manager import start_new_kernel

from book_files import copy_packed_data
from hard_machines import cells_of


class Kernel:
    """A kernel as a notebook has it."""

    def __init__(self, folder):
        variables = os.environ | {"OMP_NUM_THREADS": "1"}  # two threads on a busy machine wait for each other
        self.manager, self.client = start_new_kernel(cwd=str(folder), env=variables)

    def run(self, source, interrupt_after=None):
        """Run a cell; return what it printed and the kind of error, "" if none.

        The kernel is interrupted, as the stop button does, a moment after the text `interrupt_after` was printed.
        """
        request, printed, kind, done = self.client.execute(source), "", "", False
        while not done:
            message = self.client.get_iopub_msg(timeout=600)
            if message["parent_header"].get("msg_id") != request:
                continue
            content = message["content"]
            if message["msg_type"] == "stream":
                printed += content["text"]
                if interrupt_after and interrupt_after in printed:
                    time.sleep(0.05)
                    self.manager.interrupt_kernel()
                    interrupt_after = None
            elif message["msg_type"] == "error":
                kind = content["ename"]
            done = message["msg_type"] == "status" and content["execution_state"] == "idle"
        return printed, kind

    def end(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture
def kernel(tmp_path):
    copy_packed_data(tmp_path)
    kernel = Kernel(tmp_path)
    yield kernel
    kernel.end()


BEFORE_TRAINING = ["setup", "data", "imports", "network", "train-one-epoch", "evaluate", "prepare"]
PREPARED = """
prepared = prepare(load_mnist(train=False))
train_set, val_set = random_split(prepared, [8_000, 2_000], generator=torch.Generator().manual_seed(SEED))
"""  # the chapter takes all 60000 images, which takes longer
STATE = """
kept = TwoAndTwo().to(device)
kept.load_state_dict(unstopped.best_state)
names = sorted({"last_model", "full_history"} & set(globals()))
print(names, unstopped.best_epoch, evaluate(kept, few_val, F.cross_entropy, device)[0] == unstopped.best_loss)
"""
AFTERWARDS = """
lengths = {len(curve(full_history, name)) for name in full_history[0]}
print(lengths, train_one_epoch(last_model, few_val, F.cross_entropy, torch.optim.SGD(last_model.parameters()), device))
"""


STILL_THERE = """
loss, share = evaluate(model, val_loader, loss_fn, device)
print(all(p.isfinite().all().item() for p in model.parameters()), share > 0.9, epoch)
"""


def without_seconds(printed):
    """Return the lines of the log, each without the seconds at its end."""
    return [line.rpartition("   ")[0] for line in printed.splitlines() if line.startswith("epoch")]


def test_the_stop_button_in_the_middle_of_training(kernel):
    """Chapter 8: the best state so far is sound, nothing is half-finished, and the cell can be run again."""
    chapter = cells_of("08_mnist_cnn")
    steps = [chapter[name] for name in BEFORE_TRAINING] + [PREPARED]
    steps += [chapter[name] for name in ("early-stopping", "log-epoch", "fit", "noisy-labels")]
    for source in steps:
        assert kernel.run(source)[1] == "", source
    printed, kind = kernel.run(chapter["overfit"], interrupt_after="epoch  4")
    assert kind == "KeyboardInterrupt"
    stopped_at = without_seconds(printed)
    assert 1 <= len(stopped_at) < 4

    printed, kind = kernel.run(STATE)
    assert kind == ""
    names, epoch, same = printed.rsplit(maxsplit=2)
    assert names == "[]", "no half-filled log, no half-trained model under the name of the finished one"
    assert int(epoch) >= 1
    assert same == "True"

    printed, kind = kernel.run(chapter["overfit"])
    assert kind == ""
    assert len(without_seconds(printed)) == 4
    assert without_seconds(printed)[: len(stopped_at)] == stopped_at, "starts anew, with the same numbers"
    assert kernel.run(chapter["overfit-figure"])[1] == ""
    printed, kind = kernel.run(AFTERWARDS)
    assert kind == ""
    assert printed.startswith("{16} "), "every column of the log is as long as the training"


def test_the_stop_button_where_the_loop_is_in_the_cell(kernel):
    """Chapter 10: the model is half-trained and sound, and the cell goes on from there when it is run again."""
    chapter = cells_of("10_inside_the_network")
    for name in list(chapter)[: list(chapter).index("train")]:
        assert kernel.run(chapter[name])[1] == "", name
    before, kind = kernel.run(chapter["train"], interrupt_after="epoch 1")
    assert kind == "KeyboardInterrupt"
    assert "epoch 2" not in before
    assert kernel.run(STILL_THERE) == ("True True 2\n", "")
    printed, kind = kernel.run(chapter["train"])
    assert kind == ""
    first, again = (float(text.partition("training loss ")[2].partition(",")[0]) for text in (before, printed))
    assert again < 0.7 * first, "starts anew"
    assert [line[:8] for line in printed.splitlines()] == ["epoch 1:", "epoch 2:"]
