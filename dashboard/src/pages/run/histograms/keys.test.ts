import { expect, test } from 'vitest';

import { histogramKeys, ordered } from './keys';

test('histograms are found in the summary, whatever their depth', () => {
  const one = { _type: 'histogram', values: [1], bins: [0, 1] };
  const image = { _type: 'image-file', inner: one };
  const summary = { loss: 1, b: one, a: { deep: one, none: null }, image, list: [one] };
  expect(histogramKeys(summary).map(({ key }) => key)).toEqual(['a.deep', 'b']);
  expect(histogramKeys(null)).toEqual([]);
});

test('the histograms with the widest values come first', () => {
  const one = (bins: unknown[], values = [1, 1]) =>
    ({ _type: 'histogram', values, bins }) as never;
  const keys = histogramKeys({
    narrow: one([4, 5, 6]),
    wide: one([-10, 0, 10]),
    broken: one([0, 'NaN', 1]),
    packed: { _type: 'histogram', values: [1, 1], packedBins: { min: -1, size: 1 } },
  });
  expect(keys.find(({ key }) => key === 'wide')).toMatchObject({
    spread: 5,
    size: 5,
    odd: false,
  });
  expect(keys.find(({ key }) => key === 'packed')?.spread).toBe(0.5);
  expect(ordered(keys, 'spread').map(({ key }) => key)).toEqual([
    ...['broken', 'wide', 'narrow', 'packed'],
  ]);
  expect(ordered(keys, 'size').map(({ key }) => key)[1]).toBe('narrow');
});
