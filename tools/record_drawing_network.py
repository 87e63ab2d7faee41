"""Train the network of the figure *draw a digit*; write its weights and book/records/drawing_network.json.

    python tools/record_drawing_network.py         # some five minutes on two cores; does nothing if nothing has changed

The validation images choose the epoch. The test set is opened once, at the end, with the weights as the page gets them.
Afterwards `make figures` puts the new weights into the page.
"""

import ast
import time
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from figure_data import FIGURES
from recording import chapter_names, circumstances, digest, read_record, without_comments, write_record
from train_drawing_network import as_shipped, from_shipped, train_with_seed

CHAPTER = "08_mnist_cnn"
RECORD = "drawing_network"
SEED = 0
WEIGHTS = FIGURES / "draw_a_digit" / "weights.pt"
SCRIPT = Path(__file__).with_name("train_drawing_network.py")


def without_docstrings(source: str) -> str:
    """Return code without the strings that only explain it."""
    lines = source.splitlines()
    for part in ast.walk(ast.parse(source)):
        if isinstance(part, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(part) is not None:
            words = part.body[0]
            lines[words.lineno - 1 : words.end_lineno] = [""] * (words.end_lineno - words.lineno + 1)
    return "\n".join(lines)


def script_digest(source: str | None = None) -> str:
    """Return a digest of the code that trains the network; comments and docstrings do not count."""
    source = SCRIPT.read_text("utf8") if source is None else source
    return digest(without_comments(without_docstrings(source)).encode())


def weights_digest(weights: dict[str, torch.Tensor]) -> str:
    """Return a digest of the numbers themselves, in the order of the layers."""
    return digest(b"".join(tensor.numpy().tobytes() for tensor in weights.values()))


def measure(names: dict[str, Any]) -> dict[str, Any]:
    """Train once, save the weights as the page gets them, and return what the record keeps."""
    train_set, val_set = names["split"](names["prepare"](names["load_mnist"](train=True)))
    test_set = names["prepare"](names["load_mnist"](train=False))
    start = time.perf_counter()
    model, history, stopping = train_with_seed(names, SEED, train_set, val_set)
    seconds = time.perf_counter() - start
    weights = as_shipped(model)
    torch.save(weights, WEIGHTS)
    test_loader = names["DataLoader"](test_set, batch_size=1000)
    _loss, accuracy = names["evaluate"](from_shipped(weights), test_loader, F.cross_entropy, torch.device("cpu"))
    return {
        "seed": SEED,
        "parameters": sum(tensor.numel() for tensor in weights.values()),
        "weights": weights_digest(weights),
        "seconds": round(seconds),
        "best_epoch": stopping.best_epoch,
        "validation_accuracies": [round(100 * row["val_accuracy"], 2) for row in history],
        "validation_losses": [round(row["val_loss"], 4) for row in history],
        "training_losses": [round(row["train_loss"], 4) for row in history],
        "test_accuracy": round(100 * accuracy, 2),
    }


def main() -> None:
    """Train, unless the record already belongs to this code."""
    record = read_record(RECORD, CHAPTER)
    if record.get("script") == script_digest() and WEIGHTS.exists():
        print("The network is trained, and its script has not changed since.")
        return
    names = chapter_names(CHAPTER)
    record |= {"page": "book/draw_a_digit.md", "script": script_digest()}
    record["run"] = measure(names)
    record["circumstances"] = circumstances(names["device"])
    write_record(RECORD, record)
    print(f"test accuracy {record['run']['test_accuracy']} %")


if __name__ == "__main__":
    main()
