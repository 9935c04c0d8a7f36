"""What each snippet takes for granted: names, files and modules.

The table `SNIPPETS` at the end has one entry for each snippet, by its title. A snippet that only
needs a protocol, such as `loss.item()` or a loader that yields pairs, gets objects of numpy. They
fit a real model to a tiny data set. A snippet that uses tensors gets those of `tensors.py`.

Each prelude is a function of the run that the snippet gets, or of None, and returns names. Files
are made in the working folder.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

RANDOM = np.random.default_rng(7)
BATCHES, BATCH_SIZE, FEATURES = 30, 4, 3


class Model:
    """A linear model, with the calls of a torch module."""

    def __init__(self):
        self.weights = np.zeros(FEATURES)
        self.gradient = np.zeros(FEATURES)

    def __call__(self, data):
        self.data = data
        return data @ self.weights


class Loss:
    """The mean squared error of a model, with the calls of a tensor."""

    def __init__(self, model, errors):
        self.model = model
        self.errors = errors

    def item(self):
        return float(np.mean(self.errors**2))

    def backward(self):
        self.model.gradient += 2 * self.model.data.T @ self.errors / len(self.errors)


class Optimizer:
    """Gradient descent, with the calls of a torch optimizer. The second group stays unused."""

    def __init__(self, model):
        self.model = model
        self.param_groups = [{"lr": 0.01}, {"lr": 0.001}]

    def zero_grad(self):
        self.model.gradient[:] = 0

    def step(self):
        self.model.weights -= self.param_groups[0]["lr"] * self.model.gradient


def loader():
    """Returns batches of inputs and targets of a linear function."""
    inputs = RANDOM.normal(size=(BATCHES, BATCH_SIZE, FEATURES))
    return [(batch, batch @ [1.0, -2.0, 0.5]) for batch in inputs]


def train_batch(data, target, model, optimizer, criterion):
    """Takes a step of training and returns the loss before it."""
    loss = criterion(model(data), target)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def training(run):
    """A model, its data, and the functions that train and evaluate it."""
    model, train_loader, val_loader = Model(), loader(), loader()
    optimizer = Optimizer(model)

    def criterion(output, target):
        return Loss(model, output - target)

    def train_step(batch):
        return train_batch(*batch, model, optimizer, criterion)

    # The snippets differ in what they pass to the next functions. One passes `...`.
    def evaluate(*_):
        errors = np.concatenate([model(data) - target for data, target in val_loader])
        return float(np.mean(np.abs(errors) < 0.5)), float(np.mean(errors**2))

    def validate(*_):
        accuracy, loss = evaluate()
        return loss, accuracy

    def train_one_epoch(*_):
        losses = [train_step(batch) for batch in train_loader]
        return sum(losses) / len(losses), evaluate()[0]

    return {
        "model": model,
        "optimizer": optimizer,
        "criterion": criterion,
        "train_loader": train_loader,
        "val_loader": val_loader,
        "seen_val_loader": train_loader,
        "unseen_val_loader": val_loader,
        "out_of_distribution_loader": loader(),
        "num_epochs": 2,
        "log_interval": 10,
        "train_batch": train_batch,
        "train_step": train_step,
        "train_one_epoch": train_one_epoch,
        "train_epoch": train_one_epoch,
        "validate": validate,
        "evaluate": evaluate,
    }


def configured(run):
    """The training, and the config of the run."""
    run.config.update({"epochs": 2})
    return training(run) | {"config": run.config}


def pixels(index=0):
    """Returns a picture that differs from index to index."""
    picture = np.zeros((224, 224, 3), dtype=np.uint8)
    picture[20:80, 10:100] = (20 * index % 256, 128, 255)
    return picture


def plots(run):
    """Values to plot."""
    values = RANDOM.normal(size=10).tolist()
    labels = [f"class {index}" for index in range(10)]
    return {"x_values": list(range(10)), "y_values": values, "labels": labels, "values": values}


def image(run):
    """A picture, and numpy."""
    return {"img": pixels(), "np": np}


def images(run):
    """A generator of pictures."""
    return {"generate_image": pixels}


def predictions(run):
    """Pictures with what a model predicts for them and what they show."""
    pictures = [pixels(n) for n in range(3)]
    return {"images": pictures, "predictions": [0, 1, 1], "targets": [0, 1, 2]}


def metrics(run):
    """Two functions of a step."""
    return {"compute_metric_a": lambda step: step / 10, "compute_metric_b": lambda step: step**2}


def checkpoints(run):
    """The files of a model and of a data set."""
    Path("best_model.pt").write_bytes(RANDOM.bytes(10_000))
    folder = Path("data/processed")
    folder.mkdir(parents=True, exist_ok=True)
    for part in ["train", "test"]:
        np.savetxt(folder / f"{part}.csv", RANDOM.normal(size=(10, FEATURES)))
    return {}


def audio(run):
    """A file with half a second of a tone."""
    import soundfile

    time = np.arange(4000) / 8000
    soundfile.write("example.wav", np.sin(2 * np.pi * 440 * time), 8000)
    return {}


def nothing(run):
    """A snippet that brings all that it needs, except for `wandb` and `run`."""
    return {}


def tensors(name):
    """Returns the prelude of this name in `tensors.py`, which needs torch."""

    def prepare(run):
        return getattr(importlib.import_module("tensors"), name)(run)

    return prepare


def artifacts_arrive(names):
    """Waits for the artifacts, so that a refused one is an error. The client only prints it."""
    names["artifact"].wait(timeout=60)
    names["data_artifact"].wait(timeout=60)


@dataclass(frozen=True)
class Snippet:
    """How to run a snippet, and what to expect of it."""

    # The prelude.
    prepare: Callable
    # What the summary has when the run has ended.
    keys: tuple[str, ...] = ()
    # Whether the snippet starts its runs itself, and how many runs there are in the end.
    own_run: bool = False
    runs: int = 1
    needs_torch: bool = False
    # Looks at the names when the snippet has ended and the run has not.
    after: Callable | None = None
    # The errors with which the client refuses the snippet, before it asks any server.
    refused: tuple[str, ...] = ()


TRAININGS = ("train/loss", "train/accuracy", "val/loss", "val/accuracy")
VALIDATIONS = tuple(
    f"{name}/{value}"
    for name in ["val_seen", "val_unseen", "val_ood"]
    for value in ["accuracy", "loss"]
)
PLOTS = ("custom_line_plot", "custom_scatter", "custom_bar_chart", "custom_histogram")

SNIPPETS = {
    # logging-with-weights-and-biases.md
    "Setup": Snippet(nothing, own_run=True),
    "Logging Metrics": Snippet(
        training,
        ("epoch", "learning_rate", *TRAININGS),
    ),
    "Logging Images and Media": Snippet(tensors("network"), ("predictions",), needs_torch=True),
    "Model Watching": Snippet(tensors("network"), needs_torch=True),
    "Hyperparameter Sweeps": Snippet(nothing, own_run=True, runs=2),
    "Artifact Versioning": Snippet(checkpoints, after=artifacts_arrive),
    # manual-pytorch-wandb-logging.md
    "Basic Logging Pattern: Simple training loop structure": Snippet(
        training, ("loss", "epoch", "batch"), own_run=True
    ),
    "Step vs Epoch Tracking: Default behavior: automatic step increment": Snippet(
        nothing, ("loss",)
    ),
    "Step vs Epoch Tracking: Manual step control": Snippet(training, ("loss",)),
    "Step vs Epoch Tracking: Epoch-based logging": Snippet(training, ("epoch_loss", "epoch")),
    "Step vs Epoch Tracking: Best practice: use example count as step": Snippet(
        configured, ("loss", "epoch", "examples_seen")
    ),
    "Learning Rate Schedules: Logging learning rate changes": Snippet(
        tensors("network"), ("learning_rate", "epoch"), needs_torch=True
    ),
    "Learning Rate Schedules: Multiple parameter groups": Snippet(
        training, ("lr_backbone", "lr_classifier", "epoch")
    ),
    "Gradient Clipping: Log gradient norms before and after clipping": Snippet(
        tensors("network_with_loss"),
        ("grad_norm_before_clip", "grad_norm_after_clip", "grad_clipped"),
        needs_torch=True,
    ),
    "wandb.watch() for Model Weights: Track gradients and parameters automatically": Snippet(
        tensors("network"), own_run=True, needs_torch=True
    ),
    "wandb.watch() for Model Weights: log_freq parameter": Snippet(
        tensors("network"), needs_torch=True
    ),
    "Custom Metrics Computation: Per-class accuracy": Snippet(
        tensors("network"), ("val_step", "accuracy_class_0"), needs_torch=True
    ),
    "Custom Metrics Computation: Running averages": Snippet(training, ("epoch", "batch_loss")),
    "Multiple Validation Sets: Logging different validation splits": Snippet(
        training, ("epoch", *VALIDATIONS)
    ),
    "System Metrics (GPU, Memory): Manual logging for custom system metrics": Snippet(
        tensors("step"),
        ("train_loss", "cpu_percent", "memory_used_gb", "memory_percent"),
        needs_torch=True,
    ),
    "Custom Charts and Plots: wandb.plot for built-in visualizations": Snippet(
        plots, tuple(f"{plot}_table" for plot in PLOTS)
    ),
    "Image Logging (wandb.Image): Single images": Snippet(
        tensors("picture"), ("example", "random_image", "tensor_image"), needs_torch=True
    ),
    "Image Logging (wandb.Image): Multiple images": Snippet(images, ("examples",)),
    "Image Logging (wandb.Image): Images with bounding boxes (object detection)": Snippet(
        image,
        ("predictions",),
        refused=('ValueError: Images "boxes" argument must be a dictionary',),
    ),
    "Image Logging (wandb.Image): Segmentation masks": Snippet(image, ("segmentation",)),
    "Tables for Structured Data: Basic tables": Snippet(nothing, ("predictions_table",)),
    "Tables for Structured Data: Tables with images": Snippet(
        predictions, ("validation_results",)
    ),
    "Tables for Structured Data: Incremental table logging": Snippet(
        metrics, ("metrics_table",)
    ),
    "Media Logging (Audio, Video): Audio logging": Snippet(audio, ("audio_sample", "audio_file")),
    "Media Logging (Audio, Video): Video logging": Snippet(
        # The client refuses the array before it looks for the file `example.mp4`.
        nothing,
        ("video", "video_file"),
        refused=(
            "ValueError: wandb.Video requires a `format` argument when initializing with a numpy"
            " array.",
            # Older clients.
            'Error: wandb.Video requires moviepy when passing raw data. Install with "pip install'
            ' wandb[media]"',
        ),
    ),
}
