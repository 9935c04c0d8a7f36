/** What the lines of a chart are at the pointer. */

import { at, type Dimension, write } from './data';
import { number } from './format';
import { nearestFinite, nearestIndex, type View } from './linepath';
import type { Line, LinesData } from './linedata';
import type { LineLook } from './linestyle';
import type { Tip } from './tooltip';

export interface Reading {
  line: Line;
  x: number;
  index: number;
  distance: number;
}

/** The point of each line near a value of x; the point that is nearest to a pixel comes first. */
export function readings(view: View, lines: readonly Line[], x: number, py: number): Reading[] {
  const middle = nearestIndex(view.x, x);
  const list = lines.flatMap((line) => {
    const index = nearestFinite(view.x, line.values, middle, line.breaks.bridge);
    if (index < 0) return [];
    const distance = Math.abs(view.y.to(at(line.values, index)) - py);
    return Number.isFinite(distance) ? [{ line, x: at(view.x, index), index, distance }] : [];
  });
  return list.sort((a, b) => a.distance - b.distance);
}

const most = 9;

/** What the order of lines in boxes and legends follows. */
export type Order = 'cursor' | 'last' | 'best';

/** The number by which a line is ordered: its last finite value, or its best one. */
export function rankOf(
  values: ArrayLike<number>,
  order: Exclude<Order, 'cursor'>,
  maximize: boolean,
): number {
  let found = NaN;
  for (let index = values.length - 1; index >= 0; index -= 1) {
    const value = at(values, index);
    if (!Number.isFinite(value)) continue;
    if (order === 'last') return value;
    if (Number.isNaN(found) || (maximize ? value > found : value < found)) found = value;
  }
  return found;
}

export interface Told {
  order?: Order | undefined;
  /** Whether the largest value is the best. */
  maximize?: boolean | undefined;
  /** Further facts about a run, such as the config values that differ. */
  details?: ((id: string) => readonly (readonly [string, string])[]) | undefined;
}

/** By value from the top of the screen down, or by the last or best values, the best first. */
function arranged(list: Reading[], { order = 'cursor', maximize = false }: Told): Reading[] {
  const value = (one: Reading): number =>
    order === 'cursor'
      ? at(one.line.values, one.index)
      : rankOf(one.line.series.last, order, maximize);
  const sign = order === 'cursor' || maximize ? -1 : 1;
  return list.sort((a, b) => sign * (value(a) - value(b)) || 0);
}

/** The box for some readings: the nearest nine, from top to bottom as on the screen. */
export function tipOf(
  data: LinesData,
  list: readonly Reading[],
  lines: readonly Line[],
  looks: readonly LineLook[],
  told: Told = {},
): Tip {
  const first = list[0];
  const shown = arranged(list.slice(0, most), told);
  const rows = shown.map((reading) => {
    const { line, index } = reading;
    const strong = reading === first;
    const raw = line.values === line.series.last || !strong;
    const logged = raw ? '' : ` (logged ${number(at(line.series.last, index))})`;
    return {
      colour: looks[lines.indexOf(line)]?.colour ?? '',
      name: line.series.label,
      value: number(at(line.values, index)) + logged,
      strong,
    };
  });
  const x: Dimension = { name: data.xName, scale: data.xScale, values: [] };
  const title = `${data.xName} ${write(x, first?.x ?? NaN)}`;
  const details = first ? (told.details?.(first.line.series.id) ?? []) : [];
  return { title, rows, more: Math.max(0, list.length - most), details };
}
