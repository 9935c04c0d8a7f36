import { expect, test } from 'vitest';

import { difference, linesOf, oddOnes, withoutMedia } from './lines';

test('a value that is not that of most runs stands out', () => {
  expect([...oddOnes(['adam', 'adam', 'sgd'])]).toEqual([2]);
  expect([...oddOnes([1, undefined, 1])]).toEqual([1]);
  expect([...oddOnes(['a', 'b'])]).toEqual([]);
  expect([...oddOnes(['a', 'b', 'c'])]).toEqual([]);
  expect([...oddOnes([])]).toEqual([]);
});

test('a number far from the others stands out, among enough of them', () => {
  expect([...oddOnes([1, 1.1, 0.9, 1.05, 9, null])]).toEqual([4]);
  expect([...oddOnes([1, 2, 3, 4, 5])]).toEqual([]);
  expect([...oddOnes([1, 2, 30])]).toEqual([]);
});

test('missing and hostile values have a place', () => {
  const lines = linesOf([{ a: { b: 1 }, __proto__x: 'x' }, {}, { a: { b: 1, c: [] } }]);
  expect(lines.map(({ name, values, differs }) => [name, values, differs])).toEqual([
    ['__proto__x', ['x', undefined, undefined], true],
    ['a.b', [1, undefined, 1], true],
    ['a.c', [undefined, undefined, []], true],
  ]);
});

test('a difference has a sign and a share', () => {
  expect(difference(1.1, 1)).toBe('+0.1 (+10 %)');
  expect(difference(0.5, 1)).toBe('−0.5 (−50 %)');
  expect(difference(1, 0)).toBe('+1');
  expect(difference(-2, -1)).toBe('−1 (−100 %)');
  for (const [value, base] of [
    [1, 1],
    [1, undefined],
    ['1', 2],
    [NaN, 1],
    [null, 1],
  ] as const) {
    expect(difference(value, base)).toBe('');
  }
});

test('media of a summary are left out', () => {
  const summary = { loss: 1, image: { _type: 'image-file', path: 'a' }, list: [1], none: null };
  expect(withoutMedia(summary)).toEqual({ loss: 1, list: [1], none: null });
});
