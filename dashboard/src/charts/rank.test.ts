import { expect, test } from 'vitest';

import { pareto } from './pareto';
import { bestSoFar, counts, rankAmong, ranks } from './rank';

test('ranks ignore how far an outlier is, and equal values share a rank', () => {
  expect(Array.from(ranks([1, 2, 2, 1e9, NaN], false))).toEqual([1, 1 / 3, 1 / 3, 0, NaN]);
  expect(Array.from(ranks([1, 3, 2], true))).toEqual([0, 1, 0.5]);
  expect(Array.from(ranks([4], true))).toEqual([1]);
});

test('a run whose loss is infinite is the worst', () => {
  expect(Array.from(ranks([1, Infinity, 2], false))).toEqual([1, 0, 0.5]);
});

test('the scale of colours agrees with the ranks at the ends', () => {
  const rank = rankAmong([5, 1, 3], false);
  expect([rank(1), rank(3), rank(5), rank(99)]).toEqual([1, 0.5, 0, 0]);
});

test('the best so far never counts what is no number', () => {
  const values = [NaN, 3, Infinity, 2, NaN, 4];
  expect(Array.from(bestSoFar(values, false))).toEqual([NaN, 3, 3, 2, 2, 2]);
  expect(Array.from(bestSoFar([NaN, -Infinity, 1, 0], true))).toEqual([NaN, NaN, 1, 1]);
});

test('the Pareto front holds what nothing else beats', () => {
  const [x, y] = [
    [1, 2, 3, 2, NaN, 1],
    [3, 2, 1, 5, 0, 3],
  ];
  expect(pareto(x, y, [false, false])).toEqual([0, 1, 2]);
  expect(pareto(x, y, [true, true])).toEqual([3, 2]);
  expect(pareto([], [], [true, true])).toEqual([]);
});

test('only a finished run that breaks no limit can be the best', () => {
  expect(counts('finished', undefined)).toBe(true);
  expect(counts('finished', true)).toBe(true);
  expect(counts('finished', false)).toBe(false);
  expect(counts('pruned', true)).toBe(false);
});
