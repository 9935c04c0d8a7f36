"""Makes an artifact from several runs of a group."""

import pathlib

import wandb


def part(text, finish=False):
    """Adds a file to the artifact from a run of its own."""
    with wandb.init(project="together", group="shards") as run:
        artifact = wandb.Artifact("parts", type="dataset")
        with artifact.new_file(f"{text}.txt") as file:
            file.write(text)
        with artifact.new_file("last.txt") as file:
            file.write(text)
        done = run.finish_artifact if finish else run.upsert_artifact
        done(artifact, aliases=["whole"] if finish else None)
        return run.id


def content(name):
    """Returns the files of a version."""
    where = pathlib.Path(wandb.Api().artifact(f"together/{name}").download(root=f"at/{name}"))
    return {path.name: path.read_text() for path in where.iterdir()}


part("one")
part("two")
assert not wandb.Api().artifact_exists("together/parts:latest")
last = part("three", finish=True)
files = {"one.txt": "one", "two.txt": "two", "three.txt": "three", "last.txt": "three"}
assert content("parts:v0") == files, content("parts:v0")
version = wandb.Api().artifact("together/parts:whole")
assert (version.version, version.logged_by().id) == ("v0", last)

# What was finished is no part of the next version, and equal parts make no version of another kind.
part("one")
part("one", finish=True)
assert content("parts:latest") == {"one.txt": "one", "last.txt": "one"}
with wandb.init(project="together") as run:
    artifact = wandb.Artifact("parts", type="dataset")
    for name in ["three", "last"]:
        with artifact.new_file(f"{name}.txt") as file:
            file.write("three")
    assert run.log_artifact(artifact).wait().version == "v2"
assert content("parts:v2") == {"three.txt": "three", "last.txt": "three"}
