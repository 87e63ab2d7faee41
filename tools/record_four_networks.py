"""Train the four networks of chapter 9 to their full length with several seeds; write book/records/four_networks.json.

    python tools/record_four_networks.py --seeds 3      # hours on two cores; goes on where it was stopped
    python tools/record_four_networks.py --speed        # one epoch of each, on a machine that does nothing else

The networks, optimizers and loops are the chapter's own cells. The test set is used after the first and the last epoch;
nothing is chosen with it.
"""

import argparse
import time
from typing import Any

import torch

from recording import chapter_names, circumstances, read_record, write_record

CHAPTER = "09_four_networks"
RECORD = "four_networks"


def train(names: dict[str, Any], recipe: Any, seed: int, epochs: int) -> dict[str, Any]:
    """Train one network; return its test accuracies in per cent and the seconds its epochs took."""
    device = names["device"]
    train_set, test_set = (names["prepare"](names["load_mnist"](train=train)) for train in (True, False))
    torch.manual_seed(seed)
    model = recipe.network().to(device)
    optimizer = recipe.make_optimizer(model.parameters())
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=recipe.gamma)
    train_loader = names["DataLoader"](train_set, batch_size=recipe.batch_size, shuffle=True)
    test_loader = names["DataLoader"](test_set, batch_size=1000)
    accuracies, seconds = {}, []
    for epoch in range(1, epochs + 1):
        started = time.perf_counter()
        names["train_one_epoch"](model, train_loader, recipe.loss_fn, optimizer, device)
        seconds.append(time.perf_counter() - started)
        scheduler.step()
        if epoch in (1, epochs):
            _loss, accuracy = names["evaluate"](model, test_loader, recipe.loss_fn, device)
            accuracies[epoch] = round(100 * accuracy, 2)
        print(f"{recipe.network.__name__}, seed {seed}, epoch {epoch}: {seconds[-1]:.1f} s {accuracies}", flush=True)
    return {"first": accuracies[1], "last": accuracies[epochs], "seconds": seconds}


def table(record: dict[str, Any]) -> list[list[Any]]:
    """Return what the chapter shows: network, epochs, accuracies after the first and after the last epoch."""
    return [
        [name, runs["epochs"], [run["first"] for run in runs["runs"]], [run["last"] for run in runs["runs"]]]
        for name, runs in record["networks"].items()
    ]


def main() -> None:
    """Train what the record still lacks, or measure speed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3, help="how many seeds a network is trained with")
    parser.add_argument("--speed", action="store_true", help="measure the seconds of one epoch instead")
    options = parser.parse_args()
    names = chapter_names(CHAPTER)
    record = read_record(RECORD, CHAPTER)
    networks = record.setdefault("networks", {})
    if options.speed:
        seconds = {r.network.__name__: round(train(names, r, 0, 1)["seconds"][0], 1) for r in names["RECIPES"]}
        record["speed"] = {"circumstances": circumstances(names["device"]), "seconds_an_epoch": seconds}
        write_record(RECORD, record)
        return
    for seed in range(options.seeds):
        for recipe in names["RECIPES"]:
            entry = networks.setdefault(
                recipe.network.__name__, {"epochs": recipe.epochs, "batch_size": recipe.batch_size, "runs": []}
            )
            if any(run["seed"] == seed for run in entry["runs"]):
                continue
            run = train(names, recipe, seed, recipe.epochs)
            entry["runs"].append({"seed": seed, "first": run["first"], "last": run["last"]})
            record["circumstances"] = circumstances(names["device"])
            record["table"] = table(record)
            write_record(RECORD, record)


if __name__ == "__main__":
    main()
