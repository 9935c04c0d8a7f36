import { describe, expect, test } from 'vitest';

import { numbers } from './data';
import { fit, Scale } from './scale';

test('an axis with few values shows exactly these: 512 is not called 510', () => {
  const values = [32, 512, 64, 128, 256, 512, 512, 32];
  const scale = fit(numbers('batch', values)).place(0, 400);
  expect(scale.ticks(6).map((tick) => tick.label)).toEqual(['32', '64', '128', '256', '512']);
});

test('a few results are no choices, so their axis has round ticks', () => {
  const scale = fit(numbers('loss', [0.745574, 0.54259, 0.339975, 0.54259, 0.54259]));
  expect(scale.ticks(4).map((tick) => tick.label)).toEqual(['0.4', '0.6']);
});

test('places and values are inverse on every kind of axis', () => {
  for (const scale of [new Scale('linear', -3, 7), new Scale('log', 1e-5, 1e2)]) {
    scale.place(300, 20);
    for (const unit of [0, 0.25, 0.9, 1]) {
      const value = scale.value(unit);
      expect(scale.from(scale.to(value))).toBeCloseTo(value, 9);
    }
  }
});

describe('values that an axis cannot show', () => {
  test('have no place', () => {
    expect(new Scale('log', 1, 10).to(0)).toBeNaN();
    expect(new Scale('log', 1, 10).to(-1)).toBeNaN();
    expect(new Scale('linear', 0, 1).to(NaN)).toBeNaN();
  });

  test('do not widen the axis', () => {
    const scale = fit(
      { name: 'loss', scale: 'log', values: [0, -1, NaN, Infinity, 1, 100] },
      { pad: 0 },
    );
    expect([scale.low, scale.high]).toEqual([1, 100]);
  });
});

test('the search space sets the range, but data outside of it stays in sight', () => {
  const values = [0.2, 1.5];
  const scale = fit({ name: 'x', scale: 'linear', values, low: 0, high: 1 }, { pad: 0 });
  expect([scale.low, scale.high]).toEqual([0, 1.5]);
});

test('a single value and no value at all still make an axis', () => {
  for (const values of [[5], [0], [], [NaN]]) {
    for (const kind of ['linear', 'log', 'time', 'duration'] as const) {
      const scale = fit({ name: 'x', scale: kind, values }).place(0, 100);
      expect(scale.high).toBeGreaterThan(scale.low);
      expect(Number.isFinite(scale.low) && Number.isFinite(scale.high)).toBe(true);
    }
  }
});

test('each category has the middle of its band', () => {
  const scale = fit({ name: 'opt', scale: 'category', values: [0, 1], categories: ['a', 'b'] });
  scale.place(0, 100);
  expect([scale.to(0), scale.to(1)]).toEqual([25, 75]);
});
