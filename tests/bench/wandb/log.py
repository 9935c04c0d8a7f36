"""Logs rows of scalars. Prints the processor time that this took, in seconds."""

import os
import sys

import wandb

rows, scalars = int(sys.argv[1]), int(sys.argv[2])
run = wandb.init(project="bench", id="recorded")
names = [f"scalar-{number}" for number in range(scalars)]
before = os.times()
for row in range(rows):
    run.log({name: row + number / 7 for number, name in enumerate(names)})
run.finish()
wandb.teardown()
after = os.times()
# The child is the process that sends the rows.
print(sum(after[:4]) - sum(before[:4]))
