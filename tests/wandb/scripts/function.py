"""A sweep whose trials are calls of a function, as W&B's tutorials have it."""

import wandb

sweep_config = {
    "method": "grid",
    "metric": {"name": "loss", "goal": "minimize"},
    "parameters": {
        "lr": {"values": [0.1, 0.2, 0.4]},
        "optimizer": {"value": "sgd"},
        "model": {"parameters": {"layers": {"value": 2}}},
    },
}


def train():
    with wandb.init() as run:
        config = run.config
        assert config.optimizer == "sgd" and config.model["layers"] == 2
        for epoch in range(2):
            run.log({"epoch": epoch, "loss": config.lr / (epoch + 1)})


sweep_id = wandb.sweep(sweep_config, project="functions")
print("sweep", sweep_id)
wandb.agent(sweep_id, function=train, project="functions")
