"""Reads runs, histories and consoles back by the public API."""

import math
import signal
import threading

import wandb

# A shell starts what it runs in the background with interrupts ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)

with wandb.init(
    project="back", id="one", name="First", config={"lr": 0.1, "deep": {"a": [1, 2]}}, tags=["x"]
) as run:
    for step in range(1000):
        if step % 2 == 0:
            run.log({"loss": 1 / (step + 1), "val": {"acc": step}, "list": [1, 2, None]})
        else:
            run.log({"loss": math.nan})
    print("hello\nworld")
    run.summary["verdict"] = "good"
with wandb.init(project="back", id="two", config={"lr": 0.01}) as run:
    run.log({"loss": 5.0})
try:
    with wandb.init(project="back", id="three", config={"lr": 0.001}, tags=["x", "y"]) as run:
        run.log({"acc": 5.0})
        raise RuntimeError("this run is to fail")
except RuntimeError:
    pass

api = wandb.Api()
ids = lambda **about: [run.id for run in api.runs("back", **about)]
assert [project.name for project in api.projects()] == ["back"]
runs = [(run.id, run.name, run.state) for run in api.runs("back")]
assert runs == [
    ("one", "First", "finished"),
    ("two", "two", "finished"),
    ("three", "three", "failed"),
], runs
assert len(api.runs("back", per_page=2)) == 3 and ids(per_page=2) == ["one", "two", "three"]
assert ids(filters={"state": "finished"}) == ["one", "two"]
assert ids(filters={"config.lr": {"$lt": 0.05}, "tags": {"$ne": "y"}}) == ["two"]
either = {"$or": [{"tags": "y"}, {"display_name": {"$regex": "^Fir"}}]}
assert ids(filters=either) == ["one", "three"]
assert ids(filters={"summary_metrics.loss": {"$exists": True}}) == ["one", "two"]
assert ids(order="+config.lr.value") == ["three", "two", "one"]
assert ids(order="-summary_metrics.acc")[0] == "three"
try:
    found = ids(filters={"nonsense": 1})
except Exception as error:
    # Older clients say nothing but the status.
    assert "no value `nonsense`" in str(error) or "400" in str(error), error
else:
    raise SystemExit(f"a filter with an unknown name finds {found}")

one = api.run("back/one")
assert one.config == {"lr": 0.1, "deep": {"a": [1, 2]}}, one.config
assert one.summary["verdict"] == "good" and one.summary["val.acc"] == 998, one.summary
assert one.lastHistoryStep == 999
rows = one.history(pandas=False)
assert len(rows) == 500 and rows[0]["list"] == [1, 2, None], rows[:2]
rows = one.history(keys=["loss", "val.acc"], samples=10, pandas=False)
assert len(rows) == 10 and set(rows[0]) == {"_step", "loss", "val.acc"}, rows
rows = list(one.scan_history())
assert [row["_step"] for row in rows] == list(range(1000))
assert math.isnan(rows[999]["loss"]) and rows[998]["val.acc"] == 998
rows = list(one.scan_history(keys=["val.acc"], page_size=100, min_step=10, max_step=21))
assert [row["val.acc"] for row in rows] == [10, 12, 14, 16, 18, 20], rows
if hasattr(one, "console_logs"):  # older clients cannot read it
    assert [line.content for line in one.console_logs()] == ["hello", "world"]
    assert [line.content for line in one.console_logs(last=1)] == ["world"]
keys = one.history_keys["keys"]
assert keys["val.acc"]["typeCounts"] == [{"type": "number", "count": 500}], keys
assert isinstance(one.history(stream="system", pandas=False), list)

one.tags.append("edited")
one.notes = "read back"
one.config["added"] = 3
one.summary["more"] = 7
one.update()
again = wandb.Api().run("back/one")
assert (again.tags, again.notes) == (["x", "edited"], "read back")
assert again.config == {"lr": 0.1, "deep": {"a": [1, 2]}, "added": 3}
assert again.summary["more"] == 7 and again.summary["verdict"] == "good"
names = [file.name for file in again.files()]
assert "config.yaml" in names and "output.log" in names, names

# A person stops a run from afar, which older clients cannot.
run = wandb.init(project="back", id="stopped")
run.alert("Low accuracy", "acc is below 0.1", level="WARN")
run.log({"loss": 1})
stopped = wandb.Api().run("back/stopped")
try:
    if hasattr(stopped, "stop"):
        stopped.stop()
        threading.Event().wait(60)
        raise SystemExit("the run was to be interrupted")
except KeyboardInterrupt:
    pass
run.finish()
