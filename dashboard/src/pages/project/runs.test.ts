import { expect, test } from 'vitest';

import { Frame, type Column } from '../../api/columns';
import { firstColumns, firstDrawn, grouped } from './runs';

function frame(values: number[]): Frame {
  const names = values.map((_, row) => `r${row}`);
  const columns: [string, Column][] = [
    ['id', { kind: 'texts', codes: Uint32Array.from(names.keys()), values: names }],
    ['value', { kind: 'numbers', data: Float64Array.from(values) }],
    ['created_ms', { kind: 'numbers', data: Float64Array.from(names.keys()) }],
  ];
  return new Frame(values.length, new Map(columns));
}

const rows = (count: number) => Array.from({ length: count }, (_, row) => row);

test('the charts begin with the best and the newest runs, each once', () => {
  const values = rows(30);
  const drawn = firstDrawn(frame(values), values, false);
  expect(drawn.slice(0, 2)).toEqual(['r0', 'r1']);
  expect(drawn.slice(10)).toEqual(['r29', 'r28', 'r27', 'r26', 'r25']);
  expect(firstDrawn(frame(values), values, true)[0]).toBe('r29');
  expect(firstDrawn(frame([NaN, NaN]), rows(2), true)).toEqual(['r1', 'r0']);
});

test('a heading stands before each group', () => {
  const names = ['a', 'b', 'a'];
  const found = grouped([2, 1, 0], (row) => names[row] ?? null);
  expect(found.rows).toEqual([-1, 2, 0, -2, 1]);
  expect(found.headings).toEqual(['a · 2', 'b · 1']);
});

test('the table begins with what most runs have', () => {
  const key = (name: string, runs: number, kind: 'number' | 'other' = 'number') => ({
    name,
    runs,
    kind,
  });
  const config = [key('rare', 1), key('lr', 9), key('object', 9, 'other')];
  const summary = [key('loss', 5), key('_step', 9)];
  expect(firstColumns({ config, summary, history: [] })).toEqual([
    'config.lr',
    'config.rare',
    'summary.loss',
  ]);
});
