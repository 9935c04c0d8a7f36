// Turns a table of runs into what the charts draw. This module is pure.

import { Frame } from '../api/columns';
import type { Json, Parameter, SweepDetail } from '../api/types';
import { codes, numbers, type Dimension } from '../charts/data';

/** The columns that every list of runs needs. */
export const BASICS = [
  'id',
  'name',
  'state',
  'trial',
  'value',
  'started_ms',
  'ended_ms',
  'agent',
];

function asText(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The column of a parameter, as in filters. */
export function columnOf(parameter: string): string {
  return `config.${parameter}`;
}

/** Some rows of a column, or all of them. */
function pick<T>(rows: readonly number[], value: (row: number) => T): T[] {
  return rows.map((row) => value(row));
}

/** The axis of a parameter: its scale and range come from the search space. */
export function parameterAxis(
  frame: Frame,
  parameter: Parameter,
  rows: readonly number[],
): Dimension {
  const column = columnOf(parameter.name);
  if (parameter.kind === 'categorical' || parameter.kind === 'constant') {
    const categories = parameter.values.map(asText);
    const index = new Map(categories.map((text, at) => [text, at]));
    const values = pick(rows, (row) => {
      const text = frame.text(column, row);
      if (text === null) return NaN;
      const known = index.get(text);
      if (known !== undefined) return known;
      index.set(text, categories.push(text) - 1);
      return categories.length - 1;
    });
    return { name: parameter.name, scale: 'category', values, categories };
  }
  const all = frame.numbers(column);
  const values = pick(rows, (row) => all[row] ?? NaN);
  const axis: Dimension = { name: parameter.name, scale: parameter.scale, values };
  if (parameter.low !== null) axis.low = parameter.low;
  if (parameter.high !== null) axis.high = parameter.high;
  return axis;
}

/** The axis of any other column: numbers, or texts as categories. */
export function columnAxis(
  frame: Frame,
  column: string,
  rows: readonly number[],
  name = column,
): Dimension {
  const texts = frame.codes(column);
  if (texts) {
    const chosen = pick(rows, (row) => texts.codes[row] ?? 0xffffffff);
    return codes(name, chosen, texts.values);
  }
  const all = frame.numbers(column);
  const values = pick(rows, (row) => all[row] ?? NaN);
  return column.endsWith('_ms') ? { name, scale: 'time', values } : numbers(name, values);
}

/** All rows of a table. */
export function everyRow(frame: Frame): number[] {
  return Array.from({ length: frame.rows }, (_, row) => row);
}

export function idsOf(frame: Frame, rows: readonly number[]): string[] {
  return pick(rows, (row) => frame.text('id', row) ?? '');
}

export function statesOf(frame: Frame, rows: readonly number[]): string[] {
  return pick(rows, (row) => frame.text('state', row) ?? '');
}

/** The columns with the values that the limits of a sweep bound. */
export function limitColumns(detail: Pick<SweepDetail, 'limits'>): string[] {
  return detail.limits.map(({ metric }) => `summary.${metric}`);
}

/**
 * Whether each trial keeps all limits of its sweep, as the search sees it: a trial without the
 * value breaks the limit. `undefined` if the sweep has no limits.
 */
export function keepsOf(
  frame: Frame,
  detail: Pick<SweepDetail, 'limits'>,
  rows: readonly number[],
): boolean[] | undefined {
  if (detail.limits.length === 0) return undefined;
  return pick(rows, (row) =>
    detail.limits.every(({ min, max }, index) => {
      const value = frame.number(limitColumns(detail)[index] ?? '', row);
      return value !== null && (min === null || value >= min) && (max === null || value <= max);
    }),
  );
}

/** How long each run took so far, in seconds. */
export function secondsOf(frame: Frame, rows: readonly number[], now: number): number[] {
  return pick(rows, (row) => {
    const from = frame.number('started_ms', row);
    if (from === null) return NaN;
    return ((frame.number('ended_ms', row) ?? now) - from) / 1000;
  });
}

/** Puts spans of time into as few lanes of their agents as possible, without an overlap. */
export function lanes(
  spans: readonly { agent: string; from: number; to: number | null }[],
  now: number,
): string[] {
  const order = [...spans.keys()];
  const from = (index: number) => spans[index]?.from ?? 0;
  order.sort((a, b) => from(a) - from(b));
  const ends = new Map<string, number[]>();
  const names = new Array<string>(spans.length);
  for (const index of order) {
    const { agent = '', to = null } = spans[index] ?? {};
    const free = ends.get(agent) ?? [];
    ends.set(agent, free);
    const found = free.findIndex((end) => end <= from(index));
    const lane = found < 0 ? free.length : found;
    free[lane] = to ?? now;
    names[index] = `${agent || 'no agent'} · ${lane + 1}`;
  }
  return names;
}
