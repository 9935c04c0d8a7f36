import { expect, test } from 'vitest';

import { ago, duration, flatten, json, number, plural, visible } from './text';

test('an absent value has a sign of its own', () => {
  expect([number(null), number(NaN), duration(null), json(undefined)]).toEqual(
    Array(4).fill('–'),
  );
  expect(number(0.181234)).toBe('0.1812');
});

test('hidden signs become visible, and line ends become spaces', () => {
  expect(visible('a\u202eb\nc')).toBe('a\ufffdb c');
  expect(visible('<b>')).toBe('<b>');
  expect(visible('x'.repeat(500)).length).toBe(400);
});

test('ages show one unit', () => {
  expect(ago(1_000, 2_000)).toBe('now');
  expect(ago(0, 30_000)).toBe('30s ago');
  expect(ago(0, 240_000)).toBe('4m ago');
});

test('a span of less than nothing, from clocks that differ, is nothing', () => {
  expect(duration(-500)).toBe('0s');
  expect(duration(7_800_000)).toBe('2h 10m');
});

test('words agree with their number', () => {
  expect(plural(1, 'run')).toBe('1 run');
  expect(plural(1200, 'run')).toBe('1,200 runs');
});

test('nested objects become paths with dots', () => {
  expect(flatten({ a: { b: 1, c: {} }, d: [1] })).toEqual([
    ['a.b', 1],
    ['a.c', {}],
    ['d', [1]],
  ]);
});
