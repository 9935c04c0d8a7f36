// The workspace of a project: saved views, groups, best values, names, order, live lists and keys.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { accessibilityProblems, Browser, chart, Lab, until } from './lab.js';
import { Logger, TEAM } from './logger.js';

const BASE = `/p/${TEAM}/space`;
/** Where a request may send or answer at most, in bytes. */
const LARGE = 1 << 20;

/** Six runs: those with an odd number have no tag, and log only every second step. */
const SIX = Array.from({ length: 6 }, (_, at) => ({
  name: `run-${at}`,
  tags: at % 2 ? [] : ['good', at === 0 ? 'first' : 'late'],
  config: { lr: 0.1 * (at + 1), optimizer: at < 3 ? 'adam' : 'sgd', same: 1 },
  goals: { acc: 'max' },
  rows: Array.from({ length: at % 2 ? 6 : 11 }, (_, row) => {
    const step = row * (at % 2 ? 2 : 1);
    return {
      _step: step,
      epoch: step / 10,
      loss: at + 10 - step + (step === 3 ? -20 : 0),
      acc: step === 5 ? 0.9 : 0.1 * at,
    };
  }),
}));

describe('a workspace', () => {
  let lab;
  let browser;

  before(async () => {
    lab = await Lab.start();
    await new Logger(lab, 'space').runs(SIX);
    browser = await Browser.start();
  });

  after(async () => {
    await browser?.stop();
    await lab?.stop();
  });

  const open = async (query = '') => {
    const page = await browser.open(lab.address + BASE + query);
    await page.getByRole('heading', { name: 'space' }).waitFor();
    return page;
  };
  const query = (page) => new URL(page.url()).searchParams;
  const visible = (page, label) =>
    until(`the chart ${label}`, async () => {
      const found = await chart(page, label);
      return found?.visible.length > 0 && found;
    });
  const names = (page) =>
    page
      .getByRole('region', { name: 'Runs' })
      .getByRole('link')
      .allInnerTexts()
      .then((texts) => texts.map((text) => text.trim()));

  test('a view is saved, changed, opened by its link, made standard and removed', async () => {
    const page = await open('?filter=config.lr+%3C+0.35&sort=-config.lr&smooth=0.5');
    await page.getByRole('button', { name: 'Views' }).click();
    await page.getByRole('textbox', { name: 'Name of a new view' }).fill('low rates');
    await page.getByRole('button', { name: 'Save as' }).click();
    await until('the name of the view', () => query(page).get('view'));
    await page.getByRole('slider', { name: /smoothing/ }).fill('0.25');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await until('the saved change', () =>
      page.getByRole('button', { name: 'Save', exact: true }).isDisabled(),
    );
    await page.getByRole('button', { name: 'Rename' }).first().click();
    await page.getByRole('textbox', { name: 'New name of the view' }).fill('small rates');
    await page.locator('form').getByRole('button', { name: 'Rename' }).click();
    await page
      .getByRole('button', { name: 'small rates standard' })
      .or(page.getByRole('button', { name: 'small rates' }))
      .first()
      .waitFor();
    await page.getByRole('button', { name: 'Make standard' }).click();
    await page.getByRole('button', { name: 'Not standard' }).waitFor();
    assert.deepEqual(await accessibilityProblems(page), []);

    const other = await open(`?view=${query(page).get('view')}`);
    await until('the state of the view', () => query(other).get('smooth') === '0.25');
    await until('its runs', async () => (await names(other)).length === 3);
    assert.deepEqual(await names(other), ['run-2', 'run-1', 'run-0']);
    const plain = await open();
    await until('the standard view', () => query(plain).get('sort') === '-config.lr');

    await page.getByRole('button', { name: 'Remove', exact: true }).click();
    await page.getByText('No view is saved yet').waitFor();
    const fresh = await open();
    await until('all runs', async () => (await names(fresh)).length === 6);
    assert.equal(query(fresh).get('sort'), null);
    for (const one of [page, other, plain]) assert.deepEqual(one.problems, []);
  });

  test('groups are drawn as a mean with a band, and runs without a value are one', async () => {
    const page = await open('?group=tags');
    const { table, visible: ids } = await visible(page, 'loss');
    assert.equal(ids.length, 4);
    assert.deepEqual(table.columns, [
      'step',
      'first · 1',
      'good · 3',
      'late · 2',
      'without tags · 3',
    ]);
    // At step 1, the runs without tags count on the line between their steps 0 and 2.
    assert.deepEqual(
      table.rows[1].map((value) => Math.round(value * 100) / 100),
      [1, 9, 11, 12, 12],
    );
    await page.getByRole('button', { name: 'mean ± deviation' }).click();
    await page.getByRole('button', { name: 'all lines' }).click();
    await until('a line for each run', async () => {
      return (await chart(page, 'loss'))?.visible.length === 6;
    });
    await page.getByRole('button', { name: /^good · 3 runs/ }).click();
    await until('a closed group', async () => (await names(page)).length === 6);
    assert.equal(query(page).get('closed'), 'good');
    await page.getByRole('combobox', { name: 'group by' }).selectOption('config.optimizer');
    await page.getByRole('button', { name: /^sgd · 3 runs/ }).waitFor();
    assert.deepEqual(page.problems, []);
    assert.deepEqual(await accessibilityProblems(page), []);
  });

  test('a column shows the best value, and asks for a goal that nobody knows', async () => {
    const page = await open('?tab=table&cols=summary.acc,summary.loss&stat=best&sort=name');
    const cells = () => page.getByRole('row').nth(1).getByRole('cell').allInnerTexts();
    await until('the best accuracy', async () => (await cells()).some((text) => text === '0.9'));
    assert.ok(!(await cells()).includes('-13'), 'the goal of the loss is not known yet');
    await page.getByText('Best loss is').getByRole('button', { name: 'low' }).click();
    await until('the least loss', async () =>
      (await cells()).some((text) => /^[-−]13$/.test(text)),
    );
    assert.equal(query(page).get('goal'), 'loss:min');
    await page.getByRole('button', { name: 'max', exact: true }).click();
    await until('the largest loss', async () => (await cells()).includes('10'));
    assert.deepEqual(page.problems, []);
    assert.deepEqual(await accessibilityProblems(page), []);
  });

  test('the box beside the pointer and the legend name what differs', async () => {
    const page = await open('?legend=1&label=config.optimizer&order=last');
    await visible(page, 'loss');
    const legend = page.getByRole('list', { name: 'Legend' }).last();
    await until('the names with values', async () =>
      (await legend.innerText()).includes('run-5 · optimizer sgd'),
    );
    // Without a goal, a low value is shown first.
    const first = await legend.getByRole('listitem').first().innerText();
    assert.match(first, /run-0/);
    await page.locator('.chart[aria-label="loss"]').hover();
    const tip = page.getByRole('tooltip');
    await tip.waitFor();
    const said = await tip.innerText();
    assert.match(said, /lr/);
    assert.doesNotMatch(said, /same/, 'a value that all runs share is left out');
    assert.deepEqual(page.problems, []);
  });

  test('charts are pinned, sorted by relevance, and follow any axis', async () => {
    const page = await open('?x=metric:epoch&panels=relevance&pin=loss&log=1&logx=1');
    const found = await visible(page, 'loss');
    assert.equal(found.table.columns[0], 'epoch');
    const titles = await page.locator('.charts section h2').allInnerTexts();
    const metrics = titles.map((title) => title.replace(/\s+\d+$/, ''));
    assert.deepEqual(metrics.slice(0, 4), ['pinned', 'loss', 'metrics', 'acc']);
    const axis = page.getByRole('combobox', { name: 'x', exact: true });
    for (const [value, name] of [
      ['time', 'time'],
      ['step', 'step'],
      ['metric:acc', 'acc'],
    ]) {
      await axis.selectOption(value);
      await until(`the axis ${name}`, async () => {
        return (await chart(page, 'loss'))?.table.columns[0] === name;
      });
    }
    await page.getByRole('button', { name: 'Pin acc to the top' }).click();
    assert.deepEqual(query(page).getAll('pin'), ['loss', 'acc']);
    assert.deepEqual(page.problems, []);
  });

  test('the search finds names, tags and configs, and the picker begins with a few', async () => {
    const page = await open('?q=sgd');
    await until('the runs with sgd', async () => (await names(page)).length === 3);
    const field = page.getByRole('searchbox', { name: 'Search names, tags and configs' });
    await field.fill('good adam');
    await until('both words', async () => (await names(page)).length === 2);
    await page.goto(`${lab.address}${BASE}?tab=table&cols=config.lr`);
    await page.getByRole('button', { name: 'Columns' }).click();
    const boxes = page.getByRole('group', { name: 'Columns' }).getByRole('checkbox');
    assert.ok((await boxes.count()) <= 13);
    await page.getByRole('searchbox', { name: 'Find a column' }).fill('tags');
    await page.getByRole('checkbox', { name: 'tags' }).check();
    await page.getByRole('columnheader', { name: 'tags' }).waitFor();
    await page.getByRole('button', { name: 'pin tags at the left' }).click();
    assert.equal(query(page).get('left'), 'tags');
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'CSV' }).click();
    const { readFileSync } = await import('node:fs');
    const csv = readFileSync(await (await download).path(), 'utf8');
    const lines = csv.trim().split(/\r?\n/);
    assert.equal(lines[0], 'id,name,tags,state,value,config.lr,created_ms');
    assert.equal(lines.length, 7);
    assert.ok(csv.includes('"good, first"'), csv);
    assert.deepEqual(page.problems, []);
  });

  test('a new run waits until the reader takes it in', async () => {
    const page = await open('?sort=name');
    await until('the runs', async () => (await names(page)).length === 6);
    await page.getByRole('button', { name: 'Live updates: live' }).waitFor();
    await new Logger(lab, 'space').runs([{ ...SIX[0], name: 'a-new-one', tags: ['late'] }]);
    const waiting = page.getByRole('button', { name: '1 new ▸' });
    await waiting.waitFor();
    assert.equal((await names(page))[0], 'run-0');
    await waiting.click();
    await until('the new run', async () => (await names(page))[0] === 'a-new-one');
    await waiting.waitFor({ state: 'detached' });
    assert.deepEqual(page.problems, []);
  });

  test('keys fill the screen, mark the baseline, and change the axis', async () => {
    const page = await open('?sort=name&q=run-');
    await visible(page, 'loss');
    await page.locator('.chart[aria-label="loss"]').hover();
    await page.keyboard.press('f');
    await page.getByRole('button', { name: 'Leave the full screen' }).waitFor();
    const size = await page.locator('.chart[aria-label="loss"]').boundingBox();
    assert.ok(size.height > 700, `${size.height}`);
    await page.keyboard.press('Escape');
    await page
      .getByRole('button', { name: 'Leave the full screen' })
      .waitFor({ state: 'detached' });
    for (const key of ['j', 'b', 'l']) await page.keyboard.press(key);
    await until('the baseline', () => query(page).get('base') === 'run-0');
    assert.equal(query(page).get('log'), '1');
    for (const key of ['x', 'j', 'x', 'c']) await page.keyboard.press(key);
    await page.getByRole('heading', { name: 'Compare 2 runs' }).waitFor();
    await page.getByText('+0.1').waitFor();
    assert.deepEqual(page.problems, []);
    assert.deepEqual(await accessibilityProblems(page), []);
  });

  test('chosen runs are edited together, and a filter finds them at once', async () => {
    const page = await open('?filter=config.lr+%3E+0.45');
    await until('two runs', async () => (await names(page)).length === 2);
    for (const key of ['j', 'x', 'j', 'x']) await page.keyboard.press(key);
    await page.getByRole('button', { name: 'Edit', exact: true }).click();
    const dialog = page.getByRole('dialog', { name: 'Edit 2 runs' });
    await dialog.getByLabel('Tags to add').fill('kept');
    await dialog.getByLabel('Group').fill('night');
    await dialog.getByLabel('Config value').fill('note');
    await dialog.getByLabel('Its value').fill('again');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'detached' });
    const found = await open('?filter=config.note+%3D+again&filter=tags+%3D+kept');
    await until('the edited runs', async () => (await names(found)).length === 2);
    const edited = await lab.api('/runs/run-5');
    assert.deepEqual([edited.group, edited.tags], ['night', ['kept']]);
    assert.deepEqual(page.problems, []);
  });

  test('a value of the summary is changed by hand and taken back', async () => {
    const page = await browser.open(`${lab.address}${BASE}/r/run-1?tab=config`);
    await page.getByRole('button', { name: 'Edit values' }).click();
    const dialog = page.getByRole('dialog', { name: 'Edit values' });
    await dialog.getByLabel('Name').fill('loss');
    await dialog.getByLabel('Value').fill('0.5');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByText('1 changed by hand').waitFor();
    const found = await open('?filter=summary.loss+%3D+0.5');
    await until('the changed run', async () => (await names(found)).join() === 'run-1');
    await page.getByRole('button', { name: 'Edit values' }).click();
    assert.deepEqual(await accessibilityProblems(page), []);
    await dialog.getByRole('button', { name: 'Take back the change of loss' }).click();
    await page.getByText('1 changed by hand').waitFor({ state: 'detached' });
    assert.equal((await lab.api('/runs/run-1')).summary.loss, 1);
    assert.deepEqual(page.problems, []);
  });

  test('ten thousand runs are listed, sorted and grouped, and no answer is large', async () => {
    const many = Array.from({ length: 10_000 }, (_, at) => ({
      name: `many-${String(at).padStart(5, '0')}`,
      config: { lr: at / 10_000, optimizer: ['adam', 'sgd'][at % 2] },
      rows: [
        { _step: 0, loss: at },
        { _step: 1, loss: -at },
      ],
    }));
    await new Logger(lab, 'many').runs(many);
    const page = await browser.open('about:blank');
    const large = [];
    page.on('response', async (response) => {
      if (!response.url().includes('/api/v1/') || response.url().includes('/events')) return;
      const sent = response.request().postData()?.length ?? 0;
      const bytes = (await response.body().catch(() => Buffer.alloc(0))).length;
      if (Math.max(sent, bytes) > LARGE) large.push(`${response.url()}: ${sent}, ${bytes}`);
    });
    await page.goto(`${lab.address}/p/${TEAM}/many?sort=-config.lr&group=config.optimizer`);
    await page.getByText('10,000 runs', { exact: true }).waitFor();
    await page.getByRole('link', { name: 'many-09998' }).waitFor();
    assert.ok((await names(page)).length < 60, 'only the rows that can be seen are in the page');
    const { table } = await visible(page, 'loss');
    assert.deepEqual(table.columns.slice(1), ['adam · 5000', 'sgd · 5000']);
    assert.deepEqual(table.rows[0].slice(1), [4999, 5000]);
    await page.getByRole('tab', { name: 'Table' }).click();
    await page.getByRole('columnheader', { name: 'loss' }).getByRole('button').click();
    await page
      .getByRole('cell', { name: '-9,998', exact: true })
      .or(page.getByRole('cell', { name: '-9998', exact: true }))
      .first()
      .waitFor();
    assert.deepEqual(large, []);
    assert.deepEqual(page.problems, []);
  });
});
