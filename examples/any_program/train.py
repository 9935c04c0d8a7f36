"""Fits a line to noisy points by gradient descent with momentum. No package, no SDK.

Parameters come as arguments (`--learning_rate=0.1 --momentum=0.5 --steps=40`). A printed line that is one JSON object is
a row of the run's history. The agent also stores every printed line as console output.
"""

import argparse
import json
import math
import random


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--learning_rate", type=float, default=0.1)
    parser.add_argument("--momentum", type=float, default=0.0)
    parser.add_argument("--steps", type=int, default=40)
    given = parser.parse_args()

    rng = random.Random(1)
    points = [(x / 50 - 1, 3 * (x / 50 - 1) + 0.5 + rng.gauss(0, 0.02)) for x in range(100)]
    train, validation = points[::2], points[1::2]
    print(f"fitting a line to {len(train)} points", flush=True)

    slope = bias = slope_speed = bias_speed = 0.0
    for step in range(given.steps):
        errors = [(slope * x + bias - y, x) for x, y in train]
        slope_speed = given.momentum * slope_speed - given.learning_rate * mean(2 * e * x for e, x in errors)
        bias_speed = given.momentum * bias_speed - given.learning_rate * mean(2 * e for e, _ in errors)
        slope, bias = slope + slope_speed, bias + bias_speed
        loss = mean((slope * x + bias - y) ** 2 for x, y in validation)
        print(json.dumps({"_step": step, "train/loss": mean(e * e for e, _ in errors), "val/loss": loss}), flush=True)
        if not math.isfinite(loss) or loss > 1e6:
            raise SystemExit(f"diverged at step {step}")


def mean(values) -> float:
    values = list(values)
    return sum(values) / len(values)


if __name__ == "__main__":
    main()
