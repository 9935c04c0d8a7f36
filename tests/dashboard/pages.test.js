// The pages show what the controller has, without an error and within the policy.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { Browser, chart, Lab, until } from './lab.js';
import { sweepOf, TRAIN } from './train.js';

const TRIALS = 8;
/** The most JavaScript that a first visit of the home page loads, in bytes after compression. */
const INITIAL = 90_000;

describe('with a finished sweep', () => {
  let lab;
  let browser;
  let sweep;
  let base;

  before(async () => {
    lab = await Lab.start();
    lab.write('train.py', TRAIN);
    sweep = lab.create(sweepOf({ trials: TRIALS }));
    lab.agent(sweep, '--slots', '2', '--data', 'node');
    const { team, project } = await lab.over(sweep);
    base = `${lab.address}/p/${team}/${project}`;
    browser = await Browser.start();
  });

  after(async () => {
    await browser?.stop();
    await lab?.stop();
  });

  test('the home page lists the project, and loads little', async () => {
    let loaded = 0;
    const page = await browser.open('about:blank');
    page.on('response', (response) => {
      if (!response.url().endsWith('.js')) return;
      loaded += Number(response.headers()['content-length'] ?? 0);
    });
    await page.goto(lab.address);
    await page.getByRole('link', { name: 'vision', exact: true }).waitFor();
    assert.ok(loaded > 10_000 && loaded < INITIAL, `${loaded} bytes`);
    assert.deepEqual(page.problems, []);
  });

  test('the sweep page shows every trial in linked views', async () => {
    const page = await browser.open(`${base}/s/${sweep}`);
    await until('a point for every trial', async () => {
      return (await chart(page, 'Best so far'))?.visible.length === TRIALS;
    });
    const boxes = page.getByRole('checkbox', { name: 'Choose the row' });
    await boxes.first().check();
    const linked = await until('the selection', async () => {
      const parallel = await chart(page, 'All parameters');
      return parallel?.selected.length === 1 && parallel.selected;
    });
    // A chart follows the selection as soon as it can be seen.
    await page.evaluate(() => scrollTo(0, 0));
    await until('the same selection in the history', async () => {
      const { selected } = await chart(page, 'Best so far');
      return selected.length === 1 && selected[0] === linked[0];
    });
    await page.keyboard.press('Escape');
    await until('no selection', async () => {
      return (await chart(page, 'All parameters')).selected.length === 0;
    });
    for (const tab of ['Explore', 'Model', 'Trials', 'Timeline', 'Config']) {
      await page.getByRole('tab', { name: tab }).click();
      await page.waitForLoadState('networkidle').catch(() => undefined);
      assert.equal(await page.getByRole('alert').count(), 0, tab);
    }
    assert.deepEqual(page.problems, []);
  });

  test('a panel fails alone, says why, and loads again on a click', async () => {
    const page = await browser.open('about:blank');
    const problem = {
      type: 'about:blank',
      title: 'Wrong',
      status: 500,
      detail: 'The fit broke.',
    };
    const broken = (route) => {
      return route.fulfill({
        status: 500,
        contentType: 'application/problem+json',
        body: JSON.stringify(problem),
      });
    };
    await page.route('**/explain*', broken);
    await page.goto(`${base}/s/${sweep}`);
    const alert = page.getByRole('alert').first();
    await alert.getByText('The fit broke.').waitFor();
    await until('the other panels', async () => {
      return (await chart(page, 'Best so far'))?.visible.length === TRIALS;
    });
    await page.unroute('**/explain*', broken);
    await alert.getByRole('button').click();
    await until('the panel', () => chart(page, 'What matters'));
    assert.equal(await page.getByRole('alert').count(), 0);
  });

  test('the run page shows the curves, the log and the config', async () => {
    const { best_run: run } = await lab.api(`/sweeps/${sweep}`);
    const page = await browser.open(`${base}/r/${run}`);
    const drawn = await until('the curve', async () => {
      const found = await chart(page, 'val/loss');
      return found?.table.rows.length > 0 && found;
    });
    assert.equal(drawn.visible[0], run);
    await page.getByRole('tab', { name: 'Logs' }).click();
    // The line is above the part that can be seen, because the log follows its end.
    await page.getByText('the first words').waitFor({ state: 'attached' });
    await page.getByRole('searchbox', { name: 'Search in the logs' }).fill('stderr');
    await page.getByText('a line for stderr').waitFor();
    await until(
      'the search',
      async () => (await page.getByText('the first words').count()) === 0,
    );
    await page.getByRole('tab', { name: 'Config' }).click();
    await page.getByRole('cell', { name: 'optimizer' }).waitFor();
    await page.getByRole('tab', { name: 'Files' }).click();
    await page.getByText('The run stored no file').waitFor();
    assert.deepEqual(page.problems, []);
  });

  test('the workspace filters, sorts and compares runs', async () => {
    const page = await browser.open(`${base}?filter=trial%20%3C%202`);
    await until('two runs', async () => (await chart(page, 'val/loss'))?.visible.length === 2);
    for (const key of ['j', 'x', 'j', 'x', 'c']) await page.keyboard.press(key);
    await page.getByRole('heading', { name: 'Compare 2 runs' }).waitFor();
    await page.getByRole('rowheader', { name: 'lr', exact: true }).waitFor();
    assert.deepEqual(page.problems, []);
  });

  test('the keyboard reaches the search and other pages', async () => {
    const page = await browser.open(lab.address);
    await page.getByRole('link', { name: 'vision', exact: true }).waitFor();
    await page.keyboard.press('Control+k');
    await page.keyboard.type('vision');
    await page.getByRole('option', { name: /vision/ }).waitFor();
    await page.keyboard.press('Enter');
    await page.waitForURL(base);
    await page.keyboard.press('g');
    await page.keyboard.press('f');
    await page.waitForURL(`${lab.address}/fleet`);
    assert.deepEqual(page.problems, []);
  });

  test('an unknown run is an error with a sentence', async () => {
    const page = await browser.open(`${base}/r/nothing`);
    const alert = page.getByRole('alert');
    await alert.waitFor();
    assert.match(await alert.innerText(), /nothing/);
  });
});
