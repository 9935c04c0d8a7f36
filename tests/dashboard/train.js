// The program of the trials in these tests, and the sweeps that run it.

import { chart, until } from './lab.js';

/** Logs 30 rows. While the file `hold` exists, it logs one row more for each file `more`. */
export const TRAIN = `
import json, os, sys, time
lr = float(json.loads(os.environ["BESOM_PARAMS"])["lr"])
def row(step):
    loss = abs(lr - 0.3) + 1 / (1 + step)
    print(json.dumps({"_step": step, "train/loss": loss, "val/loss": loss + 0.1}), flush=True)
print("the first words", flush=True)
print("a line for stderr", file=sys.stderr, flush=True)
for step in range(30):
    row(step)
step = 30
while os.path.exists("hold"):
    if os.path.exists("more"):
        os.remove("more")
        row(step)
        step += 1
    time.sleep(0.005)
`;

/** Starts a trial that goes on, with an agent. Returns the path of its page. */
export async function startTrial(lab) {
  lab.write('train.py', TRAIN);
  lab.write('hold', '');
  const sweep = lab.create(sweepOf({ trials: 1 }));
  lab.agent(sweep, '--slots', '1', '--data', 'node');
  const { team, project } = await lab.api(`/sweeps/${sweep}`);
  const run = await until('the run', async () => {
    const { runs } = await lab.api(`/projects/${team}/${project}/runs`);
    return runs[0]?.rows === 30 && runs[0];
  });
  return `/p/${team}/${project}/r/${run.id}`;
}

/** The last step on the page of this trial; -1 before the curve is there. */
export async function lastStep(page) {
  const curve = page.locator('.chart[aria-label="val/loss"]');
  if ((await curve.count()) === 0) return -1;
  // A chart takes in new points while it can be seen.
  await curve.scrollIntoViewIfNeeded();
  return (await chart(page, 'val/loss'))?.table.rows.at(-1)?.[0] ?? -1;
}

export function sweepOf({ name = 'fit', trials = 8, method = 'random', seed = 1 } = {}) {
  return `
name: ${JSON.stringify(name)}
project: vision
command: [python3, train.py]
method: ${method}
seed: ${seed}
run_cap: ${trials}
metric: {name: val/loss, goal: minimize}
parameters:
  lr: {min: 0.0, max: 1.0}
  optimizer: {values: [adam, sgd]}
`;
}
