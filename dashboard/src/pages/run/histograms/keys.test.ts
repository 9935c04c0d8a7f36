import { expect, test } from 'vitest';

import { histogramKeys } from './keys';

test('histograms are found in the summary, whatever their depth', () => {
  const one = { _type: 'histogram', values: [1], bins: [0, 1] };
  const image = { _type: 'image-file', inner: one };
  const summary = { loss: 1, b: one, a: { deep: one, none: null }, image, list: [one] };
  expect(histogramKeys(summary)).toEqual(['a.deep', 'b']);
  expect(histogramKeys(null)).toEqual([]);
});
