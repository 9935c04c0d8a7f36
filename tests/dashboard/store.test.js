// What is stored: artifacts with their files and lineage, the bin, and the settings.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { Logger, TEAM } from './logger.js';
import { accessibilityProblems, Browser, chart, Lab, logIn, until } from './lab.js';

let browser;
/** The pages of the current test. No page may break the policy. */
let pages = [];

before(async () => {
  browser = await Browser.start();
});

after(() => browser?.stop());

afterEach(() => {
  const opened = pages;
  pages = [];
  for (const page of opened) assert.deepEqual(page.problems, []);
});

async function visit(address, options) {
  const page = await browser.open(address, options);
  pages.push(page);
  return page;
}

function heading(page, name) {
  return page.getByRole('heading', { level: 1, name });
}

describe('on a controller that everybody may use', () => {
  let lab;
  let base;

  before(async () => {
    lab = await Lab.start();
    base = `${lab.address}/p/${TEAM}/vision`;
    const logger = new Logger(lab, 'vision');
    const load = await logger.run('load');
    await logger.artifact(load, 'digits', 'dataset', {
      'train/a.csv': 'x,y\n1,"2,5"\n',
      'train/b.csv': 'x,y\n',
      'notes.txt': 'the first words',
    });
    const files = {
      'train/a.csv': 'x,y\n1,3\n',
      'notes.txt': 'the first words',
      'page.html': '<script>document.title = "taken"</script>',
    };
    const digits = await logger.artifact(load, 'digits', 'dataset', files);
    for (let index = 0; index < 11; index += 1) {
      const run = await logger.run(`train-${index}`);
      await logger.use(run, digits);
      await logger.artifact(run, 'net', 'model', { w: `weights ${index}` });
      await logger.finish(run);
    }
    // A run that is not over cannot be deleted, so this one ends too.
    await logger.finish(load);
  });

  after(() => lab?.stop());

  test('artifacts are found, labelled and described', async () => {
    const page = await visit(`${base}/artifacts`);
    await heading(page, 'Artifacts of vision').waitFor();
    const models = page.getByRole('region', { name: 'model', exact: true });
    await models.getByRole('link', { name: 'net' }).waitFor();
    assert.deepEqual(await accessibilityProblems(page), []);
    await page.getByLabel('Search names and types').fill('DIGI');
    await page.waitForURL(/q=DIGI/);
    await models.waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'digits' }).click();
    await heading(page, 'digits').waitFor();
    assert.deepEqual(await accessibilityProblems(page), []);
    await page.getByRole('link', { name: 'v1', exact: true }).click();
    await heading(page, 'digits:v1').waitFor();
    await page.getByRole('button', { name: '+ alias' }).click();
    await page.getByLabel('New alias').fill('v3');
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    await page.getByRole('alert').waitFor();
    await page.getByLabel('New alias').fill('best');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Remove the alias best' }).waitFor();
    await page.getByRole('button', { name: 'Edit', exact: true }).click();
    await page.getByRole('textbox', { name: 'Description' }).fill('clean <b>digits</b>');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('clean <b>digits</b>').waitFor();
    await page.getByText('sweep artifact get home/vision/digits:v1').waitFor();
    assert.deepEqual(await accessibilityProblems(page), []);
    // The link of W&B leads here too.
    await page.goto(`${lab.address}/${TEAM}/vision/artifacts/dataset/digits/best`);
    await heading(page, 'digits:v1').waitFor();
  });

  test('a folder opens, and a file shows its text or its table', async () => {
    const page = await visit(`${base}/artifacts/digits/v0?tab=files`);
    await page.getByRole('button', { name: 'notes.txt' }).click();
    await page.getByLabel('Text of notes.txt').getByText('the first words').waitFor();
    await page.getByRole('button', { name: 'train/' }).click();
    await page.getByRole('button', { name: 'a.csv' }).click();
    const table = page.getByRole('region', { name: 'Data of train/a.csv' });
    await table.getByRole('cell', { name: '2,5' }).waitFor();
    assert.deepEqual(await accessibilityProblems(page), []);
    const link = page.getByRole('link', { name: 'Download train/a.csv' });
    const [download] = await Promise.all([page.waitForEvent('download'), link.click()]);
    assert.equal(download.suggestedFilename(), 'a.csv');
    // A copied address shows the same file.
    await page.reload();
    await table.waitFor();
    await page.goto(`${base}/artifacts/digits/v1?tab=files&file=page.html`);
    await page.locator('iframe').waitFor();
    assert.notEqual(await page.title(), 'taken');
    pages = pages.filter((one) => one !== page);
    // The sandbox reports the script that it stopped, and nothing else went wrong.
    assert.deepEqual(
      page.problems.filter((problem) => !problem.startsWith('violation: script-src')),
      [],
    );
  });

  test('two versions are compared', async () => {
    const page = await visit(`${base}/artifacts/digits/v1?tab=difference`);
    await page.getByText('1 added').waitFor();
    const rows = page.getByRole('row');
    await rows.filter({ hasText: 'train/b.csv' }).filter({ hasText: 'removed' }).waitFor();
    await rows.filter({ hasText: 'page.html' }).filter({ hasText: 'added' }).waitFor();
    await rows.filter({ hasText: 'train/a.csv' }).filter({ hasText: 'changed' }).waitFor();
    await page.getByText('1 the same').waitFor();
    assert.deepEqual(await accessibilityProblems(page), []);
  });

  test('the lineage is drawn, opens what it left out, and works by keyboard', async () => {
    const page = await visit(`${base}/artifacts/digits/v1?tab=lineage`);
    const name = 'Lineage of digits:v1';
    const drawn = async (nodes) => {
      const found = await chart(page, name);
      return found?.visible.length === nodes && found;
    };
    // The version, its maker, eight of its users with what they made, and the rest as one node.
    const first = await until('the lineage', () => drawn(1 + 1 + 8 + 8 + 1));
    assert.deepEqual(first.table.columns, ['from', 'deed', 'to']);
    assert.ok(first.table.rows.some((row) => row.join(' ') === 'load made digits:v1'));
    assert.ok(first.table.rows.some((row) => row.join(' ') === 'digits:v1 used by train-0'));
    const place = page.getByRole('application', { name });
    await place.focus();
    await page.keyboard.press('ArrowRight');
    assert.equal((await chart(page, name)).hovered, first.visible[0]);
    await page.keyboard.press('ArrowRight');
    const second = (await chart(page, name)).hovered;
    assert.notEqual(second, first.visible[0]);
    await page.keyboard.press('ArrowLeft');
    assert.equal((await chart(page, name)).hovered, first.visible[0]);
    const more = first.visible.find((id) => id.includes(':'));
    const [x, y] = first.points[more];
    const before = await place.boundingBox();
    await page.mouse.click(before.x + x, before.y + y);
    await page.waitForURL(/open=/);
    await until('all runs', () => drawn(1 + 1 + 11 + 11));
    assert.deepEqual(await accessibilityProblems(page), []);
    const maker = first.visible[1];
    const now = await chart(page, name);
    const box = await place.boundingBox();
    await page.mouse.click(box.x + now.points[maker][0], box.y + now.points[maker][1]);
    await page.waitForURL(/\/r\/load/);
  });

  test('a version is deleted after a question', async () => {
    const page = await visit(`${base}/artifacts/net/v10`);
    await page.getByRole('button', { name: 'Delete' }).click();
    const window = page.getByRole('dialog');
    await window.getByText('goes for good').waitFor();
    assert.deepEqual(await accessibilityProblems(page), []);
    await window.getByRole('button', { name: 'Delete the version' }).click();
    await heading(page, 'net:v9').waitFor();
    await page.goto(`${base}/artifacts/net/v10`);
    await page.getByText('no artifact `net:v10`').waitFor();
  });

  test('a deleted run is in the bin, and comes back', async () => {
    const page = await visit(`${base}/r/train-3`);
    const remove = page.getByRole('button', { name: 'Delete', exact: true });
    await remove.click();
    const window = page.getByRole('dialog');
    await window.getByText('30 days').waitFor();
    assert.deepEqual(await accessibilityProblems(page), []);
    await window.getByRole('button', { name: 'Move to the bin' }).click();
    await page.waitForURL(base);
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText('It is back.').waitFor();
    await page.goto(`${base}/r/train-3`);
    await remove.click();
    await window.getByRole('button', { name: 'Move to the bin' }).click();
    await page.waitForURL(base);
    await page.goto(`${base}/bin`);
    const row = page.getByRole('row').filter({ hasText: 'train-3' });
    await row.getByText('in 30 days').waitFor();
    assert.deepEqual(await accessibilityProblems(page), []);
    await row.getByRole('checkbox').check();
    await page.getByRole('button', { name: 'Restore 1 item' }).click();
    await page.getByText('The bin is empty').waitFor();
    await page.goto(`${base}/r/train-3`);
    await remove.waitFor();
  });

  test('the settings say what an open controller is, and keep the choices of a browser', async () => {
    const page = await visit(`${lab.address}/settings?tab=storage`);
    await page.getByText('the disk of the data folder').waitFor();
    await page.getByRole('cell', { name: 'vision home' }).waitFor();
    assert.deepEqual(await accessibilityProblems(page), []);
    await page.getByRole('tab', { name: 'About' }).click();
    const licences = page.getByRole('link', { name: 'of the packages in the pages' });
    const list = await fetch(lab.address + (await licences.getAttribute('href')));
    assert.match(await list.text(), /svelte/);
    assert.match(list.headers.get('content-type'), /text\/plain/);
    await page.getByRole('tab', { name: 'Users and teams' }).click();
    await page.getByText('controller user add NAME --admin').waitFor();
    assert.equal(await page.getByRole('tab', { name: 'Keys' }).count(), 0);
    await page.getByRole('tab', { name: 'Look' }).click();
    await page.getByLabel('Nothing moves by itself').check();
    await page.getByRole('button', { name: 'Dark' }).click();
    assert.deepEqual(await accessibilityProblems(page), []);
    await page.reload();
    const kept = await page.evaluate(() => ({ ...document.documentElement.dataset }));
    assert.deepEqual(kept, { motion: 'still', theme: 'dark' });
  });
});

