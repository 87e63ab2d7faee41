"""Chapter 13's training with Ray Train, which starts the processes: `python train_ray.py FOLDER`.

FOLDER holds the chapter's parts.py and digits.pt, and gets ray.pt. Run by tools/record_engines.py.
"""

import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from parts import make_model

# page: begin
from ray.train import RunConfig, ScalingConfig
from ray.train.torch import TorchTrainer, prepare_data_loader, prepare_model

# page: end
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

folder = Path(sys.argv[1]).resolve()


# page: begin
def train_loop():
    digits = TensorDataset(*torch.load(folder / "digits.pt"))
    model = prepare_model(make_model())  # has joined the group and wraps with DDP
    optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9)
    sampler = DistributedSampler(digits, seed=42)
    loader = prepare_data_loader(DataLoader(digits, batch_size=32, sampler=sampler))
    for epoch in range(1, 4):
        sampler.set_epoch(epoch)
        for images, targets in loader:
            loss = F.cross_entropy(model(images), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    # page: end
    if sampler.rank == 0:
        torch.save(model.module.state_dict(), folder / "ray.pt")


# page: begin
storage = RunConfig(storage_path=str(folder / "ray"))
TorchTrainer(train_loop, scaling_config=ScalingConfig(num_workers=2), run_config=storage).fit()
# page: end
