"""A program of a sweep that knows W&B only."""

import wandb

with wandb.init(project="ignored in a sweep") as run:
    assert run.sweep_id is not None
    lr, layers = wandb.config["lr"], wandb.config.model["layers"]
    print("training with", lr)
    for epoch in range(3):
        run.log({"epoch": epoch, "val": {"loss": lr * layers / (epoch + 1)}})