describe('on a controller with users', () => {
  const PASSWORD = 'correct horse';
  let lab;

  before(async () => {
    lab = await Lab.start((lab) => {
      lab.offline(['user', 'add', 'ann', '--team', 'lab', '--admin']);
      lab.offline(['user', 'add', 'bob', '--team', 'lab', '--role', 'viewer']);
      for (const user of ['ann', 'bob']) {
        lab.offline(['user', 'password', user, '--stdin'], `${PASSWORD}\n`);
      }
      lab.key = lab.offline(['key', 'add', 'ann']);
    });
  });

  after(() => lab?.stop());

  async function login(path, user, password = PASSWORD) {
    const page = await visit(lab.address + path);
    await logIn(page, user, password);
    await heading(page, 'Settings').waitFor();
    return page;
  }

  const works = async (key) => {
    const headers = { Authorization: `Bearer ${key}` };
    return (await fetch(`${lab.address}/api/v1/projects`, { headers })).status;
  };

  test('a key is shown once, and no longer works after it is revoked', async () => {
    const page = await login('/settings?tab=keys', 'bob');
    await page.getByLabel('What it is for').fill('node 7');
    await page.getByLabel('Opens').selectOption('read');
    await page.getByRole('button', { name: 'Make the key' }).click();
    const secret = await page.locator('.secret code').textContent();
    assert.match(secret, /^besom-/);
    assert.equal(await works(secret), 200);
    const row = page.getByRole('row').filter({ hasText: 'node 7' });
    await row.getByText('reading').waitFor();
    assert.deepEqual(await accessibilityProblems(page), []);
    await page.reload();
    await row.waitFor();
    assert.ok(!(await page.content()).includes(secret));
    await row.getByRole('button', { name: 'Revoke' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke the key' }).click();
    await row.waitFor({ state: 'detached' });
    assert.equal(await works(secret), 401);
    assert.equal(await page.getByRole('tab', { name: 'Users and teams' }).count(), 0);
  });

  test('an administrator adds a user, gives a role, and removes the user', async () => {
    const page = await login('/settings?tab=people', 'ann');
    await page.getByLabel('Name').fill('eve');
    await page.getByLabel('Own team').fill('nlp');
    await page.getByRole('button', { name: 'Add the user' }).click();
    const secret = await page.locator('.secret code').textContent();
    assert.equal(await works(secret), 200);
    const row = page.getByRole('row').filter({ hasText: 'eve' });
    await row.getByText('member of nlp').waitFor();
    await row.getByRole('button', { name: '+ role' }).click();
    await row.getByLabel('Team or project').fill('lab/digits');
    await row.getByRole('button', { name: 'Give' }).click();
    await row.getByText('viewer of lab/digits').waitFor();
    assert.deepEqual(await accessibilityProblems(page), []);
    await row.getByRole('button', { name: 'Remove the user eve' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Remove the user' }).click();
    await row.waitFor({ state: 'detached' });
    assert.equal(await works(secret), 401);
    const own = page.getByRole('button', { name: 'Remove the user ann' });
    assert.equal(await own.isDisabled(), true);
  });

  test('a reader ends another session, and a new password ends all', async () => {
    const other = await login('/settings', 'bob');
    const page = await login('/settings', 'bob');
    const end = page.getByRole('button', { name: 'End', exact: true });
    await end.first().waitFor();
    assert.deepEqual(await accessibilityProblems(page), []);
    while ((await end.count()) > 0) {
      const before = await end.count();
      await end.first().click();
      await until('a session ends', async () => (await end.count()) < before);
    }
    await other.reload();
    await heading(other, 'Log in to Besom').waitFor();
    await page.getByLabel('Old password').fill('wrong horse');
    await page.getByLabel('New password 8').fill('battery staple');
    await page.getByLabel('New password again').fill('battery staple');
    const set = page.getByRole('button', { name: 'Set the password' });
    await set.click();
    await page.getByRole('alert').getByText('the old password is wrong').waitFor();
    await page.getByLabel('Old password').fill(PASSWORD);
    await set.click();
    await heading(page, 'Log in to Besom').waitFor();
  });
});
