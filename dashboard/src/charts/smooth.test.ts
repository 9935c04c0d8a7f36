import { describe, expect, test } from 'vitest';

import { bridge, decays, smooth } from './smooth';

const steps = Float64Array.from({ length: 1001 }, (_, index) => index);

describe('the smoothing', () => {
  test('begins at the first value, so it has no bias to zero', () => {
    const line = smooth([5, 5, 5], decays([0, 1, 2], 0.9));
    expect(Array.from(line)).toEqual([5, 5, 5]);
  });

  test('is an exponential average on an even axis', () => {
    const decay = decays(steps, 0.5);
    const values = new Float64Array(1001).fill(0);
    values[0] = 1;
    const line = smooth(values, decay);
    expect(line[1]).toBeCloseTo(0.5 / 1.5, 12);
    expect(line[2]).toBeCloseTo(0.25 / 1.75, 12);
  });

  test('forgets more over a longer step', () => {
    const [near = 0] = smooth([0, 1], decays([0, 1, 1000], 0.99)).slice(1);
    const [far = 0] = smooth([0, 1], decays([0, 500, 1000], 0.99)).slice(1);
    expect(far).toBeGreaterThan(near);
  });

  test('depends on distances, not on how many empty places lie between', () => {
    const dense = smooth([1, NaN, NaN, 3], decays([0, 1, 2, 3], 0.999));
    const thin = smooth([1, 3], decays([0, 3], 0.999));
    expect(dense[3]).toBeCloseTo(thin[1] ?? NaN, 12);
  });

  test('keeps gaps, and infinite values do not spoil what follows', () => {
    const line = smooth([1, NaN, Infinity, 1], decays([0, 1, 2, 3], 0.9));
    expect(Array.from(line)).toEqual([1, NaN, NaN, 1]);
  });
});

test('a line bridges its usual step, however rare its points are, but no longer one', () => {
  const x = Array.from({ length: 100 }, (_, index) => index);
  const some = (has: (index: number) => boolean): number[] =>
    x.map((index) => (has(index) ? 1 : NaN));
  const rare = bridge(
    x,
    some((index) => index % 10 === 0),
  );
  expect(rare).toBeGreaterThanOrEqual(10);
  expect(rare).toBeLessThan(60);
  expect(bridge(x, x)).toBeLessThan(10);
  const unequal = some((index) => index % 10 === 0 || index === 5);
  expect(bridge(x, unequal)).toBe(35);
  const alone = some((index) => index === 3);
  expect(bridge(x, alone)).toBe(Infinity);
});
