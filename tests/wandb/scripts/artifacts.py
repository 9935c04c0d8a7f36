"""Logs artifacts, uses them, and reads them back."""

import inspect
import pathlib

import wandb

data = pathlib.Path("data")
(data / "deep").mkdir(parents=True)
(data / "a.txt").write_text("one")
(data / "empty").write_text("")
(data / "deep" / "b.bin").write_bytes(bytes(range(256)) * 1000)


def of_data(**about):
    """Returns an artifact with the files of the folder."""
    artifact = wandb.Artifact("data", type="dataset", **about)
    artifact.add_dir(str(data))
    return artifact


with wandb.init(project="art", id="maker") as run:
    first = of_data(description="three files", metadata={"rows": 3})
    run.log_artifact(first, aliases=["latest", "raw"], tags=["small"]).wait()
    assert (first.version, first.size, first.tags) == ("v0", 256_003, ["small"]), first
    assert run.log_artifact(of_data()).wait().version == "v0", "equal content is no new version"
    (data / "a.txt").write_text("two")
    assert run.log_artifact(of_data()).wait().version == "v1"
    # The data at an address may change without the address.
    for etag, version in [("1", "v0"), ("2", "v1"), ("1", "v0")]:
        far = wandb.Artifact("far", type="dataset")
        far.add_reference("https://example.org/far.csv", name="far.csv", checksum=False)
        far.manifest.entries["far.csv"].digest = etag
        assert run.log_artifact(far).wait().version == version
    table = wandb.Table(columns=["a", "b"], data=[[1, "x"], [2, "y"]])
    run.log({"preds": table})
    if "log_mode" in inspect.signature(wandb.Table).parameters:
        growing = wandb.Table(columns=["step"], log_mode="INCREMENTAL")
        for step in range(3):
            growing.add_data(step)
            run.log({"growing": growing})
    holder = wandb.Artifact("holder", type="result")
    holder.add(table, "preds")
    run.log_artifact(holder).wait()

with wandb.init(project="art", id="user") as run:
    where = pathlib.Path(run.use_artifact("data:raw").download("raw"))
    assert (where / "a.txt").read_text() == "one"
    assert (where / "empty").read_bytes() == b""
    assert (where / "deep" / "b.bin").read_bytes() == bytes(range(256)) * 1000
    assert run.use_artifact("holder:latest").get("preds").data == table.data
    # Besom's SDK has made this one.
    model = run.use_artifact("model:latest")
    assert model.metadata == {"layers": 2}, model.metadata
    where = pathlib.Path(model.download("model"))
    assert (where / "weights.bin").read_bytes() == b"\x01\x02\x03"
    model.verify(where)

api = wandb.Api()
first = api.artifact("art/data:v0")
assert first.logged_by().id == "maker"
assert [run.id for run in first.used_by()] == ["user"]
first.aliases.append("best")
first.tags.append("checked")
first.description = "the best"
first.metadata["checked"] = True
first.save()
best = api.artifact("art/data:best")
assert (best.version, best.description, best.id) == ("v0", "the best", first.id)
assert best.metadata == {"rows": 3, "checked": True}
assert sorted(best.tags) == ["checked", "small"], best.tags
assert [file.name for file in best.files()] == ["a.txt", "deep/b.bin", "empty"]
if hasattr(wandb.Table(), "log_mode"):
    # A table that grows has a file for each time that it was logged.
    growing = api.artifact("art/run-maker-incr-growing:latest")
    assert len(growing.manifest.entries) == 3, growing.manifest.entries
one = pathlib.Path(best.get_entry("a.txt").download(root="one"))
assert one.read_text() == "one"
kinds = [kind.name for kind in api.artifact_types("art")]
assert kinds[:4] == ["dataset", "model", "result", "run_table"], kinds
assert [found.name for found in api.artifact_collections("art", "dataset")] == ["data", "far"]
versions = lambda: [found.version for found in api.artifacts("dataset", "art/data")]
assert versions() == ["v1", "v0"]
assert api.artifact_exists("art/data:v0") and not api.artifact_exists("art/data:v9")
maker = api.run("art/maker")
assert [made.name for made in maker.used_artifacts()] == []
made = [made.name for made in maker.logged_artifacts()]
assert "data:v1" in made and "holder:v0" in made, made
api.artifact("art/data:v1").link("art/shown", aliases=["prod"])
best.link("art/shown")
shown = api.artifact("art/shown:prod")
assert shown.source_version == "v1" and shown.version == "v0", (shown.source_version, shown.version)
assert api.artifact("art/shown:latest").source_version == "v0"
assert [found.name for found in api.artifact_collections("art", "dataset")][-1] == "shown"
shown.aliases = ["live"]
shown.save()
assert api.artifact("art/shown:live").aliases == ["live"] and not api.artifact_exists("art/shown:prod")
assert "live" not in api.artifact("art/data:v1").aliases and not api.artifact_exists("art/data:live")
shown = api.artifact("art/shown:live")
shown.unlink()
assert not api.artifact_exists("art/shown:live") and api.artifact_exists("art/data:v1")
api.artifact("art/data:v1").delete(delete_aliases=True)
assert versions() == ["v0"] and api.artifact("art/data:latest").version == "v0"
