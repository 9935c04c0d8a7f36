// The dashboard stays light with many runs. These budgets do not depend on the machine: bytes,
// growth, and the work beside that of a peer in the same minute. `bench.js` measures times too.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { Browser, chart, Lab, until } from './lab.js';
import { beside, brush, openSweep, sweepOfMany, watched } from './measure.js';

/** The most bytes of one answer. */
const ANSWER = 1_000_000;
/** The most growth of the memory of a page that stays open while runs log. */
const GROWTH = 1.2;
const LIVE = 50;

let browser;

before(async () => {
  browser = await Browser.start();
});

after(() => browser?.stop());

// The bench wants a quarter. Here other tests may run beside, so noise must not decide.
test('50 curves cost at most a third of what they cost React and ECharts', async (t) => {
  const times = await beside(browser, 5);
  for (const [kind, { ours, echarts }] of Object.entries(times)) {
    t.diagnostic(`${kind}: ${ours.toFixed(0)} ms and ${echarts.toFixed(0)} ms`);
    assert.ok(ours <= echarts / 3, `${kind}: ${ours} ms and ${echarts} ms`);
  }
});

describe('with 10,000 trials and 10,000 runs', () => {
  const many = 10_000;
  let lab;
  let sweep;
  let base;

  before(async () => {
    lab = await Lab.start();
    sweep = lab.create(sweepOfMany(many));
    lab.fill('trials', sweep);
    lab.fill('runs', 'plain', many, 2);
    const { team } = await lab.api(`/sweeps/${sweep}`);
    base = `${lab.address}/p/${team}`;
  });

  after(() => lab?.stop());

  test('the page of the sweep shows all of them, and can be brushed', async (t) => {
    const { page, took } = await openSweep(browser, `${base}/many/s/${sweep}`, many);
    t.diagnostic(`usable after ${took.toFixed(0)} ms`);
    t.diagnostic(`${(await brush(page)).toFixed(0)} ms of work for each move of a brush`);
    assert.ok(page.largest > 0 && page.largest < ANSWER, `${page.largest} bytes`);
    assert.deepEqual(page.problems, []);
  });

  test('the workspace asks for no large answer, and mounts few rows', async () => {
    const page = await watched(browser, 'about:blank');
    let largest = 0;
    page.on('requestfinished', async (request) => {
      largest = Math.max(largest, (await request.sizes()).responseBodySize);
    });
    await page.goto(`${base}/plain`);
    await until('the curves', async () => (await chart(page, 'val/loss'))?.visible.length > 0);
    await page.goto(`${base}/plain?tab=table`);
    await page.getByText('finished').first().waitFor();
    assert.ok((await page.getByRole('row').count()) < 200);
    assert.ok(largest > 0 && largest < ANSWER, `${largest} bytes`);
    assert.deepEqual(page.problems, []);
  });
});

describe('with 50 runs that log', () => {
  let lab;
  let live;

  before(async () => {
    lab = await Lab.start();
    live = await lab.live('live', LIVE, 100);
  });

  after(async () => {
    await live?.stop();
    await lab?.stop();
  });

  test('the memory of an open page does not grow', async (t) => {
    const { team, name } = (await lab.api('/projects')).projects[0];
    const page = await watched(browser, `${lab.address}/p/${team}/${name}`);
    let answers = 0;
    page.on('requestfinished', (request) => {
      if (request.url().endsWith('/series')) answers += 1;
    });
    const grown = async (times) => {
      const wanted = answers + times;
      await until('new curves', () => answers >= wanted, 240_000);
      return page.heap();
    };
    const first = await grown(20);
    const last = await grown(60);
    t.diagnostic(`${(first / 1e6).toFixed(1)} MB, then ${(last / 1e6).toFixed(1)} MB`);
    assert.ok(last < first * GROWTH, `${first} bytes, then ${last}`);
    assert.deepEqual(page.problems, []);
  });
});
