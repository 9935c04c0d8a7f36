"""Logs the values from `sys.argv[2]` up to `sys.argv[3]` to the run `sys.argv[1]`, one per row. The
fourth argument is `resume`."""

import sys

import wandb

name, first, end = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
resume = sys.argv[4] if len(sys.argv) > 4 else None
with wandb.init(project="digits", id=name, resume=resume, config={"first": first}) as run:
    for value in range(first, end):
        run.log({"value": value, "first": first})
    print("logged from", first)
