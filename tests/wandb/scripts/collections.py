"""Renames, describes, tags, retypes and removes collections of artifacts."""

import wandb

PROJECT = "shelf"


def log(name, text, kind="data"):
    """Logs a version with one file."""
    with wandb.init(project=PROJECT) as run:
        artifact = wandb.Artifact(name, type=kind)
        with artifact.new_file("a.txt") as file:
            file.write(text)
        return run.log_artifact(artifact, aliases=[text]).wait()


def version(name):
    """Returns the version that a name means, with the name of its artifact now."""
    return wandb.Api().artifact(f"{PROJECT}/{name}").source_name


def refused(work, words):
    """Calls what Besom refuses, and checks the reason."""
    try:
        work()
    except Exception as error:
        assert words in str(error), error
    else:
        raise SystemExit(f"not refused: {words}")


def collection(name, kind="data"):
    return wandb.Api().artifact_collection(kind, f"{PROJECT}/{name}")


first = log("raw", "one")
log("raw", "two")
log("other", "one")
wandb.Api().artifact(f"{PROJECT}/raw:v0").link(f"{PROJECT}/best", aliases=["prod"])

# Everything at once, as the client's method does it: the new name comes first.
edited = collection("raw")
edited.name, edited.type = "clean", "table"
edited.description, edited.tags = "all rows", ["small", "checked"]
edited.save()
edited = collection("clean", "table")
assert (edited.name, edited.type, edited.description) == ("clean", "table", "all rows")
assert sorted(edited.tags) == ["checked", "small"], edited.tags
edited.tags = ["small"]
try:
    edited.description = ""
except ValueError:
    # A client before 0.25 takes no empty description.
    edited.description = "few rows"
wanted = edited.description
edited.save()
again = collection("clean", "table")
assert (again.tags, again.description) == (["small"], wanted), (again.tags, again.description)
assert [found.version for found in again.artifacts()] == ["v1", "v0"]

# With its number, a version is found by its old name too, and new versions get new numbers.
assert version("clean:v0") == "clean:v0" and version("clean:two") == "clean:v1"
assert version("raw:v0") == "clean:v0" and version("raw:v1") == "clean:v1"
assert not wandb.Api().artifact_exists(f"{PROJECT}/raw:latest")
assert version("best:prod") == "clean:v0"
assert wandb.Api().artifact(f"{PROJECT}/clean:v0").logged_by() is not None
assert log("raw", "three").version == "v2"
assert version("raw:latest") == "raw:v2" and version("raw:v1") == "clean:v1"
assert log("clean", "four", "table").version == "v2"
assert version("clean:v2") == "clean:v2" and version("raw:v2") == "raw:v2"


def rename(old, new, kind="data"):
    edited = collection(old, kind)
    edited.name = new
    edited.save()


refused(lambda: rename("other", "clean"), "is the name of another artifact")
refused(lambda: rename("other", "best"), "is the name of another artifact")
refused(lambda: rename("clean", "raw", "table"), "is the name of another artifact")
rename("other", "another")
rename("another", "other")
assert version("other:v0") == "other:v0" and version("another:v0") == "other:v0"
rename("other", "another")
refused(lambda: rename("raw", "other"), "is the name of another artifact")

# A portfolio has no type of its own.
shown = collection("best", "table")
shown.name, shown.description, shown.tags = "winners", "of all runs", ["fine"]
shown.save()
shown = wandb.Api().artifact(f"{PROJECT}/winners:prod").collection
assert (shown.name, shown.description, shown.tags) == ("winners", "of all runs", ["fine"])
assert version("best:v0") == "clean:v0" and version("winners:v0") == "clean:v0"

shown.delete()
assert not wandb.Api().artifact_exists(f"{PROJECT}/winners:prod")
assert version("clean:v0") == "clean:v0"
collection("clean", "table").delete()
for name in ["clean:latest", "clean:v0", "raw:v0"]:
    assert not wandb.Api().artifact_exists(f"{PROJECT}/{name}"), name
assert version("raw:latest") == "raw:v2"
assert log("clean", "five", "table").version == "v3"
assert collection("clean", "table").tags == []
