"""Renames a sweep, gives it prior runs, and joins it without an agent."""

import sys

import wandb

try:
    from wandb.apis.public.sweeps import Sweep, _upsert_sweep
except ImportError:
    print("this client cannot rename a sweep")
    sys.exit(0)

PROJECT = "edits"
CONFIG = {
    "name": "first",
    "method": "bayes",
    "metric": {"name": "loss", "goal": "minimize"},
    "parameters": {"x": {"min": 0.0, "max": 1.0}},
}

for name, x in [("near", 0.3), ("far", 0.9)]:
    with wandb.init(project=PROJECT, id=name, config={"x": x}) as run:
        run.log({"loss": (x - 0.25) ** 2})
sweep_id = wandb.sweep(CONFIG, project=PROJECT, prior_runs=["near", "far"])
print("sweep", sweep_id)
path = f"home/{PROJECT}/{sweep_id}"

# A new name, which needs the sweep's own configuration.
api = wandb.Api()
sweep = api.sweep(path)
assert (sweep.name, sweep.expected_run_count) == ("first", None), sweep.name
edit = dict(obj_id=sweep._attrs["id"], entity="home", project=PROJECT)
_upsert_sweep(api, CONFIG, display_name="second", **edit)
assert wandb.Api().sweep(path).name == "second"
other = CONFIG | {"method": "random"}
try:
    _upsert_sweep(api, other, display_name="third", **edit)
except Exception as error:
    assert "does not change any more" in str(error), error
else:
    raise SystemExit("the configuration of a sweep has changed")
assert wandb.Api().sweep(path).name == "second"

query = """query Sweep($project: String!, $entity: String, $name: String!) {
    project(name: $project, entityName: $entity) { sweep(sweepName: $name) {
        id name displayName config state method runCount runCountExpected
        priorRuns { edges { node { name } } } } } }"""
found = Sweep.get(api, "home", PROJECT, sweep_id, query=query)
prior = [edge["node"]["name"] for edge in found._attrs["priorRuns"]["edges"]]
assert sorted(prior) == ["far", "near"], prior
try:
    wandb.sweep(CONFIG, project=PROJECT, prior_runs=["nobody"])
except Exception as error:
    assert "no run `nobody`" in str(error), error
else:
    raise SystemExit("a sweep has a prior run that does not exist")

# A run that joins the sweep by itself is one of its runs, and no trial of it.
settings = wandb.Settings(sweep_id=sweep_id)
with wandb.init(project=PROJECT, id="joined", settings=settings) as run:
    run.log({"loss": 7.0})
joined = wandb.Api().run(f"{PROJECT}/joined")
assert joined.sweep.id == sweep_id and joined.summary["loss"] == 7.0
found = wandb.Api().runs(PROJECT, filters={"sweep": sweep_id})
assert [run.id for run in found] == ["joined"], [run.id for run in found]
with wandb.init(project=PROJECT, id="astray", settings=wandb.Settings(sweep_id="elsewher")):
    pass
assert wandb.Api().run(f"{PROJECT}/astray").sweep is None
