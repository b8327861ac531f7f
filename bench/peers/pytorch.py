"""PyTorch, eager or compiled: the data in tensors, rows picked by shuffled indices, Adam fused, no metric but the loss.

There is no DataLoader: for digits in memory it is several times slower than indexing.
"""

import common
import torch
from torch import nn
from torch.nn import functional

given = common.arguments()
(x, y), (x_test, y_test) = (tuple(map(torch.from_numpy, part)) for part in common.digits(given))
y, y_test = y.long(), y_test.long()
torch.manual_seed(0)
if given.model == "dense":
    model = nn.Sequential(
        nn.Linear(784, 512), nn.ReLU(), nn.Dropout(0.2), nn.Linear(512, 512), nn.ReLU(), nn.Dropout(0.2),
        nn.Linear(512, 10),
    )  # fmt: skip
else:
    x, x_test = (images.reshape(-1, 1, 28, 28) for images in (x, x_test))
    model = nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.5), nn.Linear(1600, 10),
    )  # fmt: skip
for layer in model:
    if isinstance(layer, nn.Linear | nn.Conv2d):  # as Keras begins
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-7, fused=True)


def loss_of(images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean cross entropy of a batch."""
    return functional.cross_entropy(model(images), labels)


step_loss = torch.compile(loss_of, dynamic=False) if given.compile else loss_of


def epoch() -> float:
    """One pass over the digits; the mean loss."""
    model.train()
    total = torch.zeros(())
    for rows in torch.randperm(len(x)).split(given.batch):
        optimizer.zero_grad(set_to_none=True)
        loss = step_loss(x[rows], y[rows])
        loss.backward()
        optimizer.step()
        total += loss.detach() * len(rows)
    return total.item() / len(x)


seconds, loss = common.time_epochs(given.epochs, epoch)
peak = common.peak_mb()
model.eval()
with torch.no_grad():
    parts = zip(x_test.split(1000), y_test.split(1000), strict=True)
    right = sum((model(images).argmax(1) == labels).sum().item() for images, labels in parts)
name = "pytorch_compile" if given.compile else "pytorch"
common.say(name, seconds, loss, peak, right / len(x_test), "torch", "numpy")
