// Drives the charts in a browser: brushes, keys, zooms, themes, exports and hostile names.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { serve } from './bundle.js';
import { Browser, chart, until } from './lab.js';

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src blob:; " +
  "require-trusted-types-for 'script'; trusted-types 'none'";

let browser;
let server;

before(async () => {
  server = await serve(join(import.meta.dirname, 'charts.page.js'), { height: 220, policy });
  browser = await Browser.start();
});

after(async () => {
  await browser?.stop();
  server?.stop();
});

async function open(query = '', options = {}) {
  const opened = await browser.open(server.address + query, options);
  await until('the charts', async () => (await chart(opened, 'second'))?.width > 0);
  return opened;
}

/** Where a chart is on the screen. */
async function placeOf(opened, label) {
  const element = opened.locator(`.chart[aria-label="${label}"]`);
  await element.scrollIntoViewIfNeeded();
  return element.boundingBox();
}

async function drag(opened, from, to) {
  await opened.mouse.move(...from);
  await opened.mouse.down();
  await opened.mouse.move(...to, { steps: 5 });
  await opened.mouse.up();
}

const selected = async (opened, label) => (await chart(opened, label)).selected.length;

test('a brush selects in all charts, and a selection elsewhere ends it', async () => {
  const opened = await open();
  const { x, y } = await placeOf(opened, 'parallel');
  const points = (await chart(opened, 'parallel')).points;
  const [axis, bottom] = points['sweep-0'];
  const [, upper] = points['sweep-100'];
  await drag(opened, [x + axis, y + bottom], [x + axis, y + upper]);
  await until('the selection', async () => (await selected(opened, 'slice')) > 0);
  const { visible, selected: ids } = await chart(opened, 'parallel');
  assert.ok(visible.length > 95 && visible.length < 106, `${visible.length} runs`);
  assert.deepEqual(visible, ids);
  assert.deepEqual(await opened.evaluate(() => window.chosen), ids);

  const slice = await placeOf(opened, 'slice');
  const [px, py] = (await chart(opened, 'slice')).points['sweep-290'];
  await opened.mouse.click(slice.x + px, slice.y + py);
  await until('one run', async () => (await selected(opened, 'parallel')) === 1);
  assert.equal((await chart(opened, 'parallel')).visible.length, 1);

  const again = await placeOf(opened, 'parallel');
  await drag(opened, [again.x + axis, again.y + bottom], [again.x + axis, again.y + upper]);
  await until('the brush', async () => (await selected(opened, 'history')) > 90);
  await opened.mouse.dblclick(again.x + axis, again.y + (bottom + upper) / 2);
  await until('no brush', async () => (await selected(opened, 'history')) === 0);
  assert.equal((await chart(opened, 'parallel')).visible.length, 300);
  assert.deepEqual(opened.problems, []);
});

test('keys brush an axis, and a brush leaves out runs without a value', async () => {
  const opened = await open();
  const handle = opened.getByRole('slider', { name: 'momentum' });
  await handle.press('ArrowDown');
  await until('the brush', async () => (await selected(opened, 'parallel')) > 0);
  const { visible } = await chart(opened, 'parallel');
  assert.ok(visible.every((id) => Number(id.slice(6)) % 2 === 1));
  assert.match(await handle.getAttribute('aria-valuetext'), /^-?[\d.]+ to 0\.9/);
  await handle.press('Shift+ArrowUp');
  await until('no brush', async () => (await selected(opened, 'parallel')) === 0);
  assert.equal(await handle.getAttribute('aria-valuetext'), 'everything');

  const first = async () => await opened.getByRole('slider').first().getAttribute('aria-label');
  assert.equal(await first(), 'lr');
  await opened.getByRole('slider', { name: 'lr' }).press('ArrowRight');
  await until('the new order', async () => (await first()) !== 'lr');
  await until('the focus', () =>
    opened.evaluate(() => document.activeElement.ariaLabel === 'lr'),
  );
});

test('keys walk over the marks, select and open them', async () => {
  const opened = await open();
  const history = opened.locator('.chart[aria-label="history"]');
  for (const key of ['ArrowRight', 'ArrowRight', ' ', 'Enter']) await history.press(key);
  assert.equal((await chart(opened, 'slice')).hovered, 'sweep-1');
  assert.equal(await selected(opened, 'slice'), 1);
  assert.deepEqual(await opened.evaluate(() => window.opened), ['sweep-1']);
  await history.press('Escape');
  assert.equal(await selected(opened, 'slice'), 0);
});

test('charts of a group share the zoom, and new data does not reset it', async () => {
  const opened = await open();
  const end = async (label) => (await chart(opened, label)).points['sweep-1'];
  const before = await end('second');
  const { x, y } = await placeOf(opened, 'first');
  await drag(opened, [x + 100, y + 100], [x + 300, y + 100]);
  await until('the zoom', async () => (await end('second'))[1] !== before[1]);
  const zoomed = await end('second');
  await opened.evaluate(() => {
    const { chart } = document.querySelector('.chart[aria-label="second"]');
    chart.set({ ...chart.data });
  });
  assert.deepEqual(await end('second'), zoomed);
  await opened.mouse.dblclick(x + 200, y + 100);
  await until('the whole', async () => (await end('second'))[1] === before[1]);
});

test('the theme changes the colours, also in the exports', async () => {
  const opened = await open('', { colorScheme: 'light' });
  const svg = () =>
    opened.evaluate(() => document.querySelector('.chart[aria-label="history"]').chart.svg());
  assert.ok((await svg()).includes('fill="#ffffff"'), 'the ground is not light');
  await opened.emulateMedia({ colorScheme: 'dark' });
  await until('the dark theme', async () => (await svg()).includes('fill="#14171c"'));
  const size = await opened.evaluate(async () => {
    const { chart } = document.querySelector('.chart[aria-label="history"]');
    const bitmap = await createImageBitmap(await chart.png(2));
    return [bitmap.width, bitmap.height];
  });
  assert.deepEqual(size, [1600, 440]);
  assert.deepEqual(opened.problems, []);
});

test('hostile names stay texts, in the box and in the files', async () => {
  const opened = await open();
  const { x, y } = await placeOf(opened, 'first');
  const [px, py] = (await chart(opened, 'first')).points['sweep-1'];
  await opened.mouse.move(x + px - 5, y + py);
  await opened.locator('.chart-tip').waitFor();
  assert.match(await opened.locator('.chart-tip').textContent(), /<img src="x"/);
  const svgs = await opened.evaluate(() =>
    [...document.querySelectorAll('.chart')].map(({ chart }) => chart.svg() + chart.csv()),
  );
  const svg = svgs.find((text) => text.includes('&lt;img'));
  assert.ok(svg, 'no file has the name');
  assert.ok(!svgs.some((text) => text.split('</svg>')[0].includes('<img')));
  assert.equal(await opened.locator('img').count(), 0);
  assert.deepEqual(opened.problems, []);
});

test('10,000 runs are brushed to the end, and the page stays usable meanwhile', async () => {
  const opened = await open('?runs=10000');
  const { x, y } = await placeOf(opened, 'parallel');
  const { points } = await chart(opened, 'parallel');
  const [axis, bottom] = points['sweep-0'];
  await drag(opened, [x + axis, y + bottom], [x + axis, y + points['sweep-8000'][1]]);
  await until('the selection', async () => (await selected(opened, 'parallel')) > 7000);
  const { notes, visible } = await chart(opened, 'parallel');
  assert.deepEqual(notes, [`${visible.length.toLocaleString('en')} of 10,000 runs`]);
  assert.equal(await selected(opened, 'history'), visible.length);
});
