"""Train chapter 8's network with several seeds; write book/records/mnist_cnn.json.

    python tools/record_mnist_cnn.py               # half an hour on two busy cores; goes on where it was stopped
    python tools/record_mnist_cnn.py --seeds 2 --long-seeds 1

Two recipes are trained, both with the chapter's own cells. `table` is the recipe of the page: four epochs, cosine
schedule. `ten_epochs` is ten epochs of SGD at the constant learning rate 0.01 with momentum 0.9. The test set is used
once a run, after the run, with the best weights; nothing is chosen with it.
"""

import argparse
from typing import Any

import torch

from recording import chapter_names, circumstances, read_record, write_record

CHAPTER = "08_mnist_cnn"
RECORD = "mnist_cnn"
LONG_EPOCHS = 10


def per_cent(share: float) -> float:
    """Return an accuracy in per cent, to two decimals."""
    return round(100 * share, 2)


def train_long(names: dict[str, Any], seed: int, train_set: Any, val_set: Any) -> tuple[Any, list[Any], Any]:
    """Train at a constant learning rate without stopping; return the model with its best weights."""
    device, loader = names["device"], names["DataLoader"]
    torch.manual_seed(seed)
    model = names["TwoAndTwo"]().to(device)
    loaders = loader(train_set, batch_size=64, shuffle=True), loader(val_set, batch_size=1000)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    stopping = names["EarlyStopping"](patience=LONG_EPOCHS)
    history = names["fit"](model, loaders, optimizer, device, LONG_EPOCHS, stopping)
    model.load_state_dict(stopping.best_state)
    return model, history, stopping


def run(names: dict[str, Any], train: Any, seed: int, sets: list[Any]) -> dict[str, Any]:
    """Train once; return what the record keeps of it."""
    train_set, val_set, test_set = sets
    model, history, stopping = train(seed, train_set, val_set)
    test_loader = names["DataLoader"](test_set, batch_size=1000)
    _loss, accuracy = names["evaluate"](model, test_loader, torch.nn.functional.cross_entropy, names["device"])
    print(f"seed {seed}: best epoch {stopping.best_epoch}, test accuracy {per_cent(accuracy)} %", flush=True)
    return {
        "seed": seed,
        "best_epoch": stopping.best_epoch,
        "validation_accuracies": [per_cent(row["val_accuracy"]) for row in history],
        "validation_losses": [round(row["val_loss"], 4) for row in history],
        "training_losses": [round(row["train_loss"], 4) for row in history],
        "test_accuracy": per_cent(accuracy),
    }


def summarise(record: dict[str, Any]) -> None:
    """Add what the page shows: one row a seed."""
    record["table"] = [
        [r["seed"], r["best_epoch"], r["validation_accuracies"][r["best_epoch"] - 1], r["test_accuracy"]]
        for r in record["runs"]
    ]
    record["ten_epochs"] = [
        [r["seed"], r["best_epoch"], r["validation_accuracies"], r["validation_losses"], r["test_accuracy"]]
        for r in record["long_runs"]
    ]


def main() -> None:
    """Train what the record still lacks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5, help="how many seeds the page's recipe is trained with")
    parser.add_argument("--long-seeds", type=int, default=3, help="how many seeds the ten epochs are trained with")
    options = parser.parse_args()
    names = chapter_names(CHAPTER)
    train_set, val_set = names["split"](names["prepare"](names["load_mnist"](train=True)))
    sets = [train_set, val_set, names["prepare"](names["load_mnist"](train=False))]
    record = read_record(RECORD, CHAPTER)
    record.setdefault("runs", [])
    record.setdefault("long_runs", [])
    recipes = [
        ("runs", options.seeds, names["train_with_seed"]),
        ("long_runs", options.long_seeds, lambda seed, *parts: train_long(names, seed, *parts)),
    ]
    for key, seeds, train in recipes:
        for seed in range(seeds):
            if any(done["seed"] == seed for done in record[key]):
                continue
            record[key].append(run(names, train, seed, sets))
            record["circumstances"] = circumstances(names["device"])
            summarise(record)
            write_record(RECORD, record)


if __name__ == "__main__":
    main()
