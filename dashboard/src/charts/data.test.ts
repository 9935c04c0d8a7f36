import { expect, test } from 'vitest';

import { cell, codes, csv, extent, extentOf, numbers, write } from './data';

test('a dictionary of numbers is ordered by number, not by letter', () => {
  const dimension = codes('batch', [2, 0, 1, 0xffffffff], ['128', '64', '512']);
  expect(dimension.categories).toEqual(['64', '128', '512']);
  expect([...Array.from(dimension.values)]).toEqual([2, 1, 0, NaN]);
  expect(write(dimension, 2)).toBe('512');
  expect(cell(dimension, 3)).toBeNull();
});

test('positive values over many decades get a log axis', () => {
  expect(numbers('lr', [1e-5, 1e-1]).scale).toBe('log');
  expect(numbers('lr', [0, 1e-1]).scale).toBe('linear');
  expect(numbers('lr', [0.1, 1]).scale).toBe('linear');
  expect(numbers('lr', []).scale).toBe('linear');
});

test('the extent of columns ignores what is not finite, and what is out of sight', () => {
  const columns = [
    [-50, 3, NaN, 2, 70],
    [-60, Infinity, 5, -1, 80],
  ];
  expect(extentOf(columns, 1, 4)).toEqual([-1, 5]);
  expect(extentOf(columns, 1, 4, true)).toEqual([2, 5]);
  expect(extentOf(columns, 2, 2)).toBeNull();
  expect(extent([4, NaN, -4])).toEqual([-4, 4]);
});

test('a table as CSV keeps numbers exact and texts harmless', () => {
  const rows = [
    ['a,"b"', 0.1 + 0.2, null],
    ['=cmd()', -1, 'x\ny'],
  ];
  const text = 'run,v,w\r\n"a,""b""",0.30000000000000004,\r\n\'=cmd(),-1,"x\ny"\r\n';
  expect(csv({ columns: ['run', 'v', 'w'], rows })).toBe(text);
});
