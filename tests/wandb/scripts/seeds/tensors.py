"""What the snippets that use tensors take for granted. This module needs torch."""

from pathlib import Path

import torch
from PIL import Image
from torch import nn

CLASSES, BATCHES, BATCH_SIZE, SIDE = 10, 4, 16, 8


class ConvNet(nn.Module):
    """A classifier of small pictures."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.classify = nn.Linear(4 * (SIDE - 2) ** 2, CLASSES)

    def forward(self, pictures):
        return self.classify(self.conv(pictures).relu().flatten(1))


class WithLoss(nn.Module):
    """A classifier that takes a batch with its labels and returns the loss."""

    def __init__(self):
        super().__init__()
        self.net = ConvNet()

    def forward(self, batch):
        pictures, labels = batch
        return nn.functional.cross_entropy(self.net(pictures), labels)


def loader():
    """Returns batches of pictures and labels. Each batch has all labels."""
    labels = torch.arange(BATCH_SIZE) % CLASSES
    return [(torch.rand(BATCH_SIZE, 3, SIDE, SIDE), labels) for _ in range(BATCHES)]


def network(run):
    """A classifier, its data, and a function that computes gradients."""
    torch.manual_seed(7)
    model = ConvNet()
    names = {
        "torch": torch,
        "nn": nn,
        "device": torch.device("cpu"),
        "ConvNet": ConvNet,
        "model": model,
        "criterion": nn.CrossEntropyLoss(),
        "optimizer": torch.optim.SGD(model.parameters(), lr=0.01),
        "train_loader": loader(),
        "val_loader": loader(),
        "num_epochs": 2,
    }

    # The snippets replace the model, so the function looks it up. They step the optimizer.
    def train_step(batch):
        pictures, labels = batch
        model = names["model"]
        model.zero_grad()
        loss = names["criterion"](model(pictures), labels)
        loss.backward()
        return loss.item()

    names["train_step"] = train_step
    return names


def network_with_loss(run):
    """A classifier that returns its loss."""
    model = WithLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    return {"model": model, "optimizer": optimizer, "train_loader": loader()}


def step(run):
    """The metrics of a step."""
    return {"global_step": 100, "training_metrics": {"train_loss": 0.5}}


def picture(run):
    """The file of a picture."""
    Image.new("RGB", (64, 64), "teal").save(Path("example.png"))
    return {}
