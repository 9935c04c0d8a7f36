// The run page shows what the real client of W&B has logged, and the attempts of a trial.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { Browser, chart, isSound, Lab, until } from './lab.js';
import { logWithClient } from './wandb.js';

/** Fails in its first attempt, and goes on in the second one. */
const FAILS = `
import json, os, sys
print("begins", flush=True)
if os.environ["BESOM_ATTEMPT"] == "1":
    print("a word before the end", file=sys.stderr, flush=True)
    sys.exit(3)
for step in range(5):
    print(json.dumps({"_step": step, "loss": 1 / (1 + step), "epoch": step}), flush=True)
`;

const SWEEP = `
name: attempts
project: vision
command: [python3, fails.py]
method: random
seed: 1
run_cap: 2
retry: {error: 1}
metric: {name: loss, goal: minimize}
parameters:
  lr: {min: 0.0, max: 1.0}
  epochs: {value: 8}
`;

let lab;
let browser;
let base;

before(async () => {
  lab = await Lab.start();
  browser = await Browser.start();
  const run = logWithClient(lab);
  const { team, project } = await lab.api(`/runs/${run}`);
  base = `${lab.address}/p/${team}/${project}/r`;
});

after(async () => {
  await browser?.stop();
  await lab?.stop();
});

describe('with a run of the client of W&B', () => {
  const SHOWN = 'shown';

  test('a table is sorted, filtered and read to its last row', async () => {
    const page = await browser.open(`${base}/${SHOWN}?tab=media&m=predictions`);
    const table = page.getByRole('region', { name: 'Rows of predictions' });
    const first = table.locator('tbody tr:not(.gap)').first();
    await first.getByRole('cell', { name: 'word 0' }).waitFor();
    await page.getByText('250 rows', { exact: true }).waitFor();
    await table.getByRole('button', { name: 'score' }).click();
    await table.getByRole('button', { name: 'score' }).click();
    await until('the largest score', async () => (await first.innerText()).includes('249'));
    await page.getByRole('button', { name: 'Filter', exact: true }).click();
    await page.getByRole('textbox', { name: 'Filter word' }).fill('word 3');
    await page.getByRole('textbox', { name: 'Filter n' }).fill('< 20');
    await page.getByText('4 rows of 250').waitFor();
    await first.getByRole('button', { name: /Open row/ }).click();
    await page.getByRole('dialog').getByText('word 3').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('textbox', { name: 'Filter word' }).fill('');
    await page.getByRole('textbox', { name: 'Filter n' }).fill('');
    await page.getByText('250 rows', { exact: true }).waitFor();
    // The rows may still be on their way, so the scroll is repeated.
    const last = table.locator('tr[aria-rowindex="251"]', { hasText: 'word' });
    await until('the last row', async () => {
      await table.evaluate((place) => place.scrollTo(0, place.scrollHeight));
      return (await last.count()) === 1;
    });
    await isSound(page);
  });

  test('the charts of tables are drawn by our charts', async () => {
    const page = await browser.open(`${base}/${SHOWN}`);
    const region = page.getByRole('region', { name: 'Charts of tables' });
    await region.waitFor();
    const kinds = {
      'A line': 'lines',
      Points: 'scatter',
      Bars: 'bars',
      Counts: 'bars',
      Lines: 'lines',
      Confusion: 'heatmap',
      ROC: 'lines',
      PR: 'lines',
    };
    for (const [title, kind] of Object.entries(kinds)) {
      await region.getByRole('heading', { name: title, exact: true }).scrollIntoViewIfNeeded();
      const drawn = await until(title, async () => {
        const found = await chart(page, title);
        return found?.table.rows.length > 0 && found;
      });
      assert.equal(drawn.chart, kind, title);
    }
    const lines = await chart(page, 'Lines');
    assert.deepEqual(lines.visible, ['up', 'down']);
    const matrix = await chart(page, 'Confusion');
    const wrong = matrix.table.rows.find(([x, y]) => x === 'cat' && y === 'dog');
    assert.equal(wrong[2], 1);
    await region.getByText('The dashboard does not draw “me/own”').waitFor();
    await isSound(page);
  });

  test('classes have their names, and a slider compares two steps', async () => {
    const page = await browser.open(`${base}/${SHOWN}?tab=media&m=street&step=2`);
    await page.getByRole('button', { name: 'road' }).waitFor();
    await page.getByRole('button', { name: 'car' }).waitFor();
    await page.getByRole('slider', { name: 'The least sure of a box' }).waitFor();
    await page.getByRole('button', { name: 'Compare' }).click();
    await page.keyboard.press('[');
    await page.getByRole('slider', { name: /shows step 2/ }).waitFor();
    assert.equal(await page.locator('.pair img').count(), 2);
    await page.getByRole('button', { name: 'A: step 2' }).click();
    await page.getByRole('button', { name: 'Play through the steps' }).click();
    await page.getByRole('button', { name: 'Play through the steps' }).waitFor();
    await isSound(page);
  });

  test('the widest histogram comes first', async () => {
    const page = await browser.open(`${base}/${SHOWN}?tab=histograms`);
    await page.getByRole('button', { name: 'Spread' }).click();
    const titles = page.getByRole('heading', { level: 2, name: /gradients/ });
    await until('the order', async () => {
      const found = await titles.allInnerTexts();
      return found.length === 2 && found[0] === 'gradients/wide';
    });
    await until('the histogram', async () => {
      return (await chart(page, 'gradients/wide'))?.table.rows.length > 0;
    });
    await isSound(page);
  });

  test('the log leads to lines, finds them, and draws only those in sight', async () => {
    const page = await browser.open(`${base}/${SHOWN}?tab=logs&line=1500`);
    await page.getByText('line 1500', { exact: true }).waitFor();
    assert.ok((await page.locator('.line').count()) < 200);
    await page.getByRole('textbox', { name: 'Go to a line or a time' }).fill('2');
    await page.keyboard.press('Enter');
    await page.getByText('line 2', { exact: true }).waitFor();
    await page.getByRole('searchbox', { name: 'Search in the logs' }).fill('line 77');
    await page.getByText('line 777', { exact: true }).waitFor();
    await page.getByRole('searchbox', { name: 'Search in the logs' }).fill('');
    await page.getByRole('button', { name: 'stderr only' }).click();
    await page.getByText('a word for stderr').waitFor();
    assert.equal(await page.getByText('a red end').count(), 0);
    await isSound(page);
  });

  test('the code of the run comes from its files', async () => {
    const page = await browser.open(`${base}/${SHOWN}?tab=about`);
    await page.getByText('Python', { exact: true }).waitFor();
    await page.getByText('The run stored no checkpoint').waitFor();
    await isSound(page);
  });
});

