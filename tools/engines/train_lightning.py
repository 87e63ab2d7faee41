"""Chapter 13's training with Lightning, which starts the processes: `python train_lightning.py FOLDER`.

FOLDER holds the chapter's parts.py and digits.pt, and gets lightning.pt. Run by tools/record_engines.py.
"""

import sys
from pathlib import Path

# page: begin
import lightning

# page: end
import torch
import torch.nn.functional as F
from parts import make_model
from torch.utils.data import DataLoader, TensorDataset


# page: begin
class Digits(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.model = make_model()

    def training_step(self, batch, batch_idx):
        images, targets = batch
        return F.cross_entropy(self.model(images), targets)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.03, momentum=0.9)


# page: end
folder = Path(sys.argv[1])
digits = TensorDataset(*torch.load(folder / "digits.pt"))

# page: begin
lightning.seed_everything(43)  # it counts epochs from 0, we from 1: the order of 42 + 1
loader = DataLoader(digits, batch_size=32, shuffle=True)
trainer = lightning.Trainer(max_epochs=3, accelerator="cpu", devices=2, strategy="ddp")
trainer.fit(Digits(), loader)
# page: end
if trainer.is_global_zero:
    torch.save(trainer.lightning_module.model.state_dict(), folder / "lightning.pt")
