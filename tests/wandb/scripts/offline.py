"""Logs a run without a controller."""

import numpy as np
import wandb

with wandb.init(project="away", id="offline", mode="offline", config={"lr": 0.1}) as run:
    run.define_metric("loss", summary="min,mean")
    for step in range(5):
        run.log({"loss": 1 / (step + 1)})
    run.log({"picture": wandb.Image(np.zeros((4, 4, 3), dtype=np.uint8), caption="black")})
    run.log({"guesses": wandb.Table(columns=["guess"], data=[[1], [2]])})
    with open("note.txt", "w") as file:
        file.write("kept")
    run.save("note.txt")
    model = wandb.Artifact("model", "model", metadata={"layers": 2})
    model.add_file("note.txt", "notes/note.txt")
    model.add_reference("https://example.com/data.tar", "data.tar", checksum=False)
    run.log_artifact(model, aliases=["best"])
