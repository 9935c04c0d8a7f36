import { describe, expect, test } from 'vitest';

import {
  categoryTicks,
  distinct,
  durationTicks,
  linearTicks,
  logTicks,
  timeTicks,
} from './ticks';

const labels = (ticks: { label: string }[]): string[] => ticks.map((tick) => tick.label);
const values = (ticks: { value: number }[]): number[] => ticks.map((tick) => tick.value);

describe('linear ticks', () => {
  test('lie at round values and carry no error of addition', () => {
    expect(values(linearTicks(0, 1, 10))).toEqual([
      0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1,
    ]);
    expect(values(linearTicks(0.13, 0.71, 5))).toEqual([0.2, 0.4, 0.6]);
  });

  test('show the same decimals on the whole axis', () => {
    expect(labels(linearTicks(0, 0.5, 5))).toEqual(['0', '0.1', '0.2', '0.3', '0.4', '0.5']);
    expect(labels(linearTicks(0.95, 1.05, 4))).toEqual(['0.95', '1.00', '1.05']);
  });

  test('group the digits of all ticks or of none', () => {
    expect(labels(linearTicks(0, 12000, 6))).toEqual([
      '0',
      '2,000',
      '4,000',
      '6,000',
      '8,000',
      '10,000',
      '12,000',
    ]);
    expect(labels(linearTicks(0, 4000, 4))).toEqual(['0', '1000', '2000', '3000', '4000']);
    expect(labels(linearTicks(0, 3e6, 3))).toEqual(['0', '1M', '2M', '3M']);
  });

  test('are whole where values are', () => {
    expect(values(linearTicks(1, 3, 10, true))).toEqual([1, 2, 3]);
  });

  test('survive ranges without a length and ranges that are no numbers', () => {
    expect(values(linearTicks(5, 5, 5))).toEqual([5]);
    expect(linearTicks(NaN, 1, 5)).toEqual([]);
    expect(linearTicks(0, 1e-320, 5).length).toBeLessThan(1000);
    expect(linearTicks(-1e308, 1e308, 5).length).toBeLessThan(1000);
  });
});

describe('log ticks', () => {
  test('lie at powers of ten over many decades', () => {
    expect(labels(logTicks(1e-5, 1e-1, 5))).toEqual(['1e-5', '1e-4', '0.001', '0.01', '0.1']);
  });

  test('add 1, 2 and 5 over few decades', () => {
    expect(values(logTicks(1, 100, 9))).toEqual([1, 2, 5, 10, 20, 50, 100]);
  });

  test('are linear within one decade', () => {
    expect(values(logTicks(2, 4, 4))).toEqual([2, 2.5, 3, 3.5, 4]);
  });

  test('leave out texts, but not marks, if there are too many decades', () => {
    const ticks = logTicks(1e-12, 1e12, 6);
    expect(ticks).toHaveLength(25);
    expect(ticks.filter((tick) => tick.label !== '').length).toBeLessThanOrEqual(7);
  });

  test('do not exist for ranges that touch zero', () => {
    expect(logTicks(0, 10, 5)).toEqual([]);
  });
});

test('ticks of time lie at whole hours, and the first one of a day names it', () => {
  const start = new Date(2026, 10, 30, 21, 10).getTime();
  const ticks = timeTicks(start, start + 5 * 3600e3, 6);
  expect(labels(ticks)).toEqual(['22:00', '23:00', '1 Dec', '01:00', '02:00']);
});

test('ticks of time reach from milliseconds to years', () => {
  const start = new Date(2026, 0, 1).getTime();
  for (const span of [10, 3000, 60e3, 3600e3, 86400e3, 30 * 86400e3, 400 * 86400e3, 9e11]) {
    const ticks = timeTicks(start, start + span, 6);
    expect(ticks.length).toBeGreaterThan(1);
    expect(ticks.length).toBeLessThan(16);
    expect(ticks.every(({ value }) => value >= start && value <= start + span)).toBe(true);
  }
});

test('ticks of durations lie at whole minutes and hours', () => {
  expect(labels(durationTicks(0, 7200, 5))).toEqual(['0s', '30m', '1h', '1h 30m', '2h']);
});

test('an axis with many categories names only some', () => {
  const ticks = categoryTicks(['a', 'b', 'c', 'd', 'e'], 3);
  expect(labels(ticks)).toEqual(['a', '', 'c', '', 'e']);
});

test('few different values are found, and many are not', () => {
  expect(distinct([512, 32, NaN, 32], 3)).toEqual([32, 512]);
  expect(distinct([1, 2, 3], 2)).toBeNull();
});
