import { describe, expect, test } from 'vitest';

import { dragged, gripAt, nudged, reordered, within } from './brushes';
import { Scale } from './scale';

const linear = new Scale('linear', 0, 10).place(110, 10);
const log = new Scale('log', 1e-4, 1).place(110, 10);
const category = new Scale('category', -0.5, 3.5, ['a', 'b', 'c', 'd']).place(110, 10);

describe('a drag', () => {
  test('on an empty place makes a new brush, in both directions', () => {
    expect(dragged(linear, undefined, 'new', 90, 60)).toEqual([2, 5]);
    expect(dragged(linear, undefined, 'new', 60, 90)).toEqual([2, 5]);
  });

  test('in a log axis marks a range of values', () => {
    const [low, high] = dragged(log, undefined, 'new', 85, 60);
    expect(low).toBeCloseTo(1e-3, 9);
    expect(high).toBeCloseTo(1e-2, 9);
  });

  test('of an edge moves this edge, also past the other one', () => {
    expect(dragged(linear, [2, 5], 'high', 60, 30)).toEqual([2, 8]);
    expect(dragged(linear, [2, 5], 'high', 60, 100)).toEqual([1, 2]);
  });

  test('of the whole brush stops at the end of the axis', () => {
    expect(dragged(linear, [2, 5], 'whole', 70, 10)).toEqual([7, 10]);
  });

  test('marks whole categories', () => {
    expect(dragged(category, undefined, 'new', 100, 75)).toEqual([-0.5, 1.5]);
    expect(dragged(category, undefined, 'new', 100, 99)).toEqual([-0.5, 0.5]);
  });
});

test('a press takes hold of the part under it', () => {
  expect(gripAt(linear, [2, 5], 62)).toBe('high');
  expect(gripAt(linear, [2, 5], 88)).toBe('low');
  expect(gripAt(linear, [2, 5], 75)).toBe('whole');
  expect(gripAt(linear, [2, 5], 20)).toBe('new');
  expect(gripAt(linear, undefined, 62)).toBe('new');
});

describe('a key', () => {
  test('cuts an axis without a brush at one end', () => {
    expect(nudged(linear, undefined, 'low', 1)).toEqual([0.5, 10]);
    expect(nudged(linear, undefined, 'high', -1)).toEqual([0, 9.5]);
  });

  test('moves the whole brush or one edge, and an edge never passes the other one', () => {
    expect(nudged(linear, [2, 5], 'whole', 1)).toEqual([2.5, 5.5]);
    expect(nudged(linear, [2, 5], 'high', 1)).toEqual([2, 5.5]);
    expect(nudged(linear, [2, 2.2], 'high', -1)).toEqual([2, 2]);
  });

  test('moves by one category', () => {
    expect(nudged(category, [-0.5, 0.5], 'whole', 1)).toEqual([0.5, 1.5]);
    expect(nudged(category, [0.5, 1.5], 'high', 1)).toEqual([0.5, 2.5]);
  });
});

test('a run is chosen if it lies in all brushes; a run without a value never does', () => {
  const dimensions = [
    { name: 'lr', scale: 'linear' as const, values: [1, 2, 3, NaN] },
    { name: 'wd', scale: 'linear' as const, values: [1, 1, 9, 1] },
  ];
  const brushes = new Map([
    ['lr', [2, 3] as const],
    ['wd', [0, 5] as const],
  ]);
  expect([...within(dimensions, brushes, 4)]).toEqual([0, 1, 0, 0]);
  expect([...within(dimensions, new Map(), 4)]).toEqual([1, 1, 1, 1]);
});

test('a moved axis takes its place, and none is lost', () => {
  expect(reordered(['a', 'b', 'c'], 'a', 2)).toEqual(['b', 'c', 'a']);
  expect(reordered(['a', 'b', 'c'], 'c', -5)).toEqual(['c', 'a', 'b']);
});
