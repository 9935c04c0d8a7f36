"""Lists the runs of a project. Prints how long this took, in seconds."""

import sys
import time

import wandb

api = wandb.Api()
begun = time.perf_counter()
runs = list(api.runs(sys.argv[1], per_page=1000))
took = time.perf_counter() - begun
assert len({run.id for run in runs}) == len(runs) >= 1000, len(runs)
print(took)
