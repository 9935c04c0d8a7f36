/** The Pareto front of two metrics. */

import { at } from './data';

/**
 * The rows that no other row beats in both metrics, by ascending x. `large` tells for x and y
 * whether a large value is good. Rows without both values never count, and rows that break a limit
 * of their sweep do not either.
 */
export function pareto(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  large: readonly [boolean, boolean],
  keeps?: readonly boolean[],
): number[] {
  const [signX, signY] = [large[0] ? 1 : -1, large[1] ? 1 : -1];
  const rows = Array.from({ length: x.length }, (_, row) => row).filter(
    (row) => keeps?.[row] !== false && Number.isFinite(at(x, row) + at(y, row)),
  );
  // The best x comes first. Then a row is on the front if its y beats all before it.
  rows.sort((a, b) => signX * (at(x, b) - at(x, a)) || signY * (at(y, b) - at(y, a)));
  let best = -Infinity;
  const front = rows.filter((row) => {
    const value = signY * at(y, row);
    if (value <= best) return false;
    best = value;
    return true;
  });
  return front.sort((a, b) => at(x, a) - at(x, b));
}
