import { expect, test } from 'vitest';

import type { Json, MediaItem } from '../../../api/types';
import { bounds, boxesOf, isSure, namesOf } from './boxes';
import { fileUrl, runTarget } from '../../../api/client';
import { byKey, bytesOf, clipsOf, picturesOf, placeOf, stepsOf } from './values';

test('images are found in the forms of the SDK and of W&B', () => {
  const own: Json = { _type: 'images', items: [{ path: 'a.png', caption: 'A' }, { path: 'b' }] };
  expect(picturesOf(own).map(({ path, caption }) => [path, caption])).toEqual([
    ['a.png', 'A'],
    ['b', ''],
  ]);
  const separated: Json = {
    _type: 'images/separated',
    filenames: ['x', 'y'],
    captions: false,
    all_boxes: [{}, { truth: { path: 'y.json' } }],
  };
  expect(picturesOf(separated).map(({ boxes }) => Object.keys(boxes))).toEqual([[], ['truth']]);
  expect(picturesOf({ _type: 'image-file', path: 'one', boxes: {} })).toHaveLength(1);
});

test('clips are found alone and in lists', () => {
  expect(clipsOf({ path: 'a.wav', caption: 'A' })).toEqual([{ path: 'a.wav', caption: 'A' }]);
  const two: Json = { audio: [{ path: 'a' }, { path: 'b' }], captions: ['A', 'B'] };
  expect(clipsOf(two).map(({ caption }) => caption)).toEqual(['A', 'B']);
});

test('no path leaves the files of the run', () => {
  for (const path of ['../x', 'a/../../b', '/a', 'a//b', '.', '', 4]) {
    expect(clipsOf({ path }), String(path)).toEqual([]);
    expect(picturesOf({ filenames: [path] }), String(path)).toEqual([]);
  }
  expect(fileUrl(runTarget('r 1'), 'a b/#?.png')).toBe(
    '/api/v1/runs/r%201/files/a%20b/%23%3F.png',
  );
});

test('a value of another form has no media', () => {
  for (const value of [null, 1, 'a', [], {}, { items: [1, null] }, { filenames: [null] }]) {
    expect([clipsOf(value), picturesOf(value)]).toEqual([[], []]);
  }
});

test('a step without media of its own shows the step before it', () => {
  const item = (key: string, step: number) => ({ key, step }) as MediaItem;
  const items = [item('b', 1), item('a', 5), item('b', 5), item('b', 9)];
  expect(stepsOf(items)).toEqual([1, 5, 9]);
  expect(byKey(items).map(({ key, items: own }) => [key, own.length])).toEqual([
    ['a', 1],
    ['b', 3],
  ]);
  expect([0, 1, 4, 5, 100].map((step) => placeOf([1, 5, 9], step))).toEqual([0, 0, 0, 1, 2]);
});

test('a cell of a table has its boxes without a wrapper', () => {
  const box: Json = { position: { minX: 0.1, maxX: 0.5, minY: 0, maxY: 1 }, class_id: 3 };
  expect(boxesOf('found', [box])).toEqual(boxesOf('found', { box_data: [box] }));
  expect(boxesOf('found', [box])).toHaveLength(1);
});

test('the bytes of a kept image come back', async () => {
  const content = bytesOf('data:image/png;base64,AQL/');
  expect([...new Uint8Array(await content.arrayBuffer())]).toEqual([1, 2, 255]);
});

test('boxes have the same form from corners and from a middle', () => {
  const value: Json = {
    box_data: [
      { position: { minX: 1, maxX: 3, minY: 2, maxY: 6 }, domain: 'pixel', class_id: 2 },
      { position: { middle: [2, 4], width: 2, height: 4 }, scores: { conf: 0.4, odd: 'x' } },
      { position: { minX: 1 } },
      null,
    ],
    class_labels: { 2: 'a dog' },
  };
  const [corners, middle, ...rest] = boxesOf('truth', value);
  const place = { left: 1, top: 2, width: 2, height: 4 };
  expect(rest).toEqual([]);
  expect(corners).toMatchObject({ ...place, inPixels: true, class: 2, group: 'truth' });
  expect(middle).toMatchObject({ ...place, inPixels: false, scores: { conf: 0.4 } });
  expect(namesOf(value).get(2)).toBe('a dog');
});

test('the slider hides boxes with a lower score only', () => {
  const value: Json = {
    box_data: [0.2, 0.8, null].map((conf) => ({
      position: { minX: 0, maxX: 1, minY: 0, maxY: 1 },
      scores: { conf },
    })),
  };
  const boxes = boxesOf('p', value);
  expect(boxes.map((box) => isSure(box, 'conf', 0.5))).toEqual([false, true, true]);
  expect(bounds(boxes, 'conf')).toEqual([0, 1]);
});
