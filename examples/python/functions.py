"""Sweeps over a function in this program: no agent has to be started."""

import wandb

import train

SWEEP = {
    "method": "random",
    "metric": {"name": "val/loss", "goal": "minimize"},
    "parameters": {
        "lr": {"distribution": "log_uniform_values", "min": 0.01, "max": 10},
        "epochs": {"value": 10},
    },
}


def trial():
    """Runs one trial. The sweep chooses the config."""
    with wandb.init() as run:
        train.train(run)


if __name__ == "__main__":
    wandb.agent(wandb.sweep(SWEEP, project="bars"), function=trial, count=3)