describe('with a trial that failed once', () => {
  let run;

  before(async () => {
    lab.write('fails.py', FAILS);
    const sweep = lab.create(SWEEP);
    lab.agent(sweep, '--slots', '1', '--data', 'node');
    run = (await lab.over(sweep)).best_run;
  });

  test('each attempt says how it ended, and leads to its lines', async () => {
    const page = await browser.open(`${base}/${run}?tab=about`);
    const attempts = page.getByRole('region', { name: 'Attempts' });
    await attempts.getByText('error, exit code 3', { exact: true }).waitFor();
    await attempts.getByText('finished', { exact: true }).waitFor();
    await attempts.getByText('a word before the end').first().waitFor();
    await isSound(page);
    await attempts.getByRole('link', { name: /line/ }).last().click();
    await page.waitForURL(/tab=logs&line=0/);
    await page.getByText('a word before the end', { exact: true }).waitFor();
    assert.deepEqual(page.problems, []);
  });

  test('the head tells the rank and how far the run is', async () => {
    const page = await browser.open(`${base}/${run}`);
    await page.getByText('Rank', { exact: true }).waitFor();
    await page.getByText('of 2', { exact: true }).waitFor();
    await page.getByRole('progressbar', { name: 'epoch of all' }).waitFor();
    await until('the curves of the sweep', async () => {
      return (await chart(page, 'loss within the sweep'))?.table.columns.length === 3;
    });
    await isSound(page);
  });

  test('the config lies beside that of any run', async () => {
    const page = await browser.open(`${base}/${run}?tab=config`);
    await page.getByRole('cell', { name: 'epochs' }).waitFor();
    await page
      .getByRole('searchbox', { name: 'Compare with a run of the project' })
      .fill('shown');
    await page.getByRole('button', { name: /shown/ }).click();
    await page.waitForURL(/with=shown/);
    await page.getByRole('cell', { name: 'net.depth' }).waitFor();
    await page.getByRole('button', { name: 'Only differences' }).click();
    await page.getByRole('button', { name: 'more' }).first().click();
    await isSound(page);
  });
});
