// Tables whose cells are media, as the real client of W&B logs them, on the pages of the run, of
// the artifact and in a report.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';

import { Browser, isSound, Lab, until } from './lab.js';
import { runWithClient } from './wandb.js';

/** The width of each image is 16 and its number, so that a test knows which one it sees. */
const SCRIPT = `
import numpy as np
import wandb

run = wandb.init(project="vision", id="tables")

def image(n):
    pixels = np.full((16, 16 + n, 3), 40 * n, dtype=np.uint8)
    mask = np.zeros((16, 16 + n), dtype=np.uint8)
    mask[4:12, 4:12] = 1
    box = {"position": {"minX": 0.1, "minY": 0.2, "maxX": 0.6, "maxY": 0.8}, "class_id": 1,
           "box_caption": "a car", "scores": {"sure": 0.5}}
    return wandb.Image(pixels, caption=f"picture {n}",
        classes=wandb.Classes([{"id": 0, "name": "ground"}, {"id": 1, "name": "road"}]),
        masks={"truth": {"mask_data": mask, "class_labels": {0: "ground", 1: "road"}}},
        boxes={"found": {"box_data": [box], "class_labels": {1: "car"}}})

tone = wandb.Audio(np.sin(np.arange(800) / 10), sample_rate=8000)
page = wandb.Html("<b>bold</b><script>document.title = 'hit'</script>")
rows = [[image(n), f"label {(n * 3) % 5}", tone, page] for n in range(5)]
run.log({"seen": wandb.Table(columns=["img", "label", "tone", "page"], data=rows)})
lost = wandb.Table(columns=["img", "label"], data=[[image(0), "alone"]])
run.log({"lost": lost, "street": image(3)})
run.finish()
run = wandb.Api().artifact("vision/run-tables-lost:v0").delete(delete_aliases=True)
`;

let lab;
let browser;
let place;
let team;

before(async () => {
  lab = await Lab.start();
  browser = await Browser.start();
  runWithClient(lab, SCRIPT);
  ({ team } = await lab.api('/runs/tables'));
  place = `${lab.address}/p/${team}/vision`;
});

after(async () => {
  await browser?.stop();
  await lab?.stop();
});

/** The number and the label of the first row of a table whose image is drawn. */
async function firstRow(table) {
  const row = table.locator('tbody tr:not(.gap)').first();
  const image = row.locator('img');
  if ((await image.count()) === 0) return null;
  const width = await image.evaluate((one) => (one.complete ? one.naturalWidth : 0));
  return width && [width - 16, (await row.innerText()).match(/label \d/)?.[0]];
}

/** Waits until the first row of a table has this image and this label. */
async function firstIs(table, number, label) {
  let seen;
  await until(`image ${number} in the first row`, async () => {
    seen = await firstRow(table);
    return JSON.stringify(seen) === JSON.stringify([number, `label ${label}`]);
  });
}

/** Whether the canvas over an image has something on it. */
const isPainted = (canvas) =>
  canvas.evaluate((one) => {
    const { data } = one.getContext('2d').getImageData(0, 0, one.width || 1, one.height || 1);
    return data.some((value) => value > 0);
  });

