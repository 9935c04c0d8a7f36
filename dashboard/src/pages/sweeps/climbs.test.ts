import { expect, test } from 'vitest';

import type { Climb } from '../../api/types';
import { differing, linesOf, sparkOf } from './climbs';

const at = (trials: number) => ({ trials, ms: trials * 1000, work_ms: trials * 3_600_000 });

const one: Climb = {
  sweep: 'one',
  steps: [
    { at: at(1), run: 'one-0', value: 5 },
    { at: at(4), run: 'one-3', value: 2 },
  ],
  end: at(6),
  best_config: { lr: 0.1, net: { depth: 2 } },
};
const two: Climb = {
  sweep: 'two',
  steps: [{ at: at(2), run: 'two-1', value: 3 }],
  end: at(3),
  best_config: { lr: 0.1, net: { depth: 3 }, extra: true },
};
const none: Climb = { sweep: 'none', steps: [], end: at(0), best_config: null };

test('the lines of sweeps share their x, begin with a value and end with the sweep', () => {
  const data = linesOf([one, two, none], 'trial', (id) => `sweep ${id}`, 'loss');
  expect(data.x).toEqual([1, 2, 3, 4, 6]);
  expect(data.series.map(({ label }) => label)).toEqual(['sweep one', 'sweep two']);
  expect(data.series[0]?.last).toEqual([5, 5, 5, 2, 2]);
  expect(data.series[1]?.last).toEqual([NaN, 3, 3, NaN, NaN]);
});

test('the cost is in hours and the time in seconds', () => {
  expect(linesOf([two], 'cost', String, 'loss').x).toEqual([2, 3]);
  expect(linesOf([two], 'time', String, 'loss').x).toEqual([2, 3]);
  expect(linesOf([two], 'time', String, 'loss').xScale).toBe('duration');
});

test('a small line goes over the trials', () => {
  expect(sparkOf(one, 6)).toEqual([5, 5, 5, 2, 2, 2]);
  expect(sparkOf(two, 3)).toEqual([NaN, 3, 3]);
  expect(sparkOf(none)).toEqual([]);
});

test('only parameters that differ are listed', () => {
  expect(differing([one, two])).toEqual([
    { name: 'extra', values: [undefined, true] },
    { name: 'net.depth', values: [2, 3] },
  ]);
  expect(differing([one])).toEqual([]);
});
