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

/** A colour for each line, and a dash if an earlier line has the same colour. */
export function lineLooks(
  series: readonly { id: string; colour?: string | undefined }[],
  theme: Theme,
): LineLook[] {
  const used = new Map<string, number>();
  return series.map(({ id, colour = runColour(id, theme.dark) }) => {
    const before = used.get(colour) ?? 0;
    used.set(colour, before + 1);
    const dash = series.length > mostDashed ? [] : (dashes[before % dashes.length] ?? []);
    return { colour, dash };
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
