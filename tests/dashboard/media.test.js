// The run page shows media and histograms of an imported run.

import assert from 'node:assert/strict';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { accessibilityProblems, Browser, chart, Lab, until } from './lab.js';

const FIXTURES = resolve(import.meta.dirname, '../../cli/tests/fixtures');

describe('with imported runs', () => {
  let lab;
  let browser;

  before(async () => {
    lab = await Lab.start();
    browser = await Browser.start();
  });

  after(async () => {
    await browser?.stop();
    await lab?.stop();
  });

  /** Imports event files of TensorBoard; returns the address of their first run. */
  async function imported(folder, project) {
    lab.command('import', 'tensorboard', join(FIXTURES, folder), '--project', project);
    const { projects } = await lab.api('/projects');
    const { team } = projects.find(({ name }) => name === project);
    const { runs } = await lab.api(`/projects/${team}/${project}/runs`);
    return `${lab.address}/p/${team}/${project}/r/${runs[0].id}`;
  }

  test('the slider and its keys choose the step of the images', async () => {
    const run = await imported('images', 'pictures');
    const page = await browser.open(`${run}?tab=media`);
    const slider = page.getByRole('slider', { name: 'Step' });
    const image = page.getByRole('region', { name: 'image' }).locator('img');
    const isDrawn = () => image.evaluate((one) => one.complete && one.naturalWidth === 2);
    await image.waitFor();
    await until('the image is drawn', isDrawn);
    assert.equal(await slider.getAttribute('aria-valuetext'), 'step 1');
    const last = await image.getAttribute('src');
    await page.keyboard.press('[');
    await page.waitForURL(/step=0/);
    await until('the image of the step before', async () => {
      return (await image.getAttribute('src')) !== last && isDrawn();
    });
    assert.equal(await slider.getAttribute('aria-valuetext'), 'step 0');
    await page.keyboard.press(']');
    await until('the last step', async () => (await image.getAttribute('src')) === last);
    assert.deepEqual(await accessibilityProblems(page), []);
    assert.deepEqual(page.problems, []);
  });

  test('a file that has not arrived says so, and a broken file leaves the rest', async () => {
    const run = await imported('images', 'late');
    const page = await browser.open('about:blank');
    await page.route('**/files/**', (route) => route.fulfill({ status: 404 }));
    await page.goto(`${run}?tab=media`);
    await page.getByText('The file has not arrived yet.').waitFor();
    await page.unroute('**/files/**');
    const broken = { status: 200, contentType: 'image/png', body: 'no image' };
    await page.route('**/files/**', (route) => route.fulfill(broken));
    await page.goto(`${run}?tab=media`);
    await page.getByText('The browser cannot show this file.').waitFor();
    assert.deepEqual(page.problems, []);
  });

  test('the histograms of a run are drawn over its steps', async () => {
    const run = await imported('runs/old', 'weights');
    const page = await browser.open(`${run}?tab=histograms`);
    const drawn = await until('the histogram', async () => {
      const found = await chart(page, 'weights');
      return found?.table.rows.length > 0 && found;
    });
    assert.deepEqual(drawn.visible, ['2']);
    assert.deepEqual(drawn.table.columns, ['step', 'from', 'to', 'count']);
    assert.deepEqual(await accessibilityProblems(page), []);
    assert.deepEqual(page.problems, []);
  });
});
