import { describe, expect, test } from 'vitest';

import { Groups } from './linegroup';
import { nearestFinite, nearestIndex, traceBand, traceLine, type Breaks } from './linepath';
import { lineLooks, spread } from './linestyle';
import { SvgPen } from './pen';
import { Scale } from './scale';
import { plain } from './theme';

const x = [0, 1, 2, 3, 4];
const view = { x, pixels: x, first: 0, last: 4, y: new Scale('linear', 0, 10).place(0, 10) };

function path(values: number[], breaks: Breaks, steps = false): string {
  const pen = new SvgPen(10, 10, plain);
  pen.begin();
  traceLine(pen, view, values, breaks, steps);
  pen.stroke({ colour: 'red' });
  return /<path d="([^"]*)"/.exec(pen.toString())?.[1] ?? '';
}

describe('a line', () => {
  test('goes through all its points', () => {
    expect(path([1, 2, 3, 4, 5], { bridge: 3, odd: [] })).toBe('M0 1L1 2L2 3L3 4L4 5');
  });

  test('breaks at a gap, and a lone point becomes a dot', () => {
    expect(path([1, 2, NaN, NaN, 5], { bridge: 2, odd: [] })).toBe('M0 1L1 2M4 5M3 5L5 5');
  });

  test('bridges the places at which the run logs nothing', () => {
    expect(path([1, NaN, 3, NaN, 5], { bridge: 2, odd: [] })).toBe('M0 1L2 3L4 5');
  });

  test('breaks where the run logged NaN, and at infinite values', () => {
    expect(path([1, NaN, 3, 4, 5], { bridge: 9, odd: [1] })).toBe('M0 1M-1 1L1 1M2 3L3 4L4 5');
    expect(path([1, 2, Infinity, 4, 5], { bridge: 1, odd: [] })).toBe('M0 1L1 2M3 4L4 5');
  });

  test('can go in steps', () => {
    expect(path([1, 2, NaN, NaN, NaN], { bridge: 9, odd: [] }, true)).toBe('M0 1L1 1L1 2');
  });
});

test('a band breaks where its line does', () => {
  const pen = new SvgPen(10, 10, plain);
  pen.begin();
  traceBand(pen, view, [1, 1, NaN, 1, 1], [2, 2, NaN, 2, 2], { bridge: 1, odd: [] });
  pen.fill('red');
  expect(pen.toString()).toContain('M0 2L1 2L1 1L0 1ZM3 2L4 2L4 1L3 1Z');
});

test('the nearest point is found on both sides, and not beyond the reach', () => {
  expect(nearestIndex([0, 10, 20], 14)).toBe(1);
  expect(nearestIndex([0, 10, 20], 16)).toBe(2);
  expect(nearestIndex([0, 10, 20], 99)).toBe(2);
  expect(nearestFinite(x, [NaN, NaN, NaN, 7, NaN], 1, 2)).toBe(3);
  expect(nearestFinite(x, [NaN, NaN, NaN, NaN, 7], 0, 2)).toBe(-1);
  expect(nearestFinite(x, [NaN, NaN, NaN, NaN, NaN], 2, 99)).toBe(-1);
});

test('lines of one colour differ by their dashes', () => {
  const looks = lineLooks(
    [{ id: 'a-0' }, { id: 'a-8' }, { id: 'a-1', colour: '#123456' }],
    plain,
  );
  expect(looks[0]?.colour).toBe(looks[1]?.colour);
  expect(looks[0]?.dash).not.toEqual(looks[1]?.dash);
  expect(looks[2]).toEqual({ colour: '#123456', dash: [] });
});

test('names at the ends of lines do not overlap, and stay in the frame', () => {
  const places = spread([50, 51, 52, 99], 10, 0, 100);
  const sorted = [...places].sort((a, b) => a - b);
  sorted
    .slice(1)
    .forEach((place, index) => expect(place - (sorted[index] ?? 0)).toBeGreaterThanOrEqual(10));
  expect(Math.max(...places)).toBeLessThanOrEqual(100);
  expect(places[0]).toBeLessThan(places[1] ?? 0);
});

test('a group holds its members until they leave', () => {
  const groups = new Groups<string>();
  groups.join('a', 'g');
  groups.join('b', 'g');
  groups.join('c', 'other');
  expect(groups.peers('a')).toEqual(['b']);
  groups.leave('b');
  expect(groups.peers('a')).toEqual([]);
  expect(groups.peers('stranger')).toEqual([]);
});
