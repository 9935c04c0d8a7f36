// The page of a sweep says what the search knows, and its views are linked.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { accessibilityProblems, Browser, chart, Lab, until } from './lab.js';
import { sweepOf, TRAIN } from './train.js';

/** As many trials have ended when the sweep pauses, or a few more. */
const TRIALS = 22;
const RULE = 'early_terminate: {type: hyperband, min_iter: 3}\n';

let lab;
let browser;
let sweep;
let address;
let trials;

before(async () => {
  lab = await Lab.start();
  lab.write('train.py', TRAIN);
  sweep = lab.create(sweepOf({ trials: 60, method: 'bayes' }) + RULE);
  lab.agent(sweep, '--slots', '2', '--data', 'node');
  const counts = async () => (await lab.api(`/sweeps/${sweep}`)).counts;
  await until('the trials', async () => (await counts()).trials >= TRIALS + 2, 240_000);
  lab.command('pause', sweep);
  const isQuiet = ({ running, leased }) => running + leased === 0;
  await until('no trial runs', async () => isQuiet(await counts()));
  const { team, project } = await lab.api(`/sweeps/${sweep}`);
  address = `${lab.address}/p/${team}/${project}/s/${sweep}`;
  const rows = await lab.api(`/projects/${team}/${project}/runs?sweep=${sweep}&limit=100`);
  trials = rows.runs;
  browser = await Browser.start();
});

after(async () => {
  await browser?.stop();
  await lab?.stop();
});

const open = (query) => browser.open(`${address}?${query}`);
/** What a chart shows, once it has its data. */
const shown = (page, label, is = () => true) =>
  until(label, async () => {
    const found = await chart(page, label);
    return found?.visible.length > 0 && is(found) && found;
  });

/** Brings a panel into sight: a chart far away from the screen does not exist. */
const see = (page, title) =>
  page.getByRole('region', { name: title, exact: true }).first().scrollIntoViewIfNeeded();

test('the model says what comes next, and how often it is right', async () => {
  const page = await open('tab=model');
  const { proposals } = await lab.api(`/sweeps/${sweep}/proposals`);
  const rows = page.getByRole('region', { name: 'What comes next' }).locator('tbody tr');
  await until('five points', async () => (await rows.count()) === 5);
  const first = await rows.first().innerText();
  assert.match(first, new RegExp(`^${proposals[0].trial}\\b`));
  assert.ok(first.includes(proposals[0].values.optimizer), first);
  assert.match(first, / ± .*the model expects the largest improvement/s);

  const explanation = await lab.api(`/sweeps/${sweep}/explain`);
  await see(page, 'Is the model right?');
  const right = await shown(page, 'Predicted and actual');
  assert.equal(right.visible.length, explanation.held_out);
  const { covered, held_out: all, ended } = explanation;
  await page.getByText(`${covered} of ${all} left-out trials lie in their interval.`).waitFor();
  await page.getByText(`as of ${ended} trials`).first().waitFor();

  await see(page, 'lr');
  const before = (await shown(page, 'Effect of lr')).table.columns.length;
  await page.getByRole('button', { name: 'Single trials' }).click();
  const lines = await shown(page, 'Effect of lr', (found) => found.table.columns.length > before);
  assert.ok(lines.table.columns.length > before + 10, lines.table.columns.join());
  assert.match(page.url(), /lines=1/);
  await see(page, 'Two parameters together');
  await shown(page, 'Two parameters together');
  assert.deepEqual(page.problems, []);
});

test('a chosen trial says why the search chose it and how it ended', async () => {
  const details = await Promise.all(trials.map(({ id }) => lab.api(`/runs/${id}`)));
  const chosen = details.find((run) => run.incumbent && run.state === 'finished');
  const stopped = details.find((run) => run.rungs.some((rung) => rung.stop));
  const page = await open('tab=trials');
  const card = page.getByRole('complementary', { name: 'The chosen trial' });
  const choose = async ({ trial }) => {
    const row = page.getByRole('row').filter({
      has: page.getByRole('cell', { name: String(trial), exact: true }),
    });
    await row.first().getByRole('checkbox').click();
    await card.getByText(`Trial ${trial}:`).waitFor();
  };
  await choose(chosen);
  await card.getByText('the model expects the largest improvement there').waitFor();
  await card
    .getByText(/The result (lies in|is better than|is worse than) the interval/)
    .waitFor();
  await card.getByText(`after ${chosen.incumbent.ended} trials`).waitFor();
  await card.getByRole('link', { name: 'Log' }).waitFor();
  assert.deepEqual(await accessibilityProblems(page), []);
  await card.getByRole('button', { name: 'Close' }).click();
  await card.waitFor({ state: 'detached' });

  await choose(stopped);
  await card.getByText(/stopped, because going on needed at most/).waitFor();
  assert.deepEqual(page.problems, []);
});

