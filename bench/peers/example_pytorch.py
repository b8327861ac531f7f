"""PyTorch's example "Basic MNIST" with its published settings: the network, Adadelta from 1.0, times 0.7 each epoch.

Batch 64, 14 epochs. The digits are in tensors, normalised once, instead of its DataLoader, which is slower. After each
epoch it prints the accuracy on the test digits as a JSON line.
"""

import json

import common
import torch
from torch import nn
from torch.nn import functional

MEAN, DEVIATION = 0.1307, 0.3081
"""Of MNIST's training pixels."""

given = common.arguments()
(x, y), (x_test, y_test) = (tuple(map(torch.from_numpy, part)) for part in common.digits(given))
x, x_test = ((images.reshape(-1, 1, 28, 28) - MEAN) / DEVIATION for images in (x, x_test))
y, y_test = y.long(), y_test.long()
torch.manual_seed(given.seed)
model = nn.Sequential(
    nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25), nn.Flatten(),
    nn.Linear(9216, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10),
)  # fmt: skip
optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0)
schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.7)
for epoch in range(given.epochs):
    model.train()
    for rows in torch.randperm(len(x)).split(64):
        optimizer.zero_grad(set_to_none=True)
        functional.cross_entropy(model(x[rows]), y[rows]).backward()
        optimizer.step()
    schedule.step()
    model.eval()
    with torch.no_grad():
        parts = zip(x_test.split(1000), y_test.split(1000), strict=True)
        right = sum((model(images).argmax(1) == labels).sum().item() for images, labels in parts)
    print(json.dumps({"epoch": epoch + 1, "accuracy": right / len(x_test)}), flush=True)
