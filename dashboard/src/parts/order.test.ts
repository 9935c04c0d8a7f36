import { expect, test } from 'vitest';

import { readSort, sorted, writeSort } from './order';

test('rows without a value come last in both directions', () => {
  const values = [3, null, 1, 2];
  const cell = (row: number) => values[row] ?? null;
  expect(sorted([0, 1, 2, 3], cell, false)).toEqual([2, 3, 0, 1]);
  expect(sorted([0, 1, 2, 3], cell, true)).toEqual([0, 3, 2, 1]);
});

test('texts with numbers are in the order of the numbers', () => {
  const values = ['run-10', 'run-9', 4];
  expect(sorted([0, 1, 2], (row) => values[row] ?? null, false)).toEqual([2, 1, 0]);
});

test('a sort survives the address', () => {
  expect(writeSort(readSort('-value'))).toBe('-value');
  expect(readSort('name')).toEqual({ column: 'name', descending: false });
  expect(readSort(null)).toBeNull();
});
