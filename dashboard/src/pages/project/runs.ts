// Which runs of a project a page lists, draws and groups. This module is pure.

import type { Frame } from '../../api/columns';
import type { Key, ProjectKeys } from '../../api/types';

/** The columns that the list always has. */
export const LISTED = [
  'id',
  'name',
  'state',
  'value',
  'sweep',
  'agent',
  'created_ms',
  'started_ms',
  'ended_ms',
];

/** How many runs the charts draw before the reader chooses: the best and the newest. */
const BEST = 10;
const NEWEST = 5;
/** How many columns of each kind the table has before the reader chooses. */
const CONFIG = 6;
const SUMMARY = 4;

export interface Choice {
  id: string;
  label: string;
  kind: Key['kind'];
}

/** Every column that the reader may choose. */
export function choices(keys: ProjectKeys): Choice[] {
  const of = (prefix: string, list: Key[]) =>
    list.map(({ name, kind }) => ({ id: `${prefix}.${name}`, label: `${prefix}.${name}`, kind }));
  return [...of('config', keys.config), ...of('summary', keys.summary)];
}

/** The columns before the reader chooses: what most runs have. */
export function firstColumns(keys: ProjectKeys): string[] {
  const most = (list: Key[], count: number) =>
    list
      .filter(({ name, kind }) => kind !== 'other' && !name.startsWith('_'))
      .toSorted((a, b) => b.runs - a.runs)
      .slice(0, count)
      .map(({ name }) => name);
  const config = most(keys.config, CONFIG).map((name) => `config.${name}`);
  const summary = most(
    keys.summary.filter(({ kind }) => kind === 'number'),
    SUMMARY,
  );
  return [...config, ...summary.map((name) => `summary.${name}`)];
}

/** The runs that the charts draw before the reader chooses: the best and the newest. */
export function firstDrawn(frame: Frame, rows: readonly number[], maximize: boolean): string[] {
  const id = (row: number) => frame.text('id', row) ?? '';
  const logged = rows.filter((row) => frame.text('state', row) !== 'queued');
  const value = (row: number) => frame.number('value', row) ?? NaN;
  const rated = logged
    .filter((row) => !Number.isNaN(value(row)))
    .sort((a, b) => (maximize ? value(b) - value(a) : value(a) - value(b)));
  const created = (row: number) => frame.number('created_ms', row) ?? 0;
  const newest = [...logged].sort((a, b) => created(b) - created(a));
  const some = rated.length > 0 ? NEWEST : BEST;
  return [...new Set([...rated.slice(0, BEST), ...newest.slice(0, some)])].map(id);
}

/** The rows with a heading, which is a negative number, before each group. */
export function grouped(
  rows: readonly number[],
  text: (row: number) => string | null,
): { rows: number[]; headings: string[] } {
  const groups = new Map<string, number[]>();
  for (const row of rows) {
    const name = text(row) ?? 'none';
    const group = groups.get(name);
    if (group) group.push(row);
    else groups.set(name, [row]);
  }
  const headings = [...groups].map(([name, inside]) => `${name} · ${inside.length}`);
  const result = [...groups.values()].flatMap((inside, index) => [-1 - index, ...inside]);
  return { rows: result, headings };
}
