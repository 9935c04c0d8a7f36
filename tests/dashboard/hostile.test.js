// Text from data stays text: hostile names, metrics and log lines run nothing and break no page.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Browser, chart, Lab, until } from './lab.js';
import { sweepOf } from './train.js';

const EVIL = '<img src=x onerror="window.evil=1"><script>window.evil=1</script>';

const TRAIN = `
import json, os
lr = float(json.loads(os.environ["BESOM_PARAMS"])["lr"])
evil = ${JSON.stringify(EVIL)}
print(evil, flush=True)
print("\\x1b]8;;javascript:window.evil=1\\x07link\\x1b]8;;\\x07 \\u202egnp.exe", flush=True)
for step in range(5):
    print(json.dumps({"_step": step, "val/loss": lr, evil: step}), flush=True)
`;

let lab;
let browser;

before(async () => {
  lab = await Lab.start();
  lab.write('train.py', TRAIN);
  browser = await Browser.start();
});

after(async () => {
  await browser?.stop();
  await lab?.stop();
});

test('no page runs or loads what the data says', async () => {
  const sweep = lab.create(sweepOf({ name: EVIL, trials: 4 }));
  lab.agent(sweep, '--slots', '2', '--data', 'node');
  const done = async () => (await lab.api(`/sweeps/${sweep}`)).state === 'finished';
  await until('the sweep ends', done);
  const { team, project, best_run: run } = await lab.api(`/sweeps/${sweep}`);
  const base = `/p/${team}/${project}`;
  const page = await browser.open(lab.address);
  const visit = async (path, text) => {
    await page.goto(lab.address + path);
    await page.getByText(text).filter({ visible: true }).first().waitFor();
  };
  await visit('/', 'vision');
  await visit(`${base}/sweeps`, '<img src=x');
  await visit(`${base}/s/${sweep}`, '<img src=x');
  await visit(`${base}/s/${sweep}?tab=trials`, 'finished');
  await visit(`${base}/r/${run}`, '<img src=x');
  await until('the curve', () => chart(page, 'val/loss'));
  await visit(`${base}/r/${run}?tab=logs`, '<script>window.evil=1</script>');
  await visit(`${base}/r/${run}?tab=config`, 'optimizer');
  await visit(`${base}?tab=table`, 'finished');
  await visit('/fleet', 'Fleet');
  assert.equal(await page.evaluate(() => window.evil), undefined);
  assert.deepEqual(page.problems, []);
});

test('the policy refuses what a page would do wrong', async () => {
  const page = await browser.open(lab.address);
  await page.getByText('vision').first().waitFor();
  // A timer leaves the debugger, whose own code passes the policy.
  await page.evaluate(() => {
    setTimeout(() => {
      document.body.setAttribute('style', 'color: red');
      try {
        document.body.innerHTML = '<b>x</b>';
      } catch {
        window.refused = true;
      }
    }, 0);
  });
  await until('the refusal', () => page.evaluate(() => window.refused));
  await until('two violations', () => page.problems.length >= 2);
});

test('a login leads to no other host', async () => {
  const page = await browser.open(`${lab.address}/login?next=//example.org/`);
  await page.getByRole('heading', { name: 'Log in to Besom' }).waitFor();
  assert.deepEqual(page.problems, []);
});
