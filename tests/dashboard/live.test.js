// The pages stay live: new points arrive by themselves, and a restart of the controller heals.
// `bench.js` measures how soon the points arrive.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { Browser, chart, Lab, until } from './lab.js';
import { lastStep, startTrial } from './train.js';

describe('with a running trial', () => {
  let lab;
  let browser;
  let address;

  before(async () => {
    lab = await Lab.start();
    address = lab.address + (await startTrial(lab));
    browser = await Browser.start();
  });

  after(async () => {
    await browser?.stop();
    await lab?.stop();
  });

  test('new points arrive by themselves, and a zoom stays', async () => {
    const page = await browser.open(address);
    await until('the curve', async () => (await lastStep(page)) === 29);
    await page.getByRole('button', { name: 'Live updates: live' }).waitFor();
    for (let step = 30; step < 35; step += 1) {
      lab.write('more', '');
      await until(`the step ${step}`, async () => (await lastStep(page)) === step);
    }

    const box = await page.locator('.chart[aria-label="val/loss"]').boundingBox();
    const middle = box.y + box.height / 2;
    await page.mouse.move(box.x + box.width * 0.4, middle);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.7, middle, { steps: 4 });
    await page.mouse.up();
    const zoomed = await until('finer points', async () => {
      const { rows } = (await chart(page, 'val/loss')).table;
      return rows[0][0] > 5 && rows.at(-1)[0] < 30 && rows.length;
    });
    lab.write('more', '');
    await page.getByText('36', { exact: true }).waitFor();
    assert.equal((await chart(page, 'val/loss')).table.rows.length, zoomed);
    await page.getByRole('button', { name: 'Show all of x' }).click();
    await until('all points', async () => (await lastStep(page)) === 35);
    assert.deepEqual(page.problems, []);
  });

  test('the page heals after the controller was killed', async () => {
    const page = await browser.open(address);
    const before = await until('the curve', async () => {
      const step = await lastStep(page);
      return step >= 29 && step;
    });
    await page.getByRole('button', { name: 'Live updates: live' }).waitFor();
    await lab.kill();
    await page.getByRole('button', { name: /Live updates: lost/ }).waitFor();
    assert.equal(await lastStep(page), before, 'the page keeps what it has');
    await lab.begin();
    await page.getByRole('button', { name: 'Live updates: live' }).waitFor();
    lab.write('more', '');
    await until('the next point', async () => (await lastStep(page)) === before + 1);
  });

  test('two tabs share one stream', async () => {
    const first = await browser.open(address);
    await first.getByRole('button', { name: 'Live updates: live' }).waitFor();
    const second = await first.context().newPage();
    let streams = 0;
    second.on('request', (request) => (streams += request.url().includes('/events') ? 1 : 0));
    await second.goto(address);
    await second.getByRole('button', { name: 'Live updates: live' }).waitFor();
    const before = await until('the curve', async () => {
      const step = await lastStep(second);
      return step >= 29 && step;
    });
    lab.write('more', '');
    await until('the point in the second tab', async () => (await lastStep(second)) > before);
    assert.equal(streams, 0);
  });
});
