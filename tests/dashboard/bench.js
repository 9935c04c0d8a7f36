// `cargo xtask bench dashboard [--minutes N]`: measures the dashboard in Chromium, beside the
// budgets. N is how long the page with 50 running runs stays open: 30 minutes, unless it is given.

import { parseArgs } from 'node:util';

import { Browser, chart, Lab, until } from './lab.js';
import {
  beside,
  brush,
  firstPaint,
  median,
  openSweep,
  readLog,
  readTable,
  sweepOfMany,
  watched,
} from './measure.js';
import { lastStep, startTrial } from './train.js';

const { values: flags } = parseArgs({ options: { minutes: { type: 'string', default: '30' } } });
const minutes = Number(flags.minutes);
if (!(minutes > 0)) {
  console.error(`error: --minutes needs a number above 0, and not \`${flags.minutes}\``);
  process.exit(2);
}

const REPEATS = 5;
/** The team of a project that names none. */
const TEAM = 'home';
const lines = [];
let failed = false;

/** Prints a figure beside its budget. */
function report(what, figure, budget, unit) {
  const over = figure > budget;
  failed ||= over;
  const digits = budget < 10 ? 2 : 0;
  const [shown, limit] = [figure, budget].map((number) => `${number.toFixed(digits)} ${unit}`);
  lines.push({ what, figure: shown, budget: limit, result: over ? 'over' : 'kept' });
  console.log(`${what}: ${shown} (at most ${limit})${over ? ', over the budget' : ''}`);
}

async function repeat(measure) {
  const figures = [];
  for (let round = 0; round < REPEATS; round += 1) figures.push(await measure());
  return median(figures);
}

async function sweeps(browser, lab, trials, usable, brushed) {
  const sweep = lab.create(sweepOfMany(trials));
  lab.fill('trials', sweep);
  const { team, project } = await lab.api(`/sweeps/${sweep}`);
  const address = `${lab.address}/p/${team}/${project}/s/${sweep}`;
  const brushes = [];
  const took = await repeat(async () => {
    const opened = await openSweep(browser, address, trials);
    brushes.push(await brush(opened.page));
    await opened.page.context().close();
    return opened.took;
  });
  const name = `a sweep of ${trials.toLocaleString('en')} trials`;
  report(`${name} is usable`, took, usable, 'ms');
  report(`a move of a brush over it`, median(brushes), brushed, 'ms');
}

/** The milliseconds from the print of a row to its point on the page. */
async function freshness(browser, lab) {
  const page = await browser.open(lab.address + (await startTrial(lab)));
  await until('the curve', async () => (await lastStep(page)) === 29);
  await page.getByRole('button', { name: 'Live updates: live' }).waitFor();
  let step = 29;
  const took = await repeat(async () => {
    step += 1;
    const begun = Date.now();
    lab.write('more', '');
    await until('the point', async () => (await lastStep(page)) === step);
    return Date.now() - begun;
  });
  await page.context().close();
  return took;
}

/** A log of 100,000 lines and a table of 1,000,000 rows. */
async function long(browser, lab) {
  const [lines, rows] = [100_000, 1_000_000];
  lab.fill('long', 'long', lines, rows);
  const address = `${lab.address}/p/${TEAM}/long/r/long`;
  const log = await readLog(browser, address, lines);
  report('a log of 100,000 lines, its end', log.opened, 1_500, 'ms');
  report('its first line', log.first, 500, 'ms');
  report('its end again', log.end, 500, 'ms');
  report('a line that a search finds', log.found, 2_000, 'ms');
  const table = await readTable(browser, address, rows);
  report('a table of 1,000,000 rows, its first rows', table.opened, 1_500, 'ms');
  report('its last rows', table.end, 1_000, 'ms');
  report('its rows, sorted', table.sorted, 2_000, 'ms');
  report('its rows, filtered', table.filtered, 2_000, 'ms');
  report('memory of a page of them', Math.max(log.heap, table.heap) / 2 ** 20, 20, 'MiB');
  report('memory of the controller so far', lab.memory() / 2 ** 20, 512, 'MiB');
}

async function memory(browser, lab) {
  const live = await lab.live('live', 50, 1_000);
  const page = await watched(browser, `${lab.address}/p/${TEAM}/live`);
  await until('the curves', async () => (await chart(page, 'val/loss'))?.visible.length > 0);
  const wait = (time) => new Promise((done) => setTimeout(done, time));
  await wait(Math.min(60_000, minutes * 10_000));
  const first = await page.heap();
  await wait(minutes * 60_000);
  const last = await page.heap();
  await live.stop();
  return last / first;
}

const browser = await Browser.start();
const lab = await Lab.start();
try {
  const times = await beside(browser, REPEATS);
  for (const [kind, { ours, echarts }] of Object.entries(times)) {
    const what = kind === 'first' ? '50 curves, drawn' : '50 curves, replaced';
    report(what, ours, 150, 'ms');
    report(`${what}, beside React and ECharts`, ours / echarts, 0.25, 'times');
  }
  report('first paint', await repeat(() => firstPaint(browser, lab.address)), 500, 'ms');
  await sweeps(browser, lab, 1_000, 1_000, 50);
  await sweeps(browser, lab, 10_000, 2_000, 100);
  report('a point on the page after its call', await freshness(browser, lab), 1_000, 'ms');
  await long(browser, lab);
  const growth = await memory(browser, lab);
  report(`memory after ${minutes} minutes, beside that of the start`, growth, 1.2, 'times');
} finally {
  await browser.stop();
  await lab.stop();
}
console.table(lines);
process.exit(failed ? 1 : 0);
