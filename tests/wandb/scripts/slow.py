"""Logs a row each 10 ms, until it has logged `sys.argv[2]` rows."""

import sys
import time

import wandb

name, rows = sys.argv[1], int(sys.argv[2])
with wandb.init(project="digits", id=name) as run:
    for row in range(rows):
        run.log({"value": row})
        print("row", row)
        time.sleep(0.01)
