import { expect, test } from 'vitest';

import { atPath, readValue, writeValue } from './value';

test('a typed value is JSON if it can be, and a text otherwise', () => {
  expect(readValue(' 1e-3 ')).toBe(0.001);
  expect(readValue('true')).toBe(true);
  expect(readValue('adam')).toBe('adam');
  expect(readValue('[1, 2]')).toEqual([1, 2]);
});

test('what is written reads as the same value', () => {
  for (const value of ['adam', '0.1', ' a', 0.1, null, { a: 1 }]) {
    expect(readValue(writeValue(value))).toEqual(value);
  }
});

test('a path leads into the objects of a config, unless a key has the whole name', () => {
  const config = { net: { depth: 3 }, 'a.b': 1, a: { c: 1 } };
  expect(atPath(config, 'net.depth', 4)).toEqual({ net: { depth: 4 } });
  expect(atPath(config, 'a.b', 2)).toEqual({ 'a.b': 2 });
  expect(atPath(config, 'new.key', 2)).toEqual({ 'new.key': 2 });
});
