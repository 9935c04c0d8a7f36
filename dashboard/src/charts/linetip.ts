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

/** The box for some readings: the nearest nine, from top to bottom as on the screen. */
export function tipOf(
  data: LinesData,
  list: readonly Reading[],
  lines: readonly Line[],
  looks: readonly LineLook[],
): Tip {
  const first = list[0];
  const shown = list.slice(0, most);
  shown.sort((a, b) => at(b.line.values, b.index) - at(a.line.values, a.index));
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
  return { title, rows, more: Math.max(0, list.length - most) };
}