describe('a table of the client of W&B', () => {
  test('shows the media of the right row, also in another order and filtered', async () => {
    const page = await browser.open(`${place}/r/tables?tab=media&m=seen`);
    const table = page.getByRole('region', { name: 'Rows of seen' });
    await firstIs(table, 0, 0);
    await table.getByRole('button', { name: 'label' }).click();
    await table.getByRole('button', { name: 'label' }).click();
    await firstIs(table, 3, 4);
    await page.getByRole('button', { name: 'Filter', exact: true }).click();
    await page.getByRole('textbox', { name: 'Filter label' }).fill('= label 3');
    await firstIs(table, 1, 3);
    const row = table.locator('tbody tr:not(.gap)').first();
    await until('the mask and the box in the row', () => isPainted(row.locator('canvas')));
    await until('the sound', () =>
      row.locator('audio').evaluate((one) => one.readyState > 0 && one.duration > 0),
    );
    await row.getByRole('button', { name: /Open row/ }).click();
    const window = page.getByRole('dialog');
    for (const name of ['ground', 'road', 'car']) {
      await window.getByRole('button', { name, exact: true }).waitFor();
    }
    const canvas = window.locator('canvas');
    await until('the mask and the box', () => isPainted(canvas));
    await window.getByRole('button', { name: 'road', exact: true }).click();
    await window.getByRole('button', { name: 'car', exact: true }).click();
    await until('nothing on the image', async () => !(await isPainted(canvas)));
    await window.frameLocator('iframe').getByText('bold').waitFor();
    await isSound(page);
  });

  test('says why its media are not there, and shows what the run has', async () => {
    const page = await browser.open(`${place}/r/tables?tab=media&m=lost`);
    await page.getByText('The cells have no media: the artifact with the file').waitFor();
    const table = page.getByRole('region', { name: 'Rows of lost' });
    await table.getByRole('cell', { name: 'alone' }).waitFor();
    await table.getByRole('cell', { name: 'Image', exact: true }).waitFor();
    await isSound(page);
  });

  test('is shown among the files of its artifact', async () => {
    const page = await browser.open(
      `${place}/artifacts/run-tables-seen/v0?tab=files&file=seen.table.json`,
    );
    const table = page.getByRole('region', { name: 'Rows of seen.table.json' });
    await firstIs(table, 0, 0);
    await isSound(page);
  });
});

describe('a report', () => {
  async function reported(shown) {
    const panel = { shows: 'media', run: 'tables', key: shown, step: null };
    const blocks = [{ kind: 'panel', id: 'a', title: shown, panel, frozen: null }];
    const body = JSON.stringify({ title: shown, blocks, version: 0 });
    const headers = { 'Content-Type': 'application/json' };
    const target = `${lab.address}/api/v1/projects/${team}/vision/reports`;
    const answer = await fetch(target, { method: 'POST', headers, body });
    assert.equal(answer.status, 200, await answer.clone().text());
    return `${place}/reports/${(await answer.json()).id}`;
  }

  /** Checks the mask, the box and their switches. */
  async function switched(page) {
    const canvas = page.locator('figure canvas');
    await until('the mask and the box', () => isPainted(canvas));
    await page.getByRole('button', { name: 'road', exact: true }).click();
    await page.getByRole('button', { name: 'car', exact: true }).click();
    await until('nothing on the image', async () => !(await isPainted(canvas)));
  }

  test('shows the masks and boxes of images with their switches, also when frozen', async () => {
    const report = await reported('street');
    const page = await browser.open(report);
    await switched(page);
    await page.getByRole('button', { name: 'Edit', exact: true }).click();
    await page.getByRole('button', { name: 'Freeze' }).click();
    await page.getByRole('button', { name: 'Frozen' }).waitFor();
    await page.getByText('Stored', { exact: true }).waitFor();
    await page.goto('about:blank');
    // A frozen panel needs no file of the run.
    await page.route('**/runs/**', (route) => route.fulfill({ status: 404 }));
    await page.goto(report);
    await switched(page);
    await isSound(page);
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'HTML' }).click(),
    ]);
    const html = readFileSync(await file.path(), 'utf8');
    const saved = await browser.open('about:blank', { offline: true });
    await saved.setContent(html);
    // The box and the mask are painted into the image.
    const colours = await saved.locator('img').evaluate(async (image) => {
      await image.decode();
      const canvas = document.createElement('canvas');
      [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
      const pen = canvas.getContext('2d');
      pen.drawImage(image, 0, 0);
      const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
      return new Set(new Uint32Array(data.buffer)).size;
    });
    assert.ok(colours > 2, `${colours} colours`);
    assert.deepEqual(page.problems, []);
  });

  test('shows a table with its media', async () => {
    const page = await browser.open(await reported('seen'));
    await firstIs(page.getByRole('region', { name: 'Rows of seen' }), 0, 0);
    await isSound(page);
  });
});
