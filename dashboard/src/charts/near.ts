/** Which mark is near a pixel, and which ones lie in a rectangle. */

import { at } from './data';

/**
 * Marks with their pixels. A search looks at all of them: for 10,000 marks it takes some 20
 * microseconds, so an index would not be worth its upkeep.
 */
export interface Spots {
  ids: readonly string[];
  x: Float64Array;
  y: Float64Array;
}

export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** The row of the nearest mark within a distance, or -1. */
export function nearest({ ids, x, y }: Spots, px: number, py: number, within: number): number {
  let best = -1;
  let least = within * within;
  for (let row = 0; row < ids.length; row += 1) {
    const dx = at(x, row) - px;
    const dy = at(y, row) - py;
    const distance = dx * dx + dy * dy;
    // A mark without a place has no distance, and the comparison is false.
    if (distance <= least) {
      least = distance;
      best = row;
    }
  }
  return best;
}

/** The ids of the marks in a rectangle. */
export function inside({ ids, x, y }: Spots, box: Box): string[] {
  return ids.filter((_, row) => {
    const [px, py] = [at(x, row), at(y, row)];
    return px >= box.left && px <= box.right && py >= box.top && py <= box.bottom;
  });
}

/** The rectangle between two corners. */
export function boxOf(a: { x: number; y: number }, b: { x: number; y: number }): Box {
  return {
    left: Math.min(a.x, b.x),
    top: Math.min(a.y, b.y),
    right: Math.max(a.x, b.x),
    bottom: Math.max(a.y, b.y),
  };
}

/** The rows that have a place, from left to right: the order in which keys walk over the marks. */
export function walk({ x, y }: Spots): number[] {
  const rows = Array.from(x.keys()).filter((row) => Number.isFinite(at(x, row) + at(y, row)));
  return rows.sort((a, b) => at(x, a) - at(x, b) || at(y, b) - at(y, a));
}

/**
 * The row whose line is nearest to a pixel, between two axes of parallel coordinates. `share` is
 * the place of the pixel between the axes. Returns -1 if no line is within the distance.
 */
export function nearestLine(
  left: ArrayLike<number>,
  right: ArrayLike<number>,
  share: number,
  py: number,
  within: number,
  shown: (row: number) => boolean,
): number {
  let best = -1;
  let least = within;
  for (let row = 0; row < left.length; row += 1) {
    const y = at(left, row) + (at(right, row) - at(left, row)) * share;
    const distance = Math.abs(y - py);
    if (distance <= least && shown(row)) {
      least = distance;
      best = row;
    }
  }
  return best;
}
