// Starts a real controller, agents and a browser for the tests of the dashboard, and stops them.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
// The packages of the tests are those of the dashboard, so that there is one lockfile.
const packages = createRequire(join(root, 'dashboard/package.json'));
const { chromium } = packages('playwright-core');

/** The folder of the programs under test. */
const PROGRAMS = process.env.BESOM_PROGRAMS ?? join(root, 'target/debug');
/** The longest time that a test waits for something that must happen, in milliseconds. */
export const PATIENCE = 60_000;

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Waits until `check` answers something that is true. */
export async function until(what, check, patience = PATIENCE) {
  const end = Date.now() + patience;
  for (;;) {
    const found = await check();
    if (found) return found;
    if (Date.now() > end) throw new Error(`this did not happen in time: ${what}`);
    await new Promise((wake) => setTimeout(wake, 20));
  }
}

/** The processes that have this variable in their environment. */
function processesWith(variable) {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(variable);
      } catch {
        return false;
      }
    })
    .map(Number);
}

function freePort() {
  return new Promise((found) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => found(port));
    });
  });
}

export class Lab {
  #children = new Set();

  /**
   * Starts a controller. `prepare` may add users to its data before. `lab.key` is then the key with
   * which the lab calls.
   */
  static async start(prepare = () => undefined) {
    const lab = new Lab();
    lab.folder = mkdtempSync(join(tmpdir(), 'besom-dashboard-'));
    prepare(lab);
    lab.port = await freePort();
    lab.address = `http://127.0.0.1:${lab.port}`;
    await lab.begin();
    return lab;
  }

  #spawn(name, args, ends = 'ignore') {
    const child = spawn(join(PROGRAMS, name), args, {
      cwd: this.folder,
      env: { ...process.env, ...this.#variables(name) },
      stdio: [ends, ends, 'inherit'],
    });
    this.#children.add(child);
    child.on('exit', () => this.#children.delete(child));
    return child;
  }

  #variables(program) {
    // The controller would take the key as its own token.
    const token = this.key && program !== 'controller' ? { BESOM_TOKEN: this.key } : {};
    return { BESOM_CONTROLLER: this.address, HOME: this.folder, ...token };
  }

