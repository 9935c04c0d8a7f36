// Text from data stays text: hostile names, metrics and log lines run nothing and break no page.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Browser, chart, Lab, until } from './lab.js';
import { Logger, TEAM } from './logger.js';
import { sweepOf } from './train.js';

const EVIL = '<img src=x onerror="window.evil=1"><script>window.evil=1</script>';

const MARKDOWN = '[a link](javascript:window.evil=1) ![an image](javascript:window.evil=1)';

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

async function send(path, body) {
  const answer = await fetch(`${lab.address}/api/v1${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  assert.ok(answer.ok, await answer.clone().text());
  return answer.json();
}

test('no page runs or loads what the data says', async () => {
  const sweep = lab.create(sweepOf({ name: EVIL, trials: 4 }));
  lab.agent(sweep, '--slots', '2', '--data', 'node');
  const { team, project, best_run: run } = await lab.over(sweep);
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

test('no page runs what people and programs call things', async () => {
  const logger = new Logger(lab, 'evil');
  const said = { title: EVIL, tags: [EVIL], group: EVIL, notes: `# ${EVIL}\n\n${MARKDOWN}` };
  await logger.run('bad', { ...said, config: { [EVIL]: EVIL }, goals: { [EVIL]: 'min' } });
  const table = { columns: [EVIL], data: [[EVIL], ['javascript:window.evil=1']] };
  const files = {
    'page.html': `<script>window.evil=1</script>${EVIL}`,
    'image.svg': `<svg xmlns="http://www.w3.org/2000/svg" onload="window.evil=1">${EVIL}</svg>`,
    'media/table/t.table.json': JSON.stringify(table),
  };
  for (const [path, content] of Object.entries(files)) await logger.file('bad', path, content);
  const logged = { _type: 'table-file', path: 'media/table/t.table.json', nrows: 2, ncols: 1 };
  await logger.rows('bad', [{ [EVIL]: 1, table: logged, text: EVIL }]);
  await logger.artifact('bad', 'net', 'model', files, { description: EVIL });
  await logger.finish('bad');
  const view = { page: 'project', name: EVIL, query: '' };
  const blocks = [{ kind: 'text', id: 'text', text: `${EVIL}\n\n${MARKDOWN}` }];
  await send(`/projects/${TEAM}/evil/views`, view);
  const report = await send(`/projects/${TEAM}/evil/reports`, {
    title: EVIL,
    blocks,
    version: 0,
  });
  const base = `/p/${TEAM}/evil`;
  const page = await browser.open(lab.address);
  for (const path of [
    base,
    `${base}?tab=table`,
    `${base}?group=tags`,
    `${base}/r/bad`,
    `${base}/r/bad?tab=media`,
    `${base}/r/bad?tab=config`,
    `${base}/r/bad?tab=files`,
    `${base}/r/bad?tab=artifacts`,
    `${base}/compare?runs=bad`,
    `${base}/artifacts`,
    `${base}/artifacts/net/v0`,
    `${base}/artifacts/net/v0?tab=files`,
    `${base}/artifacts/net/v0?tab=lineage`,
    `${base}/reports`,
    `${base}/reports/${report.id}`,
  ]) {
    await page.goto(lab.address + path);
    await page.getByRole('heading', { level: 1 }).first().waitFor({ state: 'attached' });
    await page.waitForFunction(() => !document.querySelector('[aria-busy="true"]'));
    assert.equal(await page.evaluate(() => window.evil), undefined, path);
    assert.equal(await page.locator('a[href^="javascript:" i]').count(), 0, path);
    assert.deepEqual(page.problems, [], path);
  }
  // As a page of its own, a file of a run may run nothing either.
  for (const file of ['page.html', 'image.svg']) {
    const answer = await fetch(`${lab.address}/api/v1/runs/bad/files/${file}`);
    assert.match(answer.headers.get('content-security-policy'), /sandbox/);
    assert.doesNotMatch(answer.headers.get('content-security-policy'), /allow-scripts/);
  }
});
