// Links that open one run, one sweep or one report: the page is there, and nothing else is.

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';

import { accessibilityProblems, Browser, Lab, logIn, until } from './lab.js';
import { sweepOf, TRAIN } from './train.js';

const PASSWORD = 'correct horse';

let lab;
let browser;
let base;
let sweep;
let runs;
let report;
/** A page of the person who shares. */
let sharer;
/** The pages of the current test. No page may break the policy. */
let pages = [];

before(async () => {
  lab = await Lab.start((lab) => {
    lab.offline(['user', 'add', 'ann', '--team', 'lab', '--admin']);
    lab.offline(['user', 'password', 'ann', '--stdin'], `${PASSWORD}\n`);
    lab.key = lab.offline(['key', 'add', 'ann']);
  });
  lab.write('train.py', TRAIN);
  sweep = lab.create(sweepOf({ trials: 2 }));
  lab.agent(sweep, '--data', 'node', '--count', '2');
  await until('two trials end', async () => {
    const found = await lab.api(`/sweeps/${sweep}`);
    base = `/p/${found.team}/${found.project}`;
    return found.counts.finished === 2;
  });
  const project = base.replace('/p/', '/projects/');
  runs = (await lab.api(`${project}/runs`)).runs.map(({ id }) => id);
  const panel = { shows: 'table', runs: [runs[0]], filters: [], columns: ['value'] };
  const other = { shows: 'table', runs: [], filters: ['state=finished'], columns: [] };
  const blocks = [
    { kind: 'text', id: 't', text: '# What we learnt' },
    { kind: 'panel', id: 'a', title: 'One run', panel, frozen: null },
    { kind: 'panel', id: 'b', title: 'By filters', panel: other, frozen: null },
  ];
  const made = await post(`${project}/reports`, { title: 'A report', blocks, version: 0 });
  report = made.id;
  browser = await Browser.start();
  sharer = await browser.open(`${lab.address}/login`);
  await logIn(sharer, 'ann', PASSWORD);
  await sharer.getByRole('link', { name: 'ann: settings' }).waitFor();
});

after(async () => {
  await browser?.stop();
  await lab?.stop();
});

afterEach(() => {
  const opened = pages;
  pages = [];
  for (const page of opened) assert.deepEqual(page.problems, []);
});

async function post(path, body) {
  const answer = await fetch(`${lab.address}/api/v1${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${lab.key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  assert.equal(answer.status, 200);
  return answer.json();
}

/** Opens a page as a stranger, in a browser without a session. */
async function visit(link) {
  const page = await browser.open('about:blank');
  pages.push(page);
  page.refused = [];
  page.on('response', (response) => {
    if (response.status() >= 400) page.refused.push(`${response.status()} ${response.url()}`);
  });
  await page.goto(link);
  return page;
}

/** Makes a link on a page, as a person does. */
async function share(path) {
  await sharer.goto(lab.address + path);
  await sharer.getByRole('button', { name: 'Share', exact: true }).click();
  const dialog = sharer.getByRole('dialog');
  await dialog.getByLabel('What it is for').fill('a review');
  await dialog.getByRole('button', { name: 'Make the link' }).click();
  const link = await dialog.locator('code').textContent();
  assert.deepEqual(await accessibilityProblems(sharer), []);
  await dialog.getByRole('button', { name: 'Close' }).click();
  return link;
}

/** A page that the link does not open says that nothing is there. */
async function isRefused(page, path, words) {
  await page.goto(lab.address + path);
  await page.getByText(words).first().waitFor();
}

test('a link to a run opens this run and no other', async () => {
  const link = await share(`${base}/r/${runs[0]}`);
  const page = await visit(link);
  await page.getByRole('tab', { name: 'Logs' }).waitFor();
  await page.getByText('read only, by a link').waitFor();
  for (const name of ['System', 'Logs', 'Config', 'Files', 'Artifacts', 'Attempts and code']) {
    await page.getByRole('tab', { name }).click();
    await page.waitForLoadState('networkidle');
  }
  assert.deepEqual(page.refused, []);
  assert.equal(await page.getByRole('button', { name: 'Share', exact: true }).count(), 0);
  assert.deepEqual(await accessibilityProblems(page), []);
  await isRefused(page, `${base}/r/${runs[1]}`, `no run \`${runs[1]}\``);
  await isRefused(page, `${base}/s/${sweep}`, `no sweep \`${sweep}\``);
  await page.goto(lab.address);
  await page.getByRole('link', { name: 'Go to what was shared with you' }).click();
  await page.getByRole('tab', { name: 'Logs' }).waitFor();
});