test('the rungs show who went on, and select them in all views', async () => {
  const { rungs } = await lab.api(`/sweeps/${sweep}/rungs`);
  const rung = rungs.find(({ stopped }) => stopped.length > 1);
  const page = await open('tab=rungs');
  const curves = await shown(page, 'Curves and rungs', (found) => found.visible.length > 0);
  assert.equal(curves.visible.length, trials.length);
  const name = `Select the ${rung.stopped.length} trials that stopped at rung ${rung.iteration}`;
  await page.getByRole('button', { name }).click();
  const { visible } = await shown(page, 'Curves and rungs', ({ selected }) => selected.length);
  const wanted = trials.filter(({ trial }) => rung.stopped.includes(trial)).map(({ id }) => id);
  assert.deepEqual([...visible].sort(), wanted.sort());
  assert.deepEqual(await accessibilityProblems(page), []);
  assert.deepEqual(page.problems, []);
});

test('any metric can be an axis, and two goals have a front', async () => {
  const page = await open('tab=explore');
  const metrics = page.getByRole('button', { name: 'Metrics' });
  await metrics.first().click();
  await page.getByRole('button', { name: 'train/loss, min' }).first().click();
  // The axis is there before its values are.
  const filled = ({ table }) => {
    const column = table.columns.indexOf('train/loss (min)');
    return column >= 0 && table.rows.every((row) => row[column] > 0 && row[column] < row.at(-1));
  };
  await shown(page, 'All parameters', filled);

  const goal = page.getByRole('combobox', { name: 'Goal on the horizontal axis' });
  await goal.selectOption({ label: 'train/loss (min)' });
  await see(page, 'Two goals');
  const front = await shown(page, 'Two goals', (found) => found.table.columns.length > 2);
  assert.equal(front.table.columns[1], 'train/loss (min)');
  await page.getByText(/\d+ trials? on the front/).waitFor();
  assert.deepEqual(await accessibilityProblems(page), []);
  assert.deepEqual(page.problems, []);
});

test('slices, the surface and the parallel coordinates share the hover', async () => {
  for (const [tab, label, panel] of [
    ['explore', 'Slice of lr', 'lr'],
    ['model', 'Two parameters together', 'Two parameters together'],
  ]) {
    const page = await open(`tab=${tab}`);
    const place = (name) => page.locator(`.chart[aria-label="${name}"]`);
    await page.getByRole('region', { name: panel, exact: true }).waitFor();
    await see(page, panel);
    await shown(page, label, (found) => found.visible.length > 0);
    await place(label).press('ArrowRight');
    const { hovered } = await shown(page, label, (found) => found.hovered);
    await see(page, 'All parameters');
    await shown(page, 'All parameters', (found) => found.hovered === hovered);
    for (const key of ['ArrowDown', 'ArrowDown']) await place('All parameters').press(key);
    const other = await shown(page, 'All parameters', (found) => found.hovered !== hovered);
    await see(page, panel);
    await shown(page, label, (found) => found.hovered === other.hovered);
    assert.deepEqual(page.problems, []);
  }
});

for (const colorScheme of ['light', 'dark']) {
  test(`the model is accessible in ${colorScheme}`, async () => {
    const page = await browser.open(`${address}?tab=model&lines=1`, { colorScheme });
    await see(page, 'Is the model right?');
    await shown(page, 'Predicted and actual');
    await page.waitForFunction(() => !document.querySelector('[aria-busy="true"]'));
    assert.deepEqual(await accessibilityProblems(page), []);
  });
}
