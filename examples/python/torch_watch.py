"""Trains a small network with PyTorch, and logs its gradients and parameters as histograms."""

import torch
import wandb


def main():
    torch.manual_seed(0)
    inputs = torch.rand(256, 2) * 2 - 1
    targets = (inputs[:, :1] * inputs[:, 1:] > 0).float()
    model = torch.nn.Sequential(torch.nn.Linear(2, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
    criterion = torch.nn.BCEWithLogitsLoss()
    with wandb.init(project="bars", config={"lr": 0.05, "epochs": 40}) as run:
        optimizer = torch.optim.Adam(model.parameters(), lr=run.config.lr)
        run.watch(model, criterion, log="all", log_freq=10)
        for epoch in range(run.config.epochs):
            loss = criterion(model(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            run.log({"epoch": epoch, "loss": loss.item()})


if __name__ == "__main__":
    main()
