"""The network of the figure *draw a digit*: what it is, and how it is trained.

The functions that train and judge are those of chapter 8; three things differ. The network is smaller, because every
reader's browser loads it. Each image is turned, stretched, shifted, thickened or thinned a little, anew in every
epoch: people who draw with a mouse or a finger do not draw as the writers of MNIST's digits wrote with a pen. And the
recipe is another: AdamW with a learning rate of 4e-3 and a weight decay of 1e-4, batches of 128, 24 epochs, of which
the one with the lowest validation loss is kept.
`record_drawing_network.py` calls this and keeps the result.
"""

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPOCHS = 24
BATCH_SIZE = 128
LEARNING_RATE = 4e-3


class DrawingNetwork(nn.Module):
    """Chapter 8's network, cut down: two convolutions, one linear layer, 8882 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, kernel_size=5)
        self.conv2 = nn.Conv2d(8, 24, kernel_size=5)
        self.fc = nn.Linear(384, 10)

    def forward(self, x: Tensor) -> Tensor:  # (B, 1, 28, 28)
        """Return the logits of normalised images."""
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)  # (B, 8, 24, 24) → (B, 8, 12, 12)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)  # (B, 24, 8, 8) → (B, 24, 4, 4)
        return self.fc(x.flatten(1))  # (B, 384) → (B, 10), logits


def between(low: float, high: float, count: int) -> Tensor:
    """Return random numbers, evenly spread."""
    return torch.empty(count).uniform_(low, high)


def bent(ink: Tensor) -> Tensor:
    """Turn, stretch, slant and shift each image of a batch a little; ink is between 0 and 1, (B, 1, 28, 28)."""
    count = len(ink)
    angle, slant = between(-0.22, 0.22, count), between(-0.2, 0.2, count)  # radians; share of the height
    wide, high = between(0.85, 1.18, count), between(0.85, 1.18, count)
    right, down = between(-0.1, 0.1, count), between(-0.1, 0.1, count)  # 1 is half an image, 14 pixels
    cos, sin = torch.cos(angle), torch.sin(angle)
    across = torch.stack([cos / wide, (slant * cos - sin) / wide, right], dim=1)
    along = torch.stack([sin / high, (slant * sin + cos) / high, down], dim=1)
    grid = F.affine_grid(torch.stack([across, along], dim=1), list(ink.shape), align_corners=False)
    return F.grid_sample(ink, grid, align_corners=False)


def another_pen(ink: Tensor) -> Tensor:
    """Thicken or thin the strokes of each image by a random amount, up to about a pixel."""
    thick = F.max_pool2d(ink, 3, stride=1, padding=1)
    thin = -F.max_pool2d(-ink, 2, stride=1, padding=1)[..., :28, :28]
    amount = between(-0.6, 1.0, len(ink)).view(-1, 1, 1, 1)
    return ink + amount.clamp(min=0) * (thick - ink) + (-amount).clamp(min=0) * (thin - ink)


class VariedBatches:
    """Batches of a loader, each image varied anew whenever the batches are asked for."""

    def __init__(self, loader: Any, mean: float, std: float) -> None:
        self.loader, self.mean, self.std = loader, mean, std

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for images, targets in self.loader:
            ink = another_pen(bent(images * self.std + self.mean))
            yield (ink - self.mean) / self.std, targets


def as_shipped(model: nn.Module) -> dict[str, Tensor]:
    """Return the weights as the page gets them: rounded to 16 bits, which halves the page's weight."""
    return {name: tensor.detach().cpu().half() for name, tensor in model.state_dict().items()}


def from_shipped(weights: dict[str, Tensor]) -> DrawingNetwork:
    """Return the network that the page runs: the shipped weights, in 32 bits again."""
    model = DrawingNetwork()
    model.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
    return model.eval()


def train_with_seed(names: dict[str, Any], seed: int, train_set: Any, val_set: Any) -> tuple[Any, list[Any], Any]:
    """Train with the functions of chapter 8, `names`; return the model with its best weights, history and stopping."""
    torch.manual_seed(seed)  # first weights, order of the images, their variations
    device = names["device"]
    model = DrawingNetwork().to(device)
    loader = names["DataLoader"](train_set, batch_size=BATCH_SIZE, shuffle=True)
    loaders = VariedBatches(loader, names["MEAN"], names["STD"]), names["DataLoader"](val_set, batch_size=1000)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS)
    stopping = names["EarlyStopping"](patience=EPOCHS)
    history = names["fit"](model, loaders, optimizer, device, EPOCHS, stopping, scheduler)
    model.load_state_dict(stopping.best_state)
    return model, history, stopping