  /** Starts the controller, with the data that it had before. */
  async begin() {
    const data = join(this.folder, 'data');
    this.controller = this.#spawn('controller', [
      '--listen',
      `127.0.0.1:${this.port}`,
      '--data',
      data,
    ]);
    await until('the controller answers', async () => {
      const answer = await fetch(`${this.address}/api/v1/session`).catch(() => null);
      return answer?.ok;
    });
  }

  /** Kills the controller as a crash would. */
  async kill() {
    const gone = new Promise((done) => this.controller.once('exit', done));
    this.controller.kill('SIGKILL');
    await gone;
  }

  /** The most memory that the controller has had, in bytes. */
  memory() {
    const status = readFileSync(`/proc/${this.controller.pid}/status`, 'utf8');
    return 1024 * Number(/VmHWM:\s+(\d+)/.exec(status)[1]);
  }

  write(name, text) {
    writeFileSync(join(this.folder, name), text);
  }

  /** Runs the command `sweep`; returns what it printed. */
  command(...args) {
    return this.#program('sweep', args);
  }

  /** Runs a command of `controller` on the data, while no controller runs. */
  offline(args, input = '') {
    return this.#program('controller', [...args, '--data', 'data'], input).trim();
  }

  #program(name, args, input = '') {
    const done = spawnSync(join(PROGRAMS, name), args, {
      cwd: this.folder,
      env: { ...process.env, ...this.#variables(name) },
      encoding: 'utf8',
      input,
      // A program may print a long log.
      maxBuffer: 64 << 20,
    });
    if (done.status !== 0) throw new Error(`${name} ${args.join(' ')}: ${done.stderr}`);
    return done.stdout;
  }

  /** Creates a sweep; returns its id. */
  create(yaml) {
    this.write('sweep.yaml', yaml);
    return this.command('create', 'sweep.yaml', '--quiet').trim();
  }

  /** Waits until a sweep has finished; returns it as the API shows it. */
  over(sweep) {
    return until(`the end of ${sweep}`, async () => {
      const detail = await this.api(`/sweeps/${sweep}`);
      return detail.state === 'finished' && detail;
    });
  }

  agent(...args) {
    return this.#spawn('agent', args);
  }

  /** Fills the controller with many trials or runs; `filler.rs` says which. */
  fill(...words) {
    this.#program('filler', [this.address, ...words.map(String)]);
  }

  /** Starts runs that log until `stop` is called on the answer, and waits for their first rows. */
  async live(...words) {
    const filler = this.#spawn('filler', [this.address, 'live', ...words.map(String)], 'pipe');
    await new Promise((ready) => filler.stdout.once('data', ready));
    const gone = new Promise((done) => filler.once('exit', done));
    return {
      stop: async () => {
        filler.stdin.end();
        await gone;
      },
    };
  }

  async api(path) {
    const headers = this.key ? { Authorization: `Bearer ${this.key}` } : {};
    const answer = await fetch(`${this.address}/api/v1${path}`, { headers });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  async stop() {
    const children = [...this.#children];
    const gone = children.map((child) => new Promise((done) => child.once('exit', done)));
    // A trial outlives its agent, so the environment tells which processes are of this lab.
    for (const pid of processesWith(`HOME=${this.folder}`)) process.kill(pid, 'SIGKILL');
    await Promise.all(gone);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A browser whose pages remember what went wrong in them. */
export class Browser {
  static async start() {
    const browser = new Browser();
    const executablePath = process.env.BESOM_CHROMIUM ?? '/usr/bin/chromium';
    browser.chromium = await chromium.launch({ executablePath, args: FLAGS });
    return browser;
  }

  /** Opens a page. `page.problems` holds its errors and its violations of the policy. */
  async open(address, options = {}) {
    const viewport = { width: 1440, height: 900 };
    const context = await this.chromium.newContext({ viewport, ...options });
    const page = await context.newPage();
    page.problems = [];
    page.on('pageerror', (error) => page.problems.push(`error: ${error.message}`));
    await page.exposeFunction('reportViolation', (text) => page.problems.push(text));
    // The page's own code must cause the events: code of the debugger passes the policy.
    await page.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', (event) => {
        window.reportViolation(`violation: ${event.violatedDirective} ${event.blockedURI}`);
      });
    });
    await page.goto(address);
    return page;
  }

  async stop() {
    await this.chromium.close();
  }
}

/** What the chart with this label shows: its snapshot and its table, or `null` without a chart. */
export function chart(page, label) {
  return page.evaluate((name) => {
    const found = [...document.querySelectorAll('.chart')].find(
      (element) => element.getAttribute('aria-label') === name,
    );
    return found ? { ...found.chart.snapshot(), table: found.chart.table() } : null;
  }, label);
}

/** What the checker of accessibility says about a page, by the rules of WCAG 2.1 AA. */
export async function accessibilityProblems(page) {
  // The debugger adds the checker, because the policy refuses foreign scripts.
  await page.evaluate(readFileSync(packages.resolve('axe-core/axe.min.js'), 'utf8'));
  const { violations } = await page.evaluate(() =>
    window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] }),
  );
  return violations.map(({ id, nodes }) => `${id}: ${nodes[0].target.join(' ')}`);
}

/** Checks that a page is whole, has no error, and can be used by everybody. */
export async function isSound(page) {
  await page.waitForFunction(() => !document.querySelector('[aria-busy="true"]'));
  assert.equal(await page.getByRole('alert').count(), 0);
  assert.deepEqual(await accessibilityProblems(page), []);
  assert.deepEqual(page.problems, []);
}

/** Fills in the page on which a person logs in. */
export async function logIn(page, user, password) {
  await page.getByLabel('Name').fill(user);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
}
