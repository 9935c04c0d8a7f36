"""Asks for forks and rewinds of runs, which Besom refuses."""

import wandb

with wandb.init(project="forks", id="base") as run:
    for step in range(5):
        run.log({"loss": step})
for asked, words in [
    ({"id": "fork", "fork_from": "base?_step=2"}, "no run begins with the past of another one"),
    ({"resume_from": "base?_step=2"}, "no run goes back to an earlier step"),
]:
    try:
        wandb.init(project="forks", **asked)
    except Exception as error:
        assert words in str(error), error
    else:
        raise SystemExit(f"{asked} was accepted")
assert [run.id for run in wandb.Api().runs("forks")] == ["base"]
rows = list(wandb.Api().run("forks/base").scan_history())
assert [row["loss"] for row in rows] == list(range(5)), rows
