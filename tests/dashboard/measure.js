// Measures the dashboard: `budgets.test.js` checks what holds on every machine, and `bench.js`
// prints all figures beside their budgets.

import { join } from 'node:path';

import { serve } from './bundle.js';
import { chart, PATIENCE, until } from './lab.js';

/** A sweep whose trials `lab.fill` runs without any training. */
export const sweepOfMany = (trials) => `
name: many
project: many
command: ['true']
method: random
seed: 1
run_cap: ${trials}
metric: {name: loss, goal: minimize}
parameters:
  lr: {distribution: log_uniform_values, min: 0.00001, max: 0.1}
  dropout: {min: 0.0, max: 0.6}
  decay: {distribution: log_uniform_values, min: 0.000001, max: 0.01}
  momentum: {min: 0.0, max: 1.0}
  layers: {values: [1, 2, 3, 4]}
  optimizer: {values: [adam, sgd, lion]}
`;

export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/** A page that is asked how long its main thread has computed so far, in milliseconds. */
export async function watched(browser, address, options = {}) {
  const page = await browser.open('about:blank', options);
  const session = await page.context().newCDPSession(page);
  // The time of the processor does not count what other programs take meanwhile.
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  page.busy = async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    return 1_000 * metrics.find(({ name }) => name === 'TaskDuration').value;
  };
  /** The bytes of the page's objects that are still in use. */
  page.heap = async () => {
    await session.send('HeapProfiler.collectGarbage');
    return (await session.send('Runtime.getHeapUsage')).usedSize;
  };
  await page.exposeFunction('busy', page.busy);
  await page.goto(address);
  return page;
}

/**
 * Draws 50 curves of 2,000 points by our chart and by React with ECharts, in turn. Returns the
 * milliseconds of each. The smallest of several is the one that other work disturbed least. The
 * wait for the picture is not the chart's work.
 */
export async function beside(browser, rounds) {
  const entry = join(import.meta.dirname, 'peer/page.js');
  // ECharts sets the styles of elements.
  const policy = "default-src 'self'; style-src 'self' 'unsafe-inline'";
  const server = await serve(entry, { height: 300, policy });
  try {
    const page = await watched(browser, server.address);
    const times = {};
    for (let round = 0; round < rounds; round += 1) {
      for (const name of ['ours', 'echarts']) {
        const drawn = await page.evaluate(([who, turn]) => window.draw(who, turn), [name, round]);
        for (const [kind, took] of Object.entries(drawn)) {
          times[kind] ??= {};
          times[kind][name] = Math.min(times[kind][name] ?? Infinity, took);
        }
      }
    }
    const { idle, ...drawn } = times;
    for (const took of Object.values(drawn)) {
      for (const name of Object.keys(took)) took[name] -= idle[name];
    }
    return drawn;
  } finally {
    server.stop();
  }
}

/** The milliseconds from an address to the first paint of a page that no cache knows. */
export async function firstPaint(browser, address) {
  const page = await browser.open(address);
  const paint = await until('the first paint', () =>
    page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime),
  );
  await page.context().close();
  return paint;
}

/**
 * Opens a sweep of many trials. Returns the page, the milliseconds until its views have all trials,
 * and the size of its largest answer in bytes.
 */
export async function openSweep(browser, address, trials) {
  const page = await watched(browser, 'about:blank', { viewport: { width: 1440, height: 1200 } });
  page.largest = 0;
  page.on('requestfinished', async (request) => {
    const sizes = await request.sizes().catch(() => ({ responseBodySize: 0 }));
    page.largest = Math.max(page.largest, sizes.responseBodySize);
  });
  await page.goto(address);
  // The page itself looks at each frame, so that the measurement waits for no message.
  const took = await page.evaluate(
    ([wanted, patience]) =>
      new Promise((done, fail) => {
        const look = () => {
          if (performance.now() > patience) fail(new Error('the charts lack trials'));
          const charts = [...document.querySelectorAll('.chart')].map((one) => one.chart);
          const full = charts.filter((one) => one.table().rows.length === wanted);
          if (full.length >= 2) done(performance.now());
          else requestAnimationFrame(look);
        };
        look();
      }),
    [trials, PATIENCE],
  );
  return { page, took };
}

