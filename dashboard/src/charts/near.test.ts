import { expect, test } from 'vitest';

import { boxOf, inside, nearest, nearestLine, walk } from './near';

const spots = {
  ids: ['a', 'b', 'c', 'none'],
  x: Float64Array.of(10, 20, 30, NaN),
  y: Float64Array.of(10, 20, 10, 5),
};

test('the nearest mark is found only within its reach', () => {
  expect(nearest(spots, 19, 18, 10)).toBe(1);
  expect(nearest(spots, 200, 200, 10)).toBe(-1);
});

test('a rectangle holds the marks inside, in whatever direction it was drawn', () => {
  expect(inside(spots, boxOf({ x: 35, y: 12 }, { x: 5, y: 8 }))).toEqual(['a', 'c']);
});

test('keys walk from left to right and skip marks without a place', () => {
  expect(walk(spots)).toEqual([0, 1, 2]);
});

test('the nearest line is measured where the pointer is', () => {
  const [left, right] = [
    [0, 100],
    [100, 0],
  ];
  const all = (): boolean => true;
  expect(nearestLine(left, right, 0.1, 12, 5, all)).toBe(0);
  expect(nearestLine(left, right, 0.1, 88, 5, all)).toBe(1);
  expect(nearestLine(left, right, 0.5, 50, 5, (row) => row === 1)).toBe(1);
  expect(nearestLine(left, right, 0.1, 50, 5, all)).toBe(-1);
});
