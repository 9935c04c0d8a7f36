"""What the tasks of `tasks.py` are made of: axes with the levels that are evaluated, data that
packages carry, measures of a trained model, and the evaluation of a whole grid.
"""

import itertools
import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
from sklearn import datasets, metrics
from sklearn.preprocessing import StandardScaler

SEEDS = 3
# The loss that a training reports after it has diverged.
DIVERGED = 1e12


def log(low, high, count, whole=False):
    """A range on a logarithmic axis, of which `count` levels are evaluated."""
    levels = np.geomspace(low, high, count)
    return axis("log", levels, whole)


def linear(low, high, count, whole=False):
    return axis("linear", np.linspace(low, high, count), whole)


def axis(scale, levels, whole):
    levels = (
        sorted({int(round(v)) for v in levels}) if whole else [float(f"{v:.4g}") for v in levels]
    )
    return {"kind": "int" if whole else "real", "scale": scale, "levels": levels}


def each(*levels):
    """A list of values, as people write them."""
    return {"kind": "list", "levels": list(levels)}


def data(name):
    if name in ("digits", "cancer", "wine", "diabetes", "iris"):
        load = {"cancer": "breast_cancer"}.get(name, name)
        return getattr(datasets, "load_" + load)(return_X_y=True)
    if name == "friedman":
        return datasets.make_friedman1(600, 10, noise=1.0, random_state=1)
    if name == "hastie":
        x, y = datasets.make_hastie_10_2(900, random_state=1)
        return x, (y > 0).astype(int)
    if name == "moons":
        return datasets.make_moons(400, noise=0.3, random_state=1)
    import statsmodels.api as sm

    frame = getattr(sm.datasets, name).load_pandas()
    x, y = frame.exog.to_numpy(float), frame.endog.to_numpy(float)
    if y.ndim > 1:
        y = y[:, 0] / y.sum(1)
    return x, y


_cache = {}


def split(name, seed, train=None, held=400):
    key = (name, seed, train)
    if key not in _cache:
        x, y = data(name)
        order = np.random.default_rng(seed).permutation(len(y))
        held = min(held, len(y) // 3)
        train = min(train or len(y) - held, len(y) - held)
        a, b = order[:train], order[train : train + held]
        scaler = StandardScaler().fit(x[a])
        _cache[key] = scaler.transform(x[a]), y[a], scaler.transform(x[b]), y[b]
    return _cache[key]


def error(model, parts):
    x, y, xv, yv = parts
    return 1.0 - model.fit(x, y).score(xv, yv)


def rmse(model, parts):
    x, y, xv, yv = parts
    scale = y.std()
    got = model.fit(x, (y - y.mean()) / scale).predict(xv)
    return float(np.sqrt(np.mean((got - (yv - y.mean()) / scale) ** 2)))


def logloss(model, parts):
    x, y, xv, yv = parts
    return float(metrics.log_loss(yv, model.fit(x, y).predict_proba(xv), labels=np.unique(y)))


def boosted(name, seed, grow, rounds, learning_rate, max_depth, subsample, leaf, trainings={}):
    key = (name, seed, learning_rate, max_depth, subsample, leaf)
    if key not in trainings:
        trainings.clear()
        x, y, xv, yv = split(name, seed, 500)
        model = grow(
            n_estimators=200,
            learning_rate=learning_rate,
            max_depth=max_depth,
            subsample=subsample,
            min_samples_leaf=leaf,
            random_state=seed,
        ).fit(x, (y - y.mean()) / y.std())
        want = (yv - y.mean()) / y.std()
        trainings[key] = [
            float(np.sqrt(np.mean((got - want) ** 2))) for got in model.staged_predict(xv)
        ]
    return trainings[key][rounds - 1]


TASKS = {}


def task(**axes):
    def keep(f):
        TASKS[f.__name__.replace("_", "-")] = (axes, f)
        return f

    return keep


def evaluate(name):
    axes, f = TASKS[name]
    rows = []
    for seed in range(SEEDS):
        row = []
        for cell in itertools.product(*(axis["levels"] for axis in axes.values())):
            try:
                value = f(*cell, seed=seed)
            except ValueError:
                # The weights are no longer finite: the training has diverged.
                value = DIVERGED
            row.append(row[-1] if value is None else float(f"{value:.5g}"))
        rows.append(row)
    return {"name": name, "axes": [{"name": n, **axis} for n, axis in axes.items()], "values": rows}
