"""Logs what a usual training script logs."""

import sys

import wandb

run = wandb.init(
    project="digits",
    id="first",
    name="my first run",
    config={"lr": 0.1, "model": {"layers": 2}},
    tags=["baseline"],
    notes="a try",
    group="tries",
    job_type="train",
)
run.define_metric("epoch")
run.define_metric("loss", step_metric="epoch", summary="min")
print("training begins")
print("a warning", file=sys.stderr)
for epoch in range(100):
    loss = 1.0 / (epoch + 1) if epoch < 90 else 0.5
    run.log({"epoch": epoch, "loss": loss, "val": {"acc": epoch / 100}})
run.log({"odd": float("nan"), "odder": float("inf")})
run.summary["verdict"] = "good"
run.config.update({"seed": 7})
with open("weights.txt", "w") as file:
    file.write("1 2 3")
run.save("weights.txt", policy="end")
run.finish()
