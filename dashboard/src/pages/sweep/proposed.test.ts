import { expect, test } from 'vitest';

import type { Proposal } from '../../api/types';
import { overMetric, placesOn } from './proposed';

const proposal = (values: Proposal['values'], mean: number | null): Proposal => ({
  trial: 7,
  values,
  origin: mean === null ? 'initial' : 'model',
  mean,
  deviation: mean === null ? null : 0.5,
  acquisition: null,
});

const points = [
  proposal({ lr: 0.1, layers: 2, size: 'small' }, 1),
  proposal({ lr: 0.2, layers: 3 }, null),
];

test('a point lies at its value, and nowhere if it has none', () => {
  expect(placesOn({ name: 'lr', scale: 'log', values: [] }, points)).toEqual([0.1, 0.2]);
  const size = { name: 'size', scale: 'category', values: [], categories: ['large', 'small'] };
  expect(placesOn(size as never, points)).toEqual([1, NaN]);
  const layers = { name: 'layers', scale: 'category', values: [], categories: ['2'] };
  expect(placesOn(layers as never, points)).toEqual([0, NaN]);
});

test('only a choice of the model has a predicted value and an interval', () => {
  const over = overMetric({ name: 'lr', scale: 'log', values: [] }, points);
  expect(over.names).toEqual(['#7', '#7']);
  expect(over.y).toEqual([1, NaN]);
  expect(over.low?.[0]).toBeCloseTo(0.02);
  expect(over.high).toEqual([1.98, NaN]);
});
