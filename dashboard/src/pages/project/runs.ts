// Which runs of a project a page lists, draws and groups. This module is pure.

import type { Frame } from '../../api/columns';
import type { Key, ProjectKeys } from '../../api/types';

/** The columns that the list always has. All runs have a row, so there are few. */
export const LISTED = ['id', 'name', 'state', 'value', 'sweep', 'created_ms'];
/** The most runs that a page lists; filters find the others. */
export const MOST_LISTED = 10_000;

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

/** The columns of a table that are neither in the config nor in the summary. */
const FIELDS = ['tags', 'group', 'sweep', 'job_type', 'agent', 'trial', 'rows'];

/** Every column that the reader may choose. */
export function choices(keys: ProjectKeys): Choice[] {
  const of = (prefix: string, list: Key[]) =>
    list.map(({ name, kind }) => ({ id: `${prefix}.${name}`, label: `${prefix}.${name}`, kind }));
  const fixed = FIELDS.map((id): Choice => ({ id, label: id, kind: 'text' }));
  return [...of('config', keys.config), ...of('summary', keys.summary), ...fixed];
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

/**
 * The runs that the charts draw before the reader chooses: the best of each sweep in turn, and the
 * newest. Values of different sweeps are not compared, and without a goal no value is the best.
 */
export function firstDrawn(
  frame: Frame,
  rows: readonly number[],
  maximize: (sweep: string | null) => boolean | undefined,
): string[] {
  const id = (row: number) => frame.text('id', row) ?? '';
  const logged = rows.filter((row) => frame.text('state', row) !== 'queued');
  const ofSweep = new Map<string | null, number[]>();
  for (const row of logged) {
    if (frame.number('value', row) === null) continue;
    const sweep = frame.text('sweep', row);
    const others = ofSweep.get(sweep);
    if (others) others.push(row);
    else ofSweep.set(sweep, [row]);
  }
  const ranked = [...ofSweep].flatMap(([sweep, inside]) => {
    const largest = maximize(sweep);
    if (largest === undefined) return [];
    const value = (row: number) => frame.number('value', row) ?? 0;
    return [inside.sort((a, b) => (largest ? value(b) - value(a) : value(a) - value(b)))];
  });
  const best: number[] = [];
  for (let place = 0; best.length < BEST && ranked.some((of) => place < of.length); place += 1) {
    best.push(...ranked.flatMap((of) => of[place] ?? []).slice(0, BEST - best.length));
  }
  const created = (row: number) => frame.number('created_ms', row) ?? 0;
  const newest = [...logged].sort((a, b) => created(b) - created(a));
  return [...new Set([...best, ...newest.slice(0, best.length > 0 ? NEWEST : BEST)])].map(id);
}
