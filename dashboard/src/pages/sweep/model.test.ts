import { expect, test } from 'vitest';

import type { Explanation } from '../../api/types';
import { asOf, conclusion } from './model';

const explanation = (covered: number, all: number, accuracy: number) =>
  ({ ended: 1234, covered, held_out: all, accuracy }) as Explanation;

test('the conclusion follows from the share inside and from the accuracy', () => {
  expect(conclusion(explanation(5, 6, 0.9))).toMatch(/^5 of 6 .* Too few/);
  expect(conclusion(explanation(80, 100, 0.9))).toMatch(/too sure of itself/);
  expect(conclusion(explanation(95, 100, 0.1))).toMatch(/hardly tells good from bad/);
  expect(conclusion(explanation(92, 100, 0.5))).toMatch(/more than their bands/);
  expect(conclusion(explanation(96, 100, 0.9))).toMatch(/predicts well/);
});

test('an explanation says which trials it knows', () => {
  expect(asOf(explanation(1, 1, 1))).toBe('as of 1,234 trials');
  expect(asOf(null)).toBe('');
});