/** Brushes an axis of the parallel coordinates. Returns the milliseconds of work for each move. */
export async function brush(page) {
  const label = 'All parameters';
  const element = page.locator(`.chart[aria-label="${label}"]`);
  await element.scrollIntoViewIfNeeded();
  const box = await element.boundingBox();
  const { points } = await chart(page, label);
  const [axis] = Object.values(points)[0];
  const height = box.height;
  await page.mouse.move(box.x + axis, box.y + height * 0.3);
  await page.mouse.down();
  await page.mouse.move(box.x + axis, box.y + height * 0.4);
  const moves = 8;
  const before = await page.busy();
  for (let move = 1; move <= moves; move += 1) {
    await page.mouse.move(box.x + axis, box.y + height * (0.4 + 0.05 * move));
    await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(drawn)));
  }
  const after = await page.busy();
  await page.mouse.up();
  await until('the choice', async () => (await chart(page, label)).selected.length > 0);
  return (after - before) / moves;
}

/** The milliseconds from `begin` until `seen` is true. */
async function timed(what, begin, seen) {
  const begun = performance.now();
  await begin();
  await until(what, seen);
  return performance.now() - begun;
}

/** Opens the log of a run, goes to its first line and back to its end, and searches. */
export async function readLog(browser, address, lines) {
  const page = await watched(browser, 'about:blank');
  const log = page.getByRole('log');
  const has = (text) => async () =>
    (await log.count()) === 1 && (await log.innerText()).includes(text);
  const last = has(`line ${lines - 1} of`);
  const place = page.getByLabel('Go to a line or a time');
  const jump = () => place.fill('0').then(() => place.press('Enter'));
  const follow = () => page.getByRole('button', { name: 'Follow', exact: true }).click();
  const search = () => page.getByLabel('Search in the logs').fill('line 77 of');
  const took = {
    opened: await timed('the last line', () => page.goto(`${address}?tab=logs`), last),
    first: await timed('the first line', jump, has('line 0 of')),
    end: await timed('the last line again', follow, last),
    found: await timed('the found line', search, async () => {
      return (await page.getByText(/^1 of/).count()) === 1 && has('line 77 of')();
    }),
    heap: await page.heap(),
  };
  await page.context().close();
  return took;
}

/** Opens the table `rows` of a run, goes to its end, sorts it and filters it. */
export async function readTable(browser, address, rows) {
  const page = await watched(browser, 'about:blank');
  const table = page.getByRole('region', { name: 'Rows of rows' });
  const has = (text) => async () =>
    (await table.count()) === 1 && (await table.innerText()).includes(text);
  const toEnd = () => table.evaluate((place) => place.scrollTo(0, place.scrollHeight));
  const sort = () => table.getByRole('button', { name: 'score' }).click();
  const button = page.getByRole('button', { name: 'Filter', exact: true });
  const filter = () => page.getByLabel('Filter word').fill('= word 500');
  const took = {
    opened: await timed(
      'the first rows',
      () => page.goto(`${address}?tab=media`),
      has('word 31'),
    ),
    end: await timed('the last row', toEnd, async () => {
      await toEnd();
      return has((rows - 1).toLocaleString('en'))();
    }),
    sorted: await timed('the least scores', sort, has('e-6')),
    filtered: await timed(
      'the chosen rows',
      () => button.click().then(filter),
      async () => {
        return (await page.getByText(/rows of/).count()) === 1 && has('word 500')();
      },
    ),
    heap: await page.heap(),
  };
  await page.context().close();
  return took;
}
