// Logins, logouts, links that someone shares, and what a reader without rights sees.

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';

import { Browser, Lab, logIn, until } from './lab.js';
import { sweepOf, TRAIN } from './train.js';

const PASSWORD = 'correct horse';

let lab;
let browser;
let sweep;
let run;
let base;
/** The pages of the current test. No page may break the policy. */
let pages = [];

before(async () => {
  lab = await Lab.start((lab) => {
    lab.offline(['user', 'add', 'ann', '--team', 'lab', '--admin']);
    lab.offline(['user', 'add', 'bob', '--team', 'lab', '--role', 'viewer']);
    for (const user of ['ann', 'bob']) {
      lab.offline(['user', 'password', user, '--stdin'], `${PASSWORD}\n`);
    }
    lab.key = lab.offline(['key', 'add', 'ann']);
  });
  lab.write('train.py', TRAIN);
  sweep = lab.create(sweepOf({ trials: 2 }));
  lab.agent(sweep, '--data', 'node', '--count', '1');
  await until('a trial ends', async () => {
    const found = await lab.api(`/sweeps/${sweep}`);
    run = found.best_run;
    base = `/p/${found.team}/${found.project}`;
    return run !== null;
  });
  browser = await Browser.start();
});

after(async () => {
  await browser?.stop();
  await lab?.stop();
});

afterEach(() => {
  const opened = pages;
  pages = [];
  for (const page of opened) assert.deepEqual(page.problems, []);
});

/** Opens a page as a stranger, in a browser without a session. */
async function visit(path) {
  const page = await browser.open(lab.address + path);
  pages.push(page);
  return page;
}

function share() {
  return lab.command('share', base.slice('/p/'.length)).trim().slice(lab.address.length);
}

function heading(page, name) {
  return page.getByRole('heading', { level: 1, name });
}

async function seesOnly(page) {
  await page.goto(`${lab.address}${base}/s/${sweep}`);
  await page.getByRole('tab', { name: 'Trials' }).waitFor();
  assert.equal(await page.getByRole('button', { name: /Pause|Stop|Cancel/ }).count(), 0);
  await page.goto(`${lab.address}${base}/r/${run}`);
  await page.getByRole('tab', { name: 'Logs' }).waitFor();
  assert.equal(await page.getByRole('button', { name: /Edit|Stop/ }).count(), 0);
}

test('a stranger logs in and comes to the wanted page', async () => {
  const place = `${base}?tab=table`;
  const page = await visit(place);
  await heading(page, 'Log in to Besom').waitFor();
  assert.equal(new URL(page.url()).searchParams.get('next'), place);
  await logIn(page, 'ann', 'wrong horse');
  const alert = page.getByRole('alert');
  await alert.getByText('the user or the password is wrong').waitFor();
  await logIn(page, 'ann', PASSWORD);
  await page.waitForURL(lab.address + place);
  await page.getByText('finished').first().waitFor();
  await page.goto(`${lab.address}${base}/s/${sweep}`);
  await page.getByRole('button', { name: 'Pause' }).waitFor();
});

test('a key logs in, and the logout ends the session', async () => {
  const page = await visit('/settings');
  await page.getByRole('button', { name: 'Use a key' }).click();
  await page.getByLabel('Key').fill(lab.key);
  await page.getByRole('button', { name: 'Log in' }).click();
  await heading(page, 'Settings').waitFor();
  await page.getByRole('definition').filter({ hasText: 'ann' }).waitFor();
  await page.getByRole('button', { name: 'Log out' }).click();
  await heading(page, 'Log in to Besom').waitFor();
  await page.goto(lab.address);
  await heading(page, 'Log in to Besom').waitFor();
});

test('a viewer gets no buttons that change things', async () => {
  const page = await visit('/');
  await logIn(page, 'bob', PASSWORD);
  await page.getByRole('link', { name: 'vision', exact: true }).waitFor();
  await seesOnly(page);
});

test('a shared link opens the project only to read, and leaves no key behind', async () => {
  const link = share();
  const key = link.split('#')[1];
  assert.match(key, /^besom-/);
  const page = await browser.open('about:blank');
  pages.push(page);
  const asked = [];
  page.on('request', (request) => {
    asked.push(request.method() + request.url() + (request.postData() ?? ''));
  });
  await page.goto(lab.address + link);
  await page.waitForURL(lab.address + base);
  await page.getByRole('checkbox').first().waitFor();
  const withKey = asked.filter((request) => request.replace(`${link}`, '').includes(key));
  assert.deepEqual(withKey, [`POST${lab.address}/api/v1/session{"key":"${key}"}`]);
  const kept = await page.evaluate(() =>
    JSON.stringify([{ ...localStorage, ...sessionStorage }]),
  );
  assert.ok(!kept.includes(key), kept);
  await page.goBack();
  assert.ok(!page.url().includes(key), page.url());
  await seesOnly(page);
  // The same link works once more, and asks nothing.
  await page.goto(lab.address + link);
  await page.waitForURL(lab.address + base);
});

test('a shared link asks before it takes the place of a session', async () => {
  const page = await visit('/settings');
  await logIn(page, 'ann', PASSWORD);
  await heading(page, 'Settings').waitFor();
  const link = share();
  await page.goto(lab.address + link);
  await heading(page, 'Use the link in place of your login?').waitFor();
  assert.equal(new URL(page.url()).hash, '');
  await page.getByRole('button', { name: 'Go there as ann' }).click();
  await page.waitForURL(lab.address + base);
  await page.goto(`${lab.address}${base}/s/${sweep}`);
  await page.getByRole('button', { name: 'Pause' }).waitFor();
  await page.goto(lab.address + link);
  await page.getByRole('button', { name: 'Use the link' }).click();
  await page.waitForURL(lab.address + base);
  await seesOnly(page);
});

test('a link with a wrong key or without a key says so', async () => {
  const page = await visit(`/share?next=${encodeURIComponent(base)}#besom-wrong`);
  const alert = page.getByRole('alert');
  await alert.getByText('does not know this').waitFor();
  assert.equal(new URL(page.url()).hash, '');
  // A second link in the same tab changes only the part behind the hash.
  const link = share();
  await page.goto(lab.address + link);
  await page.waitForURL(lab.address + base);
  const bare = await visit('/share?next=/');
  await bare.getByText('This address has no key').waitFor();
});

test('a link of a key that was revoked says so', async () => {
  const link = share();
  const id = link.split('#besom-')[1].slice(0, 8);
  lab.command('key', 'rm', id);
  const page = await visit(link);
  await page.getByRole('alert').getByText('Ask the sender for a new link').waitFor();
});

test('neither a login nor a link leads to another host', async () => {
  const key = share().split('#')[1];
  for (const next of [
    '//example.org/',
    '/\\example.org/',
    'https://example.org/',
    '/%09/a.org',
  ]) {
    const page = await visit(`/share?next=${next}#${key}`);
    await page.waitForURL(`${lab.address}/`);
    await page.getByRole('link', { name: 'vision', exact: true }).waitFor();
  }
  const page = await visit('/login?next=/%5Cexample.org/');
  await logIn(page, 'bob', PASSWORD);
  await page.waitForURL(`${lab.address}/`);
});
