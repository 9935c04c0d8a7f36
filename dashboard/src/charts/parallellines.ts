/** Draws the lines of parallel coordinates, the worst first. */

import { resultColour } from './colours';
import { at } from './data';
import type { Axis } from './parallelaxes';
import type { Pen } from './pen';
import type { Theme } from './theme';

/** Lines of one stroke. */
const batch = 48;
const shades = 64;

export interface Rows {
  axes: readonly Axis[];
  /** The rank of each row, from 0 to 1. NaN: it has no result. */
  unit: Float64Array;
}

/** Draws rows that come from the worst to the best. Lines that nobody chose are faint and grey. */
export function* drawLines(
  pen: Pen,
  theme: Theme,
  { axes, unit }: Rows,
  rows: readonly number[],
  chosen: boolean,
): Generator<void> {
  const [least, most] = strengths(rows.length);
  const shadeAt = (place: number): number => shadeOf(at(unit, rows[place] ?? 0));
  for (let start = 0; start < rows.length;) {
    const shade = shadeAt(start);
    let end = start;
    while (end < rows.length && end - start < batch && shadeAt(end) === shade) end += 1;
    pen.begin();
    for (let place = start; place < end; place += 1) traceRow(pen, axes, rows[place] ?? 0);
    if (chosen) {
      const alpha = least + (most - least) * Math.max(0, shade / shades) ** 4;
      pen.stroke({ colour: lineColour(at(unit, rows[start] ?? 0), theme), alpha, width: 0 });
    } else {
      pen.stroke({ colour: theme.muted, alpha: Math.min(0.14, least * 0.5), width: 0 });
    }
    start = end;
    yield;
  }
}

/** The colour of a rank. */
export function lineColour(unit: number, theme: Theme): string {
  const shade = shadeOf(unit);
  return shade < 0 ? theme.muted : resultColour(shade / shades, theme.dark);
}

/** Adds the line of a row to the path. */
export function traceRow(pen: Pen, axes: readonly Axis[], row: number): void {
  axes.forEach(({ x, places }, index) => {
    const y = at(places, row);
    if (index === 0) pen.move(x, y);
    else pen.line(x, y);
  });
}

function shadeOf(unit: number): number {
  return Number.isNaN(unit) ? -1 : Math.round(unit * shades);
}

/** The strength of the worst and of the best lines: many lines must be faint to be seen at all. */
function strengths(lines: number): [number, number] {
  const root = Math.sqrt(Math.max(1, lines));
  return [Math.min(0.75, Math.max(0.06, 8 / root)), Math.min(0.95, Math.max(0.22, 20 / root))];
}
