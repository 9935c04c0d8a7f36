import { expect, test } from 'vitest';

import { quantile, quantileSeries } from './quantiles';

test('a quantile lies between its neighbours', () => {
  expect(quantile([1, 2, 3, 4], 0.5)).toBe(2.5);
  expect(quantile([7], 0.95)).toBe(7);
});

test('only the lines that have a value at a place count there', () => {
  const lines = [
    [1, NaN],
    [3, NaN],
    [5, Infinity],
    [NaN, 8],
  ].map((last, index) => ({
    id: `r${index}`,
    label: '',
    last,
  }));
  const [outer, median] = quantileSeries(lines, 2, '#000000');
  expect(Array.from(median?.last ?? [])).toEqual([3, 8]);
  expect(Array.from(median?.min ?? [])).toEqual([2, 8]);
  expect(Array.from(outer?.last ?? [])).toEqual([NaN, NaN]);
});
