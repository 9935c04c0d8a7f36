/** How the lines of a chart look, and where the names at their ends stand. */

import { runColour } from './colours';
import type { Theme } from './theme';

export interface LineLook {
  colour: string;
  dash: readonly number[];
}

const dashes: readonly (readonly number[])[] = [[], [7, 3], [2, 3], [10, 3, 2, 3]];

/** With more lines than this, dashes would be slow and could not be told apart. */
const mostDashed = 24;

/** The dash of the line that the others are compared with. */
const baselineDash: readonly number[] = [9, 4];

interface Looked {
  id: string;
  colour?: string | undefined;
  colourOf?: string | undefined;
  baseline?: boolean | undefined;
}

/**
 * A colour for each line, and a dash if an earlier line has the same colour. Lines that share a
 * colour on purpose have no dash, and the baseline always has one.
 */
export function lineLooks(series: readonly Looked[], theme: Theme): LineLook[] {
  const used = new Map<string, number>();
  return series.map(({ id, colourOf, colour, baseline = false }) => {
    const chosen = colour ?? runColour(colourOf ?? id, theme.dark);
    if (baseline) return { colour: chosen, dash: baselineDash };
    const before = used.get(chosen) ?? 0;
    used.set(chosen, before + 1);
    const plain = series.length > mostDashed || (colourOf !== undefined && colourOf !== id);
    return { colour: chosen, dash: plain ? [] : (dashes[before % dashes.length] ?? []) };
  });
}

/**
 * Moves texts apart that would overlap. Takes the wanted heights and returns new ones at least
 * `gap` apart, as near as possible to the wanted ones, between `top` and `bottom`.
 */
export function spread(
  wanted: readonly number[],
  gap: number,
  top: number,
  bottom: number,
): number[] {
  const order = wanted
    .map((_, index) => index)
    .sort((a, b) => (wanted[a] ?? 0) - (wanted[b] ?? 0));
  const result = [...wanted];
  let least = top;
  for (const index of order) {
    result[index] = Math.max(least, wanted[index] ?? 0);
    least = (result[index] ?? 0) + gap;
  }
  let most = bottom;
  for (const index of order.reverse()) {
    result[index] = Math.min(most, result[index] ?? 0);
    most = (result[index] ?? 0) - gap;
  }
  return result;
}
