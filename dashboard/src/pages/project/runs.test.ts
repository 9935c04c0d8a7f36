import { expect, test } from 'vitest';

import { Frame, type Column } from '../../api/columns';
import { frozen, waitingText } from './frozen';
import { groupsOf, listedRows, summedUp } from './groups';
import { firstColumns, firstDrawn } from './runs';
import { statColumn, withChosen, withoutGoal } from './stats';

function texts(values: (string | null)[]): Column {
  const known = [...new Set(values.filter((value) => value !== null))];
  const codes = values.map((value) => (value === null ? 0xffffffff : known.indexOf(value)));
  return { kind: 'texts', codes: Uint32Array.from(codes), values: known };
}

function frame(values: number[], more: [string, Column][] = []): Frame {
  const columns: [string, Column][] = [
    ['id', texts(values.map((_, row) => `r${row}`))],
    ['value', { kind: 'numbers', data: Float64Array.from(values) }],
    ['created_ms', { kind: 'numbers', data: Float64Array.from(values.keys()) }],
  ];
  return new Frame(values.length, new Map([...columns, ...more]));
}

const rows = (count: number) => Array.from({ length: count }, (_, row) => row);

test('the charts begin with the best and the newest runs, each once', () => {
  const values = rows(30);
  const drawn = firstDrawn(frame(values), values, () => false);
  expect(drawn.slice(0, 2)).toEqual(['r0', 'r1']);
  expect(drawn.slice(10)).toEqual(['r29', 'r28', 'r27', 'r26', 'r25']);
  expect(firstDrawn(frame(values), values, () => true)[0]).toBe('r29');
  expect(firstDrawn(frame([NaN, NaN]), rows(2), () => true)).toEqual(['r1', 'r0']);
});

test('the best runs are those of each sweep by its own goal, and none without a goal', () => {
  const sweeps = texts(['up', 'up', 'down', 'down', null]);
  const some = frame([1, 2, 3, 4, 0], [['sweep', sweeps]]);
  const drawn = firstDrawn(some, rows(5), (sweep) => (sweep ? sweep === 'up' : undefined));
  expect(drawn.slice(0, 4)).toEqual(['r1', 'r2', 'r0', 'r3']);
  expect(firstDrawn(some, rows(5), () => undefined)).toEqual(['r4', 'r3', 'r2', 'r1', 'r0']);
});

test('a run is in the group of each of its tags, and none is dropped', () => {
  const some = frame([1, 2, 3], [['tags', texts(['b, a', null, 'a'])]]);
  const groups = groupsOf(some, 'tags', rows(3));
  expect(groups.map(({ label, rows: inside }) => [label, inside])).toEqual([
    ['a', [0, 2]],
    ['b', [0]],
    ['without tags', [1]],
  ]);
  expect(listedRows(groups, new Set(['a']))).toEqual([-1, -2, 0, -3, 1]);
});

test('a tag with a comma is one tag', () => {
  const some = frame([1, 2], [['tags', texts(['a\\, b, c', 'd\\\\, c'])]]);
  const labels = groupsOf(some, 'tags', rows(2)).map(({ label }) => label);
  expect(labels.sort()).toEqual(['a, b', 'c', 'd\\']);
});

test('numbers and absent values make groups', () => {
  const data = Float64Array.from([0.1, NaN, 10, 0.1]);
  const some = frame([4, 3, NaN, 2], [['config.lr', { kind: 'numbers', data }]]);
  const groups = groupsOf(some, 'config.lr', rows(4));
  expect(groups.map(({ label }) => label)).toEqual(['0.1', '10', 'without lr']);
  expect(summedUp(some, 'value', groups[0]?.rows ?? [], false)).toEqual({ best: 2, mean: 3 });
  expect(summedUp(some, 'value', [2], true)).toEqual({ best: null, mean: null });
});

test('the best value of a metric follows its goal', () => {
  const goals = withChosen({ loss: false }, ['val/acc:max', 'loss:max']);
  expect(goals).toEqual({ loss: true, 'val/acc': true });
  expect(statColumn('summary.val/acc', 'best', goals)).toBe('summary.val/acc.max');
  expect(statColumn('summary.f1', 'best', goals)).toBe('summary.f1');
  expect(statColumn('summary.f1', 'min', goals)).toBe('summary.f1.min');
  expect(statColumn('config.lr', 'max', goals)).toBe('config.lr');
  expect(withoutGoal(['summary.f1', 'summary.loss', 'config.lr'], goals)).toEqual(['f1']);
});

test('a live list keeps its order until the reader takes the changes in', () => {
  expect(frozen(null, ['b', 'a'])).toEqual({ rows: [0, 1], waiting: 0, moved: false });
  const live = frozen(['a', 'b', 'gone'], ['new', 'b', 'a']);
  expect(live).toEqual({ rows: [2, 1], waiting: 1, moved: true });
  expect(waitingText(live.waiting, live.moved)).toBe('1 new ▸');
  expect(waitingText(0, true)).toBe('New order ▸');
  expect(waitingText(0, false)).toBe('');
});

test('the table begins with what most runs have', () => {
  const key = (name: string, runs: number, kind: 'number' | 'other' = 'number') => ({
    name,
    runs,
    kind,
  });
  const config = [key('rare', 1), key('lr', 9), key('object', 9, 'other')];
  const summary = [key('loss', 5), key('_step', 9)];
  expect(firstColumns({ config, summary, history: [], goals: {} })).toEqual([
    'config.lr',
    'config.rare',
    'summary.loss',
  ]);
});
