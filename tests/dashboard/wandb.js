// A script of the real client of W&B that logs what a run page shows.

import { spawnSync } from 'node:child_process';

/** Logs tables, charts, images with boxes and masks, histograms, and 3,000 lines. */
const SCRIPT = `
import sys
import numpy as np
import wandb

run = wandb.init(project="vision", id="shown", config={
    "lr": 0.1, "epochs": 4, "net": {"depth": 3, "width": [8, 8]}, "words": "long " * 100})
rng = np.random.default_rng(1)

def image(step):
    pixels = (rng.random((24, 32, 3)) * 200).astype(np.uint8)
    pixels[:, : 8 * (step + 1)] = 255
    mask = np.zeros((24, 32), dtype=np.uint8)
    mask[4:12, 4:16] = 1
    labels = {0: "ground", 1: "road"}
    box = {"position": {"minX": 0.1, "minY": 0.2, "maxX": 0.6, "maxY": 0.8}, "class_id": 1,
           "box_caption": "a car", "scores": {"sure": 0.3 * (step + 1)}}
    return wandb.Image(pixels, caption=f"step {step}",
        masks={"truth": {"mask_data": mask, "class_labels": labels}},
        boxes={"found": {"box_data": [box], "class_labels": {1: "car"}}})

for step in range(3):
    run.log({"epoch": step + 1, "loss": 1 / (step + 1), "street": image(step),
             "gradients/wide": wandb.Histogram(rng.normal(0, 3, 500)),
             "gradients/narrow": wandb.Histogram(rng.normal(0, 0.1, 500))})

rows = [[n, float((n * 37) % 250), f"word {n % 5}"] for n in range(250)]
table = wandb.Table(columns=["n", "score", "word"], data=rows)
xy = wandb.Table(columns=["x", "y"], data=[[x, x * x] for x in range(20)])
named = wandb.Table(columns=["label", "value"], data=[["a", 3], ["b", 5]])
numbers = wandb.Table(columns=["value"], data=[[float(v)] for v in rng.normal(0, 1, 200)])
curve = wandb.Table(columns=["class", "fpr", "tpr"],
    data=[[c, x / 10, min(1, x / 10 * k)] for c, k in [("cat", 2), ("dog", 4)] for x in range(11)])
area = "wandb/area-under-curve/v0"
fields = {"x": "fpr", "y": "tpr", "class": "class"}
names = {"x-axis-title": "False positive rate", "y-axis-title": "True positive rate"}
run.log({
    "predictions": table,
    "a line": wandb.plot.line(xy, "x", "y", title="A line"),
    "points": wandb.plot.scatter(xy, "x", "y", title="Points"),
    "bars": wandb.plot.bar(named, "label", "value", title="Bars"),
    "counts": wandb.plot.histogram(numbers, "value", title="Counts"),
    "lines": wandb.plot.line_series(xs=[0, 1, 2], ys=[[1, 2, 3], [3, 2, 1]], keys=["up", "down"],
                                    title="Lines", xname="day"),
    "matrix": wandb.plot.confusion_matrix(y_true=[0, 1, 1, 0], preds=[0, 1, 0, 0],
                                          class_names=["cat", "dog"], title="Confusion"),
    "roc": wandb.plot_table(area, curve, fields, {"title": "ROC", **names}),
    "pr": wandb.plot_table(area, curve, fields, {"title": "PR"}),
    "own": wandb.plot_table("me/own", xy, {"x": "x"}, {"title": "My own"}),
})
for line in range(3000):
    print(f"line {line}")
print("\\x1b[31ma red end\\x1b[0m")
print("a word for stderr", file=sys.stderr)
run.finish()
`;

/** Logs what most pages of runs show; returns the id of the run. */
export function logWithClient(lab) {
  runWithClient(lab, SCRIPT);
  return 'shown';
}

/** Runs a script of the client of W&B. */
export function runWithClient(lab, script) {
  const packages = process.env.BESOM_WANDB;
  if (!packages) throw new Error('`cargo xtask test` sets BESOM_WANDB to the client of W&B');
  lab.write('logs.py', script);
  const env = Object.entries(process.env).filter(([name]) => !name.startsWith('WANDB_'));
  const done = spawnSync('python3', ['logs.py'], {
    cwd: lab.folder,
    env: {
      ...Object.fromEntries(env),
      PYTHONPATH: packages,
      HOME: lab.folder,
      WANDB_BASE_URL: lab.address,
      WANDB_API_KEY: '0123456789'.repeat(4),
      WANDB_ERROR_REPORTING: 'false',
    },
    encoding: 'utf8',
    timeout: 240_000,
  });
  if (done.status !== 0) throw new Error(`the client of W&B failed: ${done.stderr}`);
}
