"""Chapter 13's training with Accelerate: `torchrun --nproc-per-node=2 train_accelerate.py FOLDER`.

FOLDER holds the chapter's parts.py and digits.pt, and gets accelerate.pt. Run by tools/record_engines.py.
"""

import sys
from pathlib import Path

import torch
import torch.nn.functional as F

# page: begin
from accelerate import Accelerator

# page: end
from parts import make_model
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

folder = Path(sys.argv[1])
digits = TensorDataset(*torch.load(folder / "digits.pt"))
# page: begin
model = make_model()
optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9)
sampler = DistributedSampler(digits, num_replicas=1, rank=0, seed=42)  # the whole order
loader = DataLoader(digits, batch_size=32, sampler=sampler)
accelerator = Accelerator(cpu=True)
model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
for epoch in range(1, 4):
    loader.set_epoch(epoch)
    for images, targets in loader:
        loss = F.cross_entropy(model(images), targets)
        optimizer.zero_grad()
        accelerator.backward(loss)
        optimizer.step()
# page: end
if accelerator.is_main_process:
    torch.save(accelerator.unwrap_model(model).state_dict(), folder / "accelerate.pt")
accelerator.end_training()
