import { describe, expect, test } from 'vitest';

import { bytes, count, duration, number, shorten, visible } from './format';

describe('numbers', () => {
  test.each([
    [512, '512'],
    [0.1 + 0.2, '0.3'],
    [0.181234, '0.1812'],
    [3.1e-4, '3.1e-4'],
    [14800, '14,800'],
    [123456.7, '123,457'],
    [1234567890123, '1.235e12'],
    [-0.00001, '-1e-5'],
    [-12345, '-12,345'],
    [0, '0'],
    [NaN, 'NaN'],
    [Infinity, '∞'],
    [-Infinity, '-∞'],
  ])('%d is written as %s', (value, text) => {
    expect(number(value)).toBe(text);
  });
});

test.each([
  [0, '0s'],
  [0.25, '250ms'],
  [45, '45s'],
  [200, '3m 20s'],
  [7800, '2h 10m'],
  [7200, '2h'],
  [100000, '1d 3h'],
  [59.9, '1m'],
  [-90, '-1m 30s'],
])('%d seconds are written as %s', (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});

test('sizes and counts are written for readers', () => {
  expect(bytes(0)).toBe('0 B');
  expect(bytes(999)).toBe('999 B');
  expect(bytes(999_999)).toBe('1 MB');
  expect(bytes(1_540_000_000)).toBe('1.54 GB');
  expect(count(1204)).toBe('1,204');
});

test('a hostile name cannot hide signs or turn the text around it', () => {
  expect(visible('a\u202eb\u0000c')).toBe('a\ufffdb\ufffdc');
  expect(visible('x'.repeat(500), 10)).toHaveLength(10);
});

test('a long name keeps its begin and its end', () => {
  expect(shorten('resnet-lr-1234', 9)).toBe('resn…1234');
  expect(shorten('short', 9)).toBe('short');
});
