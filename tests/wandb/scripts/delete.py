"""Deletes runs and files by the public API."""

import pathlib

import wandb


def refused(call):
    try:
        call()
    except Exception as error:
        return str(error)
    raise AssertionError("the call was not refused")


pathlib.Path("notes.txt").write_text("notes")
pathlib.Path("a:b.txt").write_text("colon")
api = wandb.Api()

with wandb.init(project="bin", id="one", name="First") as run:
    run.log({"loss": 1.0})
    data = wandb.Artifact("data", "dataset")
    data.add_file("notes.txt")
    run.log_artifact(data)
    live = api.run("bin/one")
    said = refused(live.delete)
    assert "only a run that is over can be deleted" in said, said
with wandb.init(project="bin", id="two") as run:
    run.use_artifact("data:latest")
    run.save("notes.txt")
    run.save("a:b.txt")
with wandb.init(project="bin", id="three") as run:
    model = wandb.Artifact("model", "model")
    model.add_file("notes.txt")
    run.log_artifact(model)

# A file goes for good, and only this file.
two = api.run("bin/two")
names = lambda: sorted(file.name for file in api.run("bin/two").files())
before = names()
assert "notes.txt" in before and "a:b.txt" in before, before
two.file("notes.txt").delete()
two.file("a:b.txt").delete()
assert names() == [name for name in before if name not in ("notes.txt", "a:b.txt")], names()

# A deleted run is gone; its artifact stays.
api.run("bin/one").delete()
api = wandb.Api()
assert [run.id for run in api.runs("bin")] == ["two", "three"]
said = refused(lambda: api.run("bin/one").state)
assert "one" in said, said
data = api.artifact("bin/data:latest")
assert data.logged_by() is None, data.logged_by()
assert [run.id for run in data.used_by()] == ["two"]

# Its artifacts go with a run if the caller asks for that.
api.run("bin/three").delete(delete_artifacts=True)
assert not wandb.Api().artifact_exists("bin/model:latest")
assert wandb.Api().artifact_exists("bin/data:latest")

# A new run may have the name of a deleted one.
with wandb.init(project="bin", id="one", resume="allow") as run:
    assert not run.resumed
    run.log({"loss": 2.0})
again = wandb.Api().run("bin/one")
assert again.summary["loss"] == 2.0 and again.name == "one", again.summary
