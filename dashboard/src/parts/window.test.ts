import { expect, test } from 'vitest';

import { windowOf } from './window';

test('a short table is drawn whole', () => {
  expect(windowOf(5, 30, 400, 0)).toEqual({ height: 150, from: 0, to: 5, top: 0 });
  expect(windowOf(0, 30, 400, 0)).toEqual({ height: 0, from: 0, to: 0, top: 0 });
});

test('only the rows in sight are drawn, where they belong', () => {
  const { from, to, top, height } = windowOf(1000, 30, 300, 15_000, 2);
  expect([from, to, top, height]).toEqual([498, 512, 14_940, 30_000]);
});

test('a table beyond the height of a browser can be scrolled to its last row', () => {
  const count = 1_000_000;
  const begin = windowOf(count, 30, 400, 0);
  expect(begin.from).toBe(0);
  expect(begin.height).toBeLessThan(17_000_000);
  const end = windowOf(count, 30, 400, begin.height - 400);
  expect(end.to).toBe(count);
  // The last row ends where the content ends.
  expect(end.top + (end.to - end.from) * 30).toBeCloseTo(begin.height, 3);
});
