import { describe, expect, test } from 'vitest';

import { bars, histogram, lines, matrix, missing, scatter } from './data';
import { fromClient, fromRow, newestPlots, type Plot } from './plots';

const client = (kind: string, fields: Record<string, string>, texts = {}) =>
  fromClient({ key: 'k', table: 'k_table', kind, fields, texts: { title: 'T', ...texts } }, 'p');

describe('charts of the client of W&B', () => {
  test.each([
    ['wandb/line/v0', { x: 'a', y: 'b' }, 'line', 'a', 'b', ''],
    ['wandb/scatter/v0', { x: 'a', y: 'b' }, 'scatter', 'a', 'b', ''],
    ['wandb/bar/v0', { label: 'a', value: 'b' }, 'bar', 'a', 'b', ''],
    ['wandb/histogram/v0', { value: 'a' }, 'histogram', 'a', 'count', ''],
    ['wandb/lineseries/v0', { step: 'a', lineVal: 'b', lineKey: 'c' }, 'line', 'a', 'b', 'c'],
    ['wandb/area-under-curve/v0', { x: 'a', y: 'b', class: 'c' }, 'line', 'a', 'b', 'c'],
    [
      'wandb/confusion_matrix/v1',
      { Predicted: 'a', Actual: 'b', nPredictions: 'c' },
      'matrix',
      'a',
      'b',
      'c',
    ],
    ['me/own', {}, 'unknown', '', '', ''],
  ])('%s', (kind, fields, drawn, x, y, group) => {
    expect(client(kind, fields)).toMatchObject({ kind: drawn, title: 'T', x, y, group });
  });
});

const sdk = (mark: unknown, encoding: unknown) =>
  fromRow('k', {
    _type: 'custom-chart',
    title: 'T',
    spec: { mark, encoding } as never,
    table: { _type: 'table-file', path: 't.parquet', sha256: '0' },
  });

test('charts of the SDK are read from their descriptions', () => {
  const number = (field: string) => ({ field, type: 'quantitative', title: field });
  const name = (field: string) => ({ field, type: 'nominal', title: field });
  const xy = { x: number('a\\.b'), y: number('c') };
  expect(sdk('line', xy)).toMatchObject({ kind: 'line', x: 'a.b', y: 'c', table: 't.parquet' });
  const roc = { type: 'line', interpolate: 'step-after' };
  expect(sdk(roc, { ...xy, color: name('class') })).toMatchObject({ group: 'class' });
  expect(sdk('point', xy)).toMatchObject({ kind: 'scatter' });
  const bar = { y: name('label'), x: number('n') };
  expect(sdk('bar', bar)).toMatchObject({ kind: 'bar', x: 'label', y: 'n' });
  const bins = { x: { field: 'a', bin: true, title: 'a' }, y: { aggregate: 'count' } };
  expect(sdk('bar', bins)).toMatchObject({ kind: 'histogram', x: 'a' });
  const side = (field: string) => ({ ...name(field), sort: ['b', 'a'] });
  const cells = { x: side('p'), y: side('t'), color: number('n') };
  expect(sdk('rect', cells)).toMatchObject({ kind: 'matrix', order: ['b', 'a'], group: 'n' });
  expect(sdk('arc', xy)).toMatchObject({ kind: 'unknown', other: 'arc' });
  expect(fromRow('k', { _type: 'table-file', path: 'a' })).toBeNull();
});

test('the newest plots of a run come from its summary', () => {
  const charts = [
    { key: 'roc', table: 'roc_table', kind: 'wandb/line/v0', fields: {}, texts: {} },
  ];
  const table = { _type: 'table-file', path: 'a.json' };
  const plots = newestPlots({ roc_table: table, loss: 1, other: table }, charts);
  expect(plots.map(({ key, table: path }) => [key, path])).toEqual([['roc', 'a.json']]);
});

const plot: Plot = {
  ...{ kind: 'line', key: 'k', title: 'T', table: 't', x: 'x', y: 'y', group: 'g' },
  ...{ xName: 'x', yName: 'y', order: [], other: '' },
};

test('lines share their x, and keep points at the same x', () => {
  const rows = [
    [0, 0, 'a'],
    [0, 0.5, 'a'],
    [1, 1, 'a'],
    [0.5, 2, 'b'],
    ['x', 3, 'b'],
  ];
  const data = lines(plot, { columns: ['x', 'y', 'g'], rows });
  expect([...Array.from(data.x)]).toEqual([0, 0, 0.5, 1]);
  expect(data.series.map(({ label }) => label)).toEqual(['a', 'b']);
  expect(Array.from(data.series[0]?.last ?? [])).toEqual([0, 0.5, NaN, 1]);
  expect(missing(plot, { columns: ['x'], rows: [] })).toEqual(['y', 'g']);
});

test('numbers are counted, and bars keep their order', () => {
  const rows = {
    columns: ['x', 'y'],
    rows: [[1, 3] as const, [1, 5] as const, [9, NaN] as const],
  };
  expect(histogram(plot, rows).bars.map(({ value }) => value)).toEqual([2, 0, 1]);
  expect(bars(plot, rows).bars.map(({ value }) => value)).toEqual([3, 5]);
  expect(scatter(plot, rows).ids.length).toBe(3);
});

test('the first class of a matrix is on top', () => {
  const rows = [
    ['cat', 'cat', 3],
    ['cat', 'dog', 1],
    ['dog', 'dog', 4],
  ];
  const data = matrix({ ...plot, x: 'y', y: 'x' }, { columns: ['x', 'y', 'g'], rows });
  expect(data.x.categories).toEqual(['cat', 'dog']);
  expect(data.y.categories).toEqual(['dog', 'cat']);
  expect(Array.from(data.mean)).toEqual([NaN, 4, 3, 1]);
});
