"""Gives runs other states by the public API, as an outside scheduler does."""

import sys

import wandb

PROJECT = "states"

if not hasattr(wandb.apis.public.Run, "update_state"):
    print("this client cannot change the state of a run")
    sys.exit(0)


def state(name):
    return wandb.Api().run(f"{PROJECT}/{name}").state


def refused(name, wanted, *words):
    """Asks for a state that Besom refuses, and checks the reason."""
    try:
        wandb.Api().run(f"{PROJECT}/{name}").update_state(wanted)
    except Exception as error:
        assert all(word in str(error) for word in words), error
    else:
        raise SystemExit(f"{name} became {wanted}")


run = wandb.init(project=PROJECT, id="again", config={"lr": 0.1})
run.log({"loss": 2})
refused("again", "failed", "is running", "its program says so")
run.finish(exit_code=1)
assert state("again") == "failed"
refused("again", "finished", "pending or failed")

assert wandb.Api().run(f"{PROJECT}/again").update_state("pending")
assert state("again") == "pending"
with wandb.init(project=PROJECT, id="again", resume="must") as run:
    assert run.resumed and state("again") == "running"
    run.log({"loss": 1})
assert state("again") == "finished"
again = wandb.Api().run(f"{PROJECT}/again")
assert [row["loss"] for row in again.scan_history(keys=["loss"])] == [2, 1]
refused("again", "pending", "is finished")

run = wandb.init(project=PROJECT, id="lost")
run.finish(exit_code=1)
lost = wandb.Api().run(f"{PROJECT}/lost")
assert lost.update_state("pending") and lost.update_state("failed")
assert state("lost") == "failed"
