// People steer sweeps, compare them, and see what the fleet does, in a browser with real agents.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { accessibilityProblems, Browser, chart, Lab, until } from './lab.js';
import { sweepOf, TRAIN } from './train.js';

/** Every trial above this rate fails. */
const FAILING = `${TRAIN}
if lr > 0.5: sys.exit("the rate is too large")
`;

describe('with sweeps and an agent', () => {
  let lab;
  let browser;
  let done;
  let failing;
  let lonely;
  let base;

  const sweepAt = (id) => lab.api(`/sweeps/${id}`);

  before(async () => {
    lab = await Lab.start();
    lab.write('train.py', FAILING);
    failing = lab.create(sweepOf({ name: 'failing', trials: 8 }));
    lab.agent(failing, '--slots', '2', '--data', 'one');
    await lab.over(failing);
    lab.write('train.py', TRAIN);
    done = lab.create(sweepOf({ name: 'done', trials: 3, seed: 2 }));
    lab.agent(done, '--slots', '2', '--data', 'two');
    await lab.over(done);
    lonely = lab.create(sweepOf({ name: 'lonely', trials: 4 }));
    const { team, project } = await sweepAt(done);
    base = `${lab.address}/p/${team}/${project}`;
    browser = await Browser.start();
  });

  after(async () => {
    await browser?.stop();
    await lab?.stop();
  });

  test('the cap of a finished sweep rises, and an agent tries more trials', async () => {
    const page = await browser.open(`${base}/s/${done}`);
    await page.getByRole('button', { name: 'More trials' }).click();
    await page.getByRole('spinbutton', { name: 'Further trials' }).fill('2');
    await page.getByText('The sweep opens again').waitFor();
    await page.getByRole('button', { name: 'Add 2 trials' }).click();
    await page.getByText('of 5', { exact: false }).first().waitFor();
    await page.getByText('(run_cap was 3)').waitFor();
    lab.agent(done, '--slots', '2', '--data', 'two');
    await lab.over(done);
    assert.equal((await sweepAt(done)).counts.trials, 5);
    assert.deepEqual(page.problems, []);
  });

  test('a clone shows every problem at its place, and becomes a sweep', async () => {
    const page = await browser.open(`${base}/s/${done}`);
    await page.getByRole('link', { name: 'Clone' }).click();
    const field = page.getByRole('textbox', {
      name: 'Configuration of the sweep',
    });
    await until('the file', async () => (await field.inputValue()).includes('name: "done"'));
    await page.getByText('Valid', { exact: true }).waitFor();
    const yaml = await field.inputValue();
    await field.fill(yaml.replace('run_cap: 3', 'run_cap: none').replace('method: ', 'methud: '));
    await page.getByText('errors to repair').waitFor();
    const problem = page.getByRole('button', { name: /run_cap: none/ });
    await problem.click();
    const marked = await field.evaluate((element) => {
      return element.value.slice(element.selectionStart, element.selectionEnd);
    });
    assert.equal(marked, 'none');
    assert.ok(await page.getByRole('button', { name: 'Create the sweep' }).isDisabled());
    assert.deepEqual(await accessibilityProblems(page), []);
    await field.fill(yaml.replace('"done"', 'clone'));
    await page.getByRole('button', { name: 'Start from its results' }).click();
    // A random search learns nothing from earlier trials, and the check says so.
    await page.getByText('Valid, with 1 warning').waitFor();
    await page.getByRole('button', { name: 'Create the sweep' }).click();
    await page.waitForURL(/\/s\/[^/?]+$/);
    await page.getByRole('heading', { name: 'clone', exact: true }).waitFor();
    const id = page.url().split('/').at(-1);
    assert.match((await sweepAt(id)).yaml, new RegExp(`warm_start: \\[${done}\\]`));
    // A cancel says first what happens.
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByText('The sweep is over at once.').waitFor();
    await page.getByText('No trial runs now.').waitFor();
    await page.getByRole('button', { name: 'Keep it running' }).click();
    assert.equal((await sweepAt(id)).state, 'pending');
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Cancel the sweep' }).click();
    await until('the cancel', async () => (await sweepAt(id)).state === 'cancelled');
    assert.deepEqual(page.problems, []);
  });

  test('chosen trials that failed run again', async () => {
    const { counts } = await sweepAt(failing);
    assert.ok(counts.failed > 1, `${counts.failed} failed`);
    const page = await browser.open(`${base}/s/${failing}?tab=trials&state=failed`);
    await page.getByRole('checkbox', { name: 'Choose the row' }).first().check();
    await page.getByRole('button', { name: 'Retry 1 chosen' }).click();
    await page.getByText('1 trial queued again').waitFor();
    await until('one queued', async () => (await sweepAt(failing)).counts.queued === 1);
    assert.deepEqual(page.problems, []);
  });

  test('the list compares the best values of sweeps', async () => {
    const page = await browser.open(`${base}/sweeps?filter=random`);
    await page.getByRole('img', { name: /The best value of done improved/ }).waitFor();
    await page.getByRole('checkbox', { name: 'Choose done' }).check();
    await page.getByRole('checkbox', { name: 'Choose failing' }).check();
    const drawn = await until('both curves', async () => {
      const found = await chart(page, 'Best so far');
      return found?.visible.length === 2 && found;
    });
    assert.deepEqual(drawn.visible.toSorted(), [done, failing].toSorted());
    const { best_value: value } = await sweepAt(done);
    assert.ok(drawn.table.rows.flat().includes(value), `${value}`);
    await page.getByRole('button', { name: 'Run hours' }).click();
    await until('the other axis', () => page.url().includes('x=cost'));
    await page.getByRole('columnheader', { name: 'lr', exact: true }).waitFor();
    assert.deepEqual(await accessibilityProblems(page), []);
    assert.deepEqual(page.problems, []);
  });

  test('the fleet says what each slot does, what waits and why', async () => {
    lab.write('hold', '');
    const held = lab.create(sweepOf({ name: 'held', trials: 9 }));
    lab.agent(held, '--slots', '2', '--data', 'three');
    await until('two trials', async () => (await sweepAt(held)).counts.running === 2);
    const page = await browser.open(`${lab.address}/fleet`);
    await page.getByText('All 2 of its slots are busy.').waitFor();
    await page.getByText('No agent serves it.').first().waitFor();
    const runs = page.getByRole('link', { name: new RegExp(`^${held}-`) });
    await until('both runs', async () => (await runs.count()) === 2);
    // The agent says how busy its machine is.
    await page.getByText('GB free').first().waitFor();
    await until('the spans', async () => {
      return (await chart(page, 'What ran where'))?.visible.length >= 10;
    });
    await page.getByRole('button', { name: 'Result', exact: true }).click();
    await until('the colour in the address', () => page.url().includes('colour=result'));
    assert.deepEqual(await accessibilityProblems(page), []);
    const phone = await browser.open(`${lab.address}/fleet`, {
      viewport: { width: 390, height: 844 },
      colorScheme: 'dark',
    });
    await phone.getByText('GB free').first().waitFor();
    const wide = await phone.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= 390, `${wide} pixels wide`);
    assert.deepEqual(await accessibilityProblems(phone), []);
    await runs.first().click();
    await page.waitForURL(/\/r\//);
    assert.deepEqual([...page.problems, ...phone.problems], []);
  });

  test('the timeline of a sweep has a span for every attempt', async () => {
    const page = await browser.open(`${base}/s/${failing}?tab=timeline`);
    const drawn = await until('the spans', async () => {
      const found = await chart(page, 'Timeline');
      return found?.visible.length >= 7 && found;
    });
    assert.ok(drawn.table.rows.some((row) => row.includes('failed')));
    assert.deepEqual(page.problems, []);
  });

  test('the home page says what to do about a sweep that nobody serves', async () => {
    const page = await browser.open(lab.address);
    await page.getByText('the sweep waits, because no agent serves it').first().waitFor();
    await page.getByText(`start \`agent ${lonely}\` on a machine`).waitFor();
    assert.deepEqual(await accessibilityProblems(page), []);
    assert.deepEqual(page.problems, []);
  });
});
