"""Trains a classifier of digits-like pictures with numpy, and logs it with wandb.

The script knows nothing of Besom. Alone, it is a run; in a sweep, it is a trial.
"""

import numpy as np
import wandb

CLASSES, PIXELS = 4, 8


def pictures(count, random):
    """Returns pictures of bars, one place of the bar for each class, with noise."""
    labels = random.integers(CLASSES, size=count)
    images = random.normal(scale=0.6, size=(count, PIXELS, PIXELS))
    for image, label in zip(images, labels):
        image[:, 2 * label : 2 * label + 2] += 1
    return images, labels


def probabilities(weights, images):
    """Returns the probability of each class for each picture."""
    scores = images.reshape(len(images), -1) @ weights
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def train(run):
    """Trains by gradient descent, and logs each epoch."""
    random = np.random.default_rng(0)
    images, labels = pictures(400, random)
    unseen, truth = pictures(200, random)
    weights = np.zeros((PIXELS * PIXELS, CLASSES))
    wanted = np.eye(CLASSES)[labels]
    for epoch in range(run.config.epochs):
        guess = probabilities(weights, images)
        flat = images.reshape(len(images), -1)
        weights -= run.config.lr * flat.T @ (guess - wanted) / len(images)
        known = probabilities(weights, unseen)[np.arange(len(truth)), truth]
        loss = -np.log(known + 1e-12).mean()
        run.log({"epoch": epoch, "val/loss": loss, "train/loss": ((guess - wanted) ** 2).mean()})
    return weights, unseen, truth


def report(run, weights, images, labels):
    """Logs what the model sees, where it is wrong, and the model itself."""
    guesses = probabilities(weights, images).argmax(axis=1)
    run.log({"accuracy": (guesses == labels).mean()})
    shown = [wandb.Image(image, caption=f"is {label}") for image, label in zip(images[:4], labels)]
    run.log({"examples": shown, "weights": wandb.Histogram(weights)})
    rows = [[int(guess), int(label)] for guess, label in zip(guesses, labels)]
    run.log({"predictions": wandb.Table(columns=["guess", "label"], data=rows)})
    np.save("weights.npy", weights)
    model = wandb.Artifact("bars", type="model", metadata={"lr": run.config.lr})
    model.add_file("weights.npy")
    run.log_artifact(model)


def main():
    defaults = {"lr": 0.5, "epochs": 30}
    with wandb.init(project="bars", config=defaults) as run:
        report(run, *train(run))


if __name__ == "__main__":
    main()
