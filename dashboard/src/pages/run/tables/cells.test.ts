import { expect, test } from 'vitest';

import { bars, columnKinds, kindOf } from './cells';

test('a cell is a number, a text, or a file of a kind', () => {
  expect(kindOf(1)).toBe('number');
  expect(kindOf('a')).toBe('text');
  expect(kindOf(null)).toBe('text');
  expect(kindOf({ _type: 'image-file', path: 'a.png' })).toBe('image');
  expect(kindOf({ _type: 'image-file', path: '../a.png' })).toBe('text');
  expect(kindOf({ _type: 'molecule-file', path: 'a.pdb' })).toBe('other');
});

test('most cells decide what a column is', () => {
  const rows = [
    [1, 'a', null],
    ['NaN', 2, null],
    [3, 'b', null],
  ];
  expect(columnKinds(rows, 3)).toEqual(['number', 'text', 'text']);
});

test('numbers are counted in ranges of equal width', () => {
  expect(bars([[0], [1], [1], [4], ['x']], 0, 4)).toEqual([1, 2, 0, 1]);
  expect(bars([[2], [2]], 0)).toEqual([]);
  expect(bars([], 0)).toEqual([]);
});
