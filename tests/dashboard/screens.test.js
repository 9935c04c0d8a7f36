// Every page, light and dark and on a phone: it is accessible and breaks no policy, and a picture
// of it lies in `target/screens`, for people to look at.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';

import { Logger } from './logger.js';
import { accessibilityProblems, Browser, Lab } from './lab.js';
import { TRAIN } from './train.js';
import { logWithClient } from './wandb.js';

const SCREENS = resolve(import.meta.dirname, '../../target/screens');
const TRIALS = 24;
const SWEEP = `
name: resnet
project: vision
command: [python3, train.py]
method: bayes
seed: 1
run_cap: ${TRIALS}
metric: {name: val/loss, goal: minimize}
early_terminate: {type: hyperband, min_iter: 3, eta: 3}
parameters:
  lr: {distribution: log_uniform_values, min: 0.001, max: 1.0}
  dropout: {min: 0.0, max: 0.6}
  optimizer: {values: [adam, sgd, lion]}
`;
const TEXT = '## What we learned\n\nThe **learning rate** matters most. See `train.py`.\n';
const LOOKS = {
  light: { colorScheme: 'light' },
  dark: { colorScheme: 'dark' },
  phone: { colorScheme: 'light', viewport: { width: 390, height: 844 } },
};

let lab;
let browser;
/** The path of each page by the name of its picture. */
const paths = new Map();

async function report(place, sweep, runs) {
  const panel = (id, title, shown) => ({ kind: 'panel', id, title, frozen: null, panel: shown });
  const blocks = [
    { kind: 'text', id: 'text', text: TEXT },
    panel('bars', 'What matters', { shows: 'importance', sweep }),
    panel('table', 'The first runs', { shows: 'table', runs, filters: [], columns: ['value'] }),
  ];
  const answer = await fetch(`${lab.address}/api/v1${place}/reports`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ title: 'Learning rates', blocks, version: 0 }),
  });
  assert.ok(answer.ok, await answer.clone().text());
  return (await answer.json()).id;
}

function name(base, sweep, best, client, ids, made) {
  const tabs = (page, path, names) => {
    for (const tab of names) paths.set(`${page}-${tab}`, `${path}?tab=${tab}`);
  };
  paths.set('home', '/').set('fleet', '/fleet').set('login', '/login');
  tabs('project', base, ['charts', 'table']);
  paths.set('project-groups', `${base}?group=config.optimizer`);
  paths.set('sweeps', `${base}/sweeps`).set('sweep-new', `${base}/sweeps/new`);
  const sweepTabs = ['overview', 'explore', 'model', 'rungs', 'trials', 'timeline', 'config'];
  tabs('sweep', `${base}/s/${sweep}`, sweepTabs);
  tabs('run', `${base}/r/${best}`, ['charts', 'system', 'logs', 'config', 'files', 'about']);
  tabs('client', `${base}/r/${client}`, ['charts', 'media', 'histograms', 'artifacts', 'about']);
  paths.set('compare', `${base}/compare?runs=${ids.join(',')}`);
  paths.set('reports', `${base}/reports`).set('report', `${base}/reports/${made}`);
  paths.set('artifacts', `${base}/artifacts`).set('artifact', `${base}/artifacts/digits`);
  tabs('version', `${base}/artifacts/digits/v0`, ['overview', 'files', 'lineage']);
  paths.set('bin', `${base}/bin`);
  tabs('settings', '/settings', ['account', 'look', 'keys', 'people', 'storage', 'about']);
}

before(async () => {
  mkdirSync(SCREENS, { recursive: true });
  lab = await Lab.start();
  lab.write('train.py', TRAIN);
  const sweep = lab.create(SWEEP);
  lab.agent(sweep, '--slots', '2', '--data', 'node');
  const client = logWithClient(lab);
  const logger = new Logger(lab, 'vision');
  const load = await logger.run('load');
  const digits = await logger.artifact(load, 'digits', 'dataset', { 'a.csv': 'x,y\n1,2\n' });
  await logger.finish(load);
  await logger.use(await logger.run('use'), digits);
  await logger.finish('use');
  const { best_run: best, team } = await lab.over(sweep);
  const place = `/projects/${team}/vision`;
  const { runs } = await lab.api(`${place}/runs?sweep=${sweep}&limit=4`);
  const ids = runs.map(({ id }) => id);
  name(`/p/${team}/vision`, sweep, best, client, ids, await report(place, sweep, ids));
  browser = await Browser.start();
});

after(async () => {
  await browser?.stop();
  await lab?.stop();
});

for (const [look, options] of Object.entries(LOOKS)) {
  test(`each page is accessible, ${look}`, async () => {
    const page = await browser.open('about:blank', options);
    const wrong = [];
    for (const [screen, path] of paths) {
      await page.goto(lab.address + path);
      await page.getByRole('heading', { level: 1 }).first().waitFor({ state: 'attached' });
      await page.waitForFunction(() => !document.querySelector('[aria-busy="true"]'));
      await page.screenshot({ path: join(SCREENS, `${screen}-${look}.png`) });
      const problems = [...(await accessibilityProblems(page)), ...page.problems.splice(0)];
      const alerts = await page.getByRole('alert').allInnerTexts();
      wrong.push(...[...problems, ...alerts].map((problem) => `${screen}: ${problem}`));
    }
    assert.deepEqual(wrong, []);
  });
}
