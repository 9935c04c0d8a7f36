// Reports are written, kept and saved as files; every chart saves as a file; notes are Markdown.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { accessibilityProblems, Browser, chart, Lab, until } from './lab.js';
import { sweepOf, TRAIN } from './train.js';

const TRIALS = 8;
const TEXT = `# Findings

A **bold** word, [a page](/fleet), [a site](https://example.org) and <b>no tag</b>.

- [x] a task

| a | b |
|---|--:|
| 1 | 2 |
`;

function panel(id, title, shown, frozen = null) {
  return { kind: 'panel', id, title, panel: shown, frozen };
}

function curves(change = {}) {
  return {
    shows: 'curves',
    runs: [],
    filters: [],
    metric: 'val/loss',
    system: false,
    x: 'step',
    smooth: 0,
    log_x: false,
    log_y: false,
    outliers: true,
    ...change,
  };
}

describe('with a finished sweep', () => {
  let lab;
  let browser;
  let sweep;
  let place;
  let base;

  before(async () => {
    lab = await Lab.start();
    lab.write('train.py', TRAIN);
    sweep = lab.create(sweepOf({ trials: TRIALS }));
    lab.agent(sweep, '--slots', '2', '--data', 'node');
    const { team, project } = await lab.over(sweep);
    place = `/projects/${team}/${project}`;
    base = `${lab.address}/p/${team}/${project}`;
    browser = await Browser.start();
  });

  after(async () => {
    await browser?.stop();
    await lab?.stop();
  });

  async function send(method, path, body) {
    const headers = { 'Content-Type': 'application/json' };
    const answer = await fetch(`${lab.address}/api/v1${path}`, {
      method,
      headers,
      body: body && JSON.stringify(body),
    });
    const said = await answer.text();
    assert.ok(answer.ok, `${path}: ${said}`);
    return said ? JSON.parse(said) : null;
  }

  async function reported(title, blocks) {
    return (await send('POST', `${place}/reports`, { title, blocks, version: 0 })).id;
  }

  /** Every kind of panel that the sweep has data for. */
  async function everything() {
    const { runs } = await lab.api(`${place}/runs?limit=3`);
    const ids = runs.map(({ id }) => id);
    return [
      { kind: 'text', id: 'text', text: TEXT },
      panel('curves', 'Curves', curves()),
      panel('history', 'History', { shows: 'history', sweep, time: false, log_y: false }),
      panel('bars', 'Importance', { shows: 'importance', sweep }),
      panel('parallel', 'Parallel', { shows: 'parallel', sweep }),
      panel('slice', 'Slice', { shows: 'slice', sweep, parameter: 'lr' }),
      panel('table', 'Runs', {
        shows: 'table',
        runs: ids,
        filters: [],
        columns: ['config.lr', 'summary.val/loss'],
      }),
      panel('media', 'Pictures', { shows: 'media', run: ids[0], key: 'none', step: null }),
    ];
  }

  const isReady = (page) => page.locator('[data-ready="true"]').waitFor();

  /** What a click downloads: the name and the bytes of the file. */
  async function downloaded(page, click) {
    const [file] = await Promise.all([page.waitForEvent('download'), click()]);
    return { name: file.suggestedFilename(), bytes: readFileSync(await file.path()) };
  }

  test('a report is written in the page, and stores itself', async () => {
    const page = await browser.open(`${base}/reports`);
    await page.getByText('This project has no report yet').waitFor();
    await page.getByRole('button', { name: 'New report' }).click();
    await page.getByRole('textbox', { name: 'Title' }).fill('Our report');
    await page.getByRole('button', { name: 'Add text' }).click();
    await page.getByRole('textbox', { name: 'Text in Markdown' }).fill(TEXT);
    // The preview follows while the words are written.
    await page.getByRole('heading', { name: 'Findings' }).waitFor();
    await page.keyboard.press('Control+Enter');
    await page.getByRole('button', { name: 'Add a panel' }).click();
    const window = page.getByRole('dialog');
    await window.getByLabel('Metric', { exact: true }).fill('val/loss');
    await window.getByRole('button', { name: 'Add', exact: true }).click();
    const drawn = await until('the curves', async () => {
      const found = await chart(page, 'val/loss');
      return found?.table.rows.length > 0 && found;
    });
    assert.equal(drawn.visible.length, TRIALS);
    // The keyboard moves the panel above the text, and a removal can be taken back.
    await page.getByRole('button', { name: 'Settings' }).focus();
    await page.keyboard.press('Alt+ArrowUp');
    await page.getByRole('button', { name: 'Remove the text' }).click();
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText('Stored', { exact: true }).waitFor();
    assert.deepEqual(await accessibilityProblems(page), []);
    const id = new URL(page.url()).pathname.split('/').at(-1);
    const stored = await lab.api(`/reports/${id}`);
    assert.equal(stored.title, 'Our report');
    assert.deepEqual(
      stored.blocks.map(({ kind }) => kind),
      ['panel', 'text'],
    );
    assert.equal(stored.blocks[1].text, TEXT);
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByText('no tag').waitFor();
    assert.equal(await page.locator('.report b').count(), 0);
    const site = page.getByRole('link', { name: 'a site' });
    assert.match(await site.getAttribute('rel'), /noopener/);
    await page.getByRole('button', { name: 'Edit' }).click();
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('button', { name: 'Restore it' }).click();
    await page.getByRole('heading', { name: 'Findings' }).waitFor();
    assert.deepEqual(page.problems, []);
  });

  test('a second editor gets a conflict and loses no word', async () => {
    const id = await reported('Shared', [{ kind: 'text', id: 'a', text: 'before' }]);
    const page = await browser.open(`${base}/reports/${id}?edit=1`);
    await page.getByText('before').waitFor();
    const blocks = [{ kind: 'text', id: 'a', text: 'theirs' }];
    await send('PUT', `/reports/${id}`, { title: 'Shared', blocks, version: 1 });
    await page.getByRole('button', { name: 'Edit text' }).click();
    await page.getByRole('textbox', { name: 'Text in Markdown' }).fill('mine');
    await page.getByRole('alert').getByText('has changed this report').waitFor();
    assert.equal((await lab.api(`/reports/${id}`)).blocks[0].text, 'theirs');
    await page.getByRole('button', { name: 'Keep mine as a new report' }).click();
    const copy = await until('the copy', async () => {
      const { reports } = await lab.api(`${place}/reports?search=copy`);
      return reports[0];
    });
    await until('the words of the copy', async () => {
      return (await lab.api(`/reports/${copy.id}`)).blocks[0]?.text === 'mine';
    });
    assert.deepEqual(page.problems, []);
  });

  test('a chart is added to a report, and a frozen panel outlives its runs', async () => {
    const spare = lab.create(sweepOf({ name: 'spare', trials: 2 }));
    lab.agent(spare, '--slots', '2', '--data', 'spare');
    await lab.over(spare);
    const page = await browser.open(`${base}/s/${spare}`);
    await until('the history', async () => (await chart(page, 'Best so far'))?.visible.length);
    await page.locator('.chart-place').first().hover();
    await page.getByRole('button', { name: 'Save or add Best so far' }).click();
    await page.getByRole('button', { name: 'Add to a report' }).click();
    const window = page.getByRole('dialog');
    await window.getByRole('combobox').selectOption({ label: 'A new report' });
    await window.getByLabel('Title').fill('From the sweep');
    await window.getByRole('button', { name: 'Add', exact: true }).click();
    await window.getByRole('link', { name: 'From the sweep' }).click();
    await page.getByRole('button', { name: 'Edit' }).click();
    await page.getByRole('button', { name: 'Freeze' }).click();
    await page.getByRole('button', { name: 'Frozen' }).waitFor();
    await page.getByText('Stored', { exact: true }).waitFor();
    lab.command('rm', spare);
    await page.reload();
    const kept = await until('the kept points', async () => {
      const found = await chart(page, 'Best so far');
      return found?.visible.length === 2 && found;
    });
    assert.equal(kept.table.rows.length, 2);
    assert.deepEqual(page.problems, []);
  });

  test('the report is one file of HTML that needs nothing else', async () => {
    const id = await reported('All <kinds>', await everything());
    const page = await browser.open(`${base}/reports/${id}`);
    const button = page.getByRole('button', { name: 'HTML' });
    const { name, bytes } = await downloaded(page, () => button.click());
    assert.equal(name, 'vision-All_kinds.html');
    const path = join(lab.folder, name);
    writeFileSync(path, bytes);
    for (const colorScheme of ['light', 'dark']) {
      const file = await browser.open('about:blank', { colorScheme, offline: true });
      const asked = [];
      file.on('request', (request) => asked.push(request.url()));
      await file.goto(`file://${path}`);
      assert.equal(await file.title(), 'All <kinds>');
      assert.equal(await file.locator('svg:visible').count(), 5, colorScheme);
      const words = await file.locator('main').innerText();
      for (const part of ['Findings', 'no tag', 'step', 'lr', 'has no media']) {
        assert.ok(words.includes(part), part);
      }
      assert.equal(await file.locator('main table').count(), 2);
      assert.deepEqual(asked.length, 1, `${asked}`);
      assert.equal(await file.locator('script').count(), 0);
      assert.deepEqual(file.problems, []);
      assert.deepEqual(await accessibilityProblems(file), []);
    }
    assert.deepEqual(page.problems, []);
  });

  test('on paper, the report has all of its panels, and none is cut', async () => {
    const blocks = await everything();
    const id = await reported('On paper', blocks);
    const page = await browser.open(`${base}/reports/${id}?print=1`, {
      viewport: { width: 718, height: 1000 },
    });
    await isReady(page);
    // Each chart is a picture that is loaded before the paper is.
    const pictures = page.locator('img.still');
    assert.equal(await pictures.count(), 5);
    await until('the pictures', () =>
      pictures.evaluateAll((all) => all.every((one) => one.naturalWidth > 0)),
    );
    await page.emulateMedia({ media: 'print' });
    assert.equal(await page.getByRole('button', { name: 'Back' }).isVisible(), false);
    const broken = await page
      .locator('.panel')
      .evaluateAll((all) =>
        all
          .filter((one) => getComputedStyle(one).breakInside !== 'avoid')
          .map((one) => one.title),
      );
    assert.deepEqual(broken, []);
    const pdf = await page.pdf({ format: 'A4' });
    const pages = pdf.toString('latin1').match(/\/Type\s*\/Page\b/g)?.length ?? 0;
    assert.ok(pages >= 3 && pages <= 6, `${pages} pages`);
    assert.deepEqual(page.problems, []);
  });

  test('every chart saves as PNG, SVG and CSV', async () => {
    const { best_run: run } = await lab.api(`/sweeps/${sweep}`);
    const page = await browser.open('about:blank');
    const alone = await browser.open('about:blank');
    const charts = [
      [`/s/${sweep}`, 'Best so far', /^run,trial,state,val\/loss,best so far\r\n/],
      [`/s/${sweep}`, 'What matters', /^name,/],
      [`/s/${sweep}`, 'All parameters', /lr,optimizer,val\/loss\r\n/],
      [`/s/${sweep}`, 'Slice of lr', /^run,lr,val\/loss/],
      [`/r/${run}`, 'val/loss', /^step,.*\r\n0,/],
      ['/../../../fleet', 'What ran where', /\d{4}-\d\d-\d\dT/],
    ];
    for (const [path, label, columns] of charts) {
      await page.goto(new URL(base + path).href);
      await until(label, async () => (await chart(page, label))?.table.rows.length);
      const menu = page.getByRole('button', { name: `Save or add ${label}`, exact: true });
      const files = {};
      for (const kind of ['PNG', 'SVG', 'CSV']) {
        await menu.focus();
        await menu.press('Enter');
        const item = page.getByRole('button', { name: `Save as ${kind}` });
        files[kind] = await downloaded(page, () => item.press('Enter'));
        await page.keyboard.press('Escape');
        const ending = new RegExp(`^[\\w.-]+\\.${kind.toLowerCase()}$`);
        assert.match(files[kind].name, ending, label);
      }
      assert.equal(files.PNG.bytes.subarray(1, 4).toString(), 'PNG', label);
      assert.match(files.CSV.bytes.toString(), columns, label);
      const path_ = join(lab.folder, 'chart.svg');
      writeFileSync(path_, files.SVG.bytes);
      await alone.goto(`file://${path_}`);
      const { width, ground, texts } = await alone.evaluate(() => ({
        width: document.documentElement.getBoundingClientRect().width,
        ground: document.querySelector('rect')?.getAttribute('fill'),
        texts: document.querySelectorAll('text').length,
      }));
      assert.ok(width > 100 && ground && texts > 1, `${label}: ${width} ${ground} ${texts}`);
    }
    const answer = await lab.api(`/runs/${run}`);
    await page.goto(`${base}/s/${sweep}`);
    await until('the history', async () => (await chart(page, 'Best so far'))?.visible.length);
    const csv = await page.evaluate(() => {
      const all = [...document.querySelectorAll('.chart')];
      return all.find((one) => one.getAttribute('aria-label') === 'Best so far').chart.csv();
    });
    assert.ok(csv.includes(String(answer.value)), 'the CSV has every digit');
    assert.deepEqual(page.problems, []);
  });

  test('runs are compared beside each other, and a run that is gone leaves the rest', async () => {
    const { runs } = await lab.api(`${place}/runs`);
    const ids = runs.map(({ id }) => id);
    const page = await browser.open(`${base}/compare?runs=${[...ids, 'nothing'].join(',')}`, {
      viewport: { width: 390, height: 844 },
    });
    await page.getByText('1 run of the address is gone.').waitFor();
    const line = page.getByRole('region', { name: 'Summaries' }).getByRole('row', {
      name: /^val\/loss/,
    });
    assert.equal(await line.getByRole('cell').count(), TRIALS);
    assert.match(await line.getByRole('cell').nth(1).innerText(), /[+−][\d.e-]+ \(/);
    const name = runs[1].name || runs[1].id;
    await page.getByRole('button', { name: `Compare with ${name}` }).click();
    await until('no difference to itself', async () => {
      return !(await line.getByRole('cell').nth(1).innerText()).includes('(');
    });
    // The page never grows beyond the phone; the tables scroll.
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
    const drawn = await until('the curves', async () => {
      await page.getByRole('region', { name: 'val/loss' }).scrollIntoViewIfNeeded();
      const found = await chart(page, 'val/loss');
      return found?.visible.length === TRIALS && found;
    });
    assert.equal(drawn.table.columns.length, TRIALS + 1);
    assert.deepEqual(await accessibilityProblems(page), []);
    assert.deepEqual(page.problems, []);
  });

  test('notes of a run are Markdown, and hostile ones stay text', async () => {
    const { best_run: run } = await lab.api(`/sweeps/${sweep}`);
    const notes =
      '## A note\n\n<img src=x onerror="window.hit = 1">\n\n[bad](javascript:window.hit=1) ' +
      '![out](https://example.org/x.png) `code`';
    await send('PATCH', `/runs/${run}`, { notes });
    const page = await browser.open(`${base}/r/${run}`);
    const asked = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.getByRole('heading', { name: 'A note' }).waitFor();
    await page.getByText('onerror').waitFor();
    assert.equal(await page.getByRole('link', { name: 'bad' }).count(), 0);
    assert.equal(await page.locator('.markdown img').count(), 0);
    assert.equal(await page.evaluate(() => window.hit), undefined);
    assert.ok(asked.every((url) => !url.includes('example.org')));
    assert.deepEqual(page.problems, []);
  });

  for (const colorScheme of ['light', 'dark']) {
    test(`reports are accessible in ${colorScheme}`, async () => {
      const id = await reported('Accessible', await everything());
      const page = await browser.open(`${base}/reports/${id}`, {
        colorScheme,
        viewport: { width: 1440, height: 4000 },
      });
      await isReady(page);
      assert.deepEqual(await accessibilityProblems(page), []);
      await page.goto(`${base}/reports`);
      await page.getByRole('link', { name: 'Accessible' }).first().waitFor();
      assert.deepEqual(await accessibilityProblems(page), []);
      assert.deepEqual(page.problems, []);
    });
  }
});