test('a link to a sweep opens the sweep and its trials', async () => {
  const link = await share(`${base}/s/${sweep}`);
  const page = await visit(link);
  await page.getByRole('tab', { name: 'Trials' }).waitFor();
  for (const name of ['Explore', 'Model', 'Trials', 'Timeline', 'Config', 'Overview']) {
    await page.getByRole('tab', { name }).click();
    await page.waitForLoadState('networkidle');
  }
  // A model needs more trials than these, and says so by a refusal.
  const refused = page.refused.filter((one) => !one.startsWith('409'));
  assert.deepEqual(refused, []);
  await page.goto(`${lab.address}${base}/r/${runs[1]}`);
  await page.getByRole('tab', { name: 'Logs' }).waitFor();
  await page.waitForLoadState('networkidle');
  assert.deepEqual(
    page.refused.filter((one) => !one.startsWith('409')),
    [],
  );
  await isRefused(page, base, 'no project');
  await isRefused(page, `${base}/reports/${report}`, `no report \`${report}\``);
});

test('a link to a report opens the runs that it names', async () => {
  const link = await share(`${base}/reports/${report}`);
  const page = await visit(link);
  await page.getByRole('heading', { name: 'What we learnt' }).waitFor();
  await page.getByText('The panel chooses its runs by filters').waitFor();
  await page.getByRole('table').first().waitFor();
  assert.deepEqual(page.refused, []);
  assert.deepEqual(await accessibilityProblems(page), []);
  await page.goto(`${lab.address}${base}/r/${runs[0]}`);
  await page.getByRole('tab', { name: 'Logs' }).waitFor();
  await isRefused(page, `${base}/r/${runs[1]}`, `no run \`${runs[1]}\``);
});

test('the settings say what a link opens, and end it; then it says so', async () => {
  const link = await share(`${base}/r/${runs[0]}`);
  const id = link.split('#besom-')[1].slice(0, 8);
  const page = await visit(link);
  await page.getByRole('tab', { name: 'Logs' }).waitFor();
  await sharer.goto(`${lab.address}/settings?tab=keys`);
  const row = sharer.getByRole('row').filter({ hasText: id });
  await row.getByText(`only the run ${runs[0]}`).waitFor();
  await sharer.getByRole('button', { name: `Revoke the key ${id}` }).click();
  await sharer.getByRole('button', { name: 'Revoke the key', exact: true }).click();
  await row.waitFor({ state: 'detached' });
  // The open page notices it by itself.
  await page.getByText('This link has expired, or its key was revoked.').waitFor();
  const again = await visit(link);
  await again.getByRole('alert').getByText('it was revoked').waitFor();
  await again.getByText('Ask the sender for a new link').waitFor();
});

test('a link that has expired says so', async () => {
  const { secret } = await post('/keys', {
    kind: 'read',
    only: { run: runs[0] },
    lasts_s: 1,
  });
  await until('the link expires', async () => {
    const headers = { authorization: `Bearer ${secret}` };
    const answer = await fetch(`${lab.address}/api/v1/runs/${runs[0]}`, { headers });
    return answer.status === 401;
  });
  const next = encodeURIComponent(`${base}/r/${runs[0]}`);
  const page = await visit(`${lab.address}/share?next=${next}#${secret}`);
  await page.getByRole('alert').getByText('this key has expired').waitFor();
  await page.getByText('Ask the sender for a new link').waitFor();
});
