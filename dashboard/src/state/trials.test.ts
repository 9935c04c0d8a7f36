import { expect, test } from 'vitest';

import { Frame, type Column } from '../api/columns';
import type { Parameter } from '../api/types';
import { columnAxis, everyRow, keepsOf, lanes, parameterAxis } from './trials';

function numbers(...data: number[]): Column {
  return { kind: 'numbers', data: Float64Array.from(data) };
}

function texts(...data: string[]): Column {
  const values = [...new Set(data)];
  return { kind: 'texts', codes: Uint32Array.from(data, (text) => values.indexOf(text)), values };
}

function parameter(change: Partial<Parameter>): Parameter {
  const plain = { name: 'p', kind: 'number', scale: 'linear', low: null, high: null, values: [] };
  return { ...(plain as Parameter), ...change };
}

test('a number keeps the scale and the range of the search space', () => {
  const frame = new Frame(2, new Map([['config.p', numbers(0.1, NaN)]]));
  const space = parameter({ scale: 'log', low: 0.001, high: 1 });
  const axis = parameterAxis(frame, space, everyRow(frame));
  expect(axis).toEqual({ name: 'p', scale: 'log', values: [0.1, NaN], low: 0.001, high: 1 });
});

test('categories have the order of the config, also if they are numbers or true', () => {
  const frame = new Frame(3, new Map([['config.p', numbers(64, 32, 128)]]));
  const space = parameter({ kind: 'categorical', values: [32, 64] });
  const axis = parameterAxis(frame, space, everyRow(frame));
  expect(axis.values).toEqual([1, 0, 2]);
  expect(axis.categories).toEqual(['32', '64', '128']);

  const flags = new Frame(2, new Map([['config.p', texts('true', 'false')]]));
  const yesNo = parameter({ kind: 'categorical', values: [false, true] });
  expect(parameterAxis(flags, yesNo, [0, 1]).values).toEqual([1, 0]);
});

test('a column of texts is an axis of categories, and of times an axis of times', () => {
  const frame = new Frame(
    2,
    new Map([
      ['agent', texts('b', 'a')],
      ['started_ms', numbers(5, 6)],
    ]),
  );
  const axis = columnAxis(frame, 'agent', [0, 1]);
  expect([axis.scale, axis.categories, [...(axis.values as Float64Array)]]).toEqual([
    'category',
    ['a', 'b'],
    [1, 0],
  ]);
  expect(columnAxis(frame, 'started_ms', [1]).scale).toBe('time');
});

test('runs of an agent share a lane only if they do not overlap', () => {
  const span = (from: number, to: number | null, agent = 'a') => ({ agent, from, to });
  const spans = [span(10, 20), span(0, 10), span(5, null), span(15, 16, 'b'), span(150, 160)];
  expect(lanes(spans, 100)).toEqual(['a · 1', 'a · 1', 'a · 2', 'b · 1', 'a · 1']);
});

test('a trial keeps the limits on both sides, and breaks a limit whose value it lacks', () => {
  const size = numbers(1, 3, NaN, 1);
  const speed = numbers(9, 9, 9, 2);
  const frame = new Frame(
    4,
    new Map([
      ['summary.size', size],
      ['summary.speed', speed],
    ]),
  );
  const limits = [
    { metric: 'size', min: null, max: 2 },
    { metric: 'speed', min: 5, max: null },
  ];
  const rows = everyRow(frame);
  expect(keepsOf(frame, { limits }, rows)).toEqual([true, false, false, false]);
  expect(keepsOf(frame, { limits: [] }, rows)).toBeUndefined();
});
