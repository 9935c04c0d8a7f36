/** Points that the search would try next, drawn beside the trials that it has tried. */

import { crisp } from './axes';
import { at } from './data';
import type { Pen } from './pen';
import { trace } from './states';
import type { Theme } from './theme';

export interface Proposed {
  /** What to call each point. */
  names: readonly string[];
  /** NaN: the point has no value on this axis. */
  x: ArrayLike<number>;
  /** NaN: nothing is predicted for the point. */
  y: ArrayLike<number>;
  /** The ends of the predicted interval. */
  low?: ArrayLike<number> | undefined;
  high?: ArrayLike<number> | undefined;
}

interface Places {
  x: (value: number) => number;
  y: (value: number) => number;
  /** The pixel of points without a value on the y axis. */
  none: number;
}

/** Draws a diamond with its name for each point, and its interval. */
export function drawProposed(pen: Pen, theme: Theme, proposed: Proposed, places: Places): void {
  const { names, low, high } = proposed;
  names.forEach((name, row) => {
    const x = places.x(at(proposed.x, row));
    const known = places.y(at(proposed.y, row));
    const y = Number.isFinite(known) ? known : places.none;
    if (!Number.isFinite(x + y)) return;
    const ends = [at(low ?? [], row), at(high ?? [], row)].map(places.y);
    const [from = NaN, to = NaN] = ends;
    if (Number.isFinite(from + to)) {
      pen.begin();
      pen.move(crisp(x), from);
      pen.line(crisp(x), to);
      pen.stroke({ colour: theme.accent, width: 1.4, alpha: 0.8 });
    }
    pen.begin();
    trace(pen, 'diamond', x, y, 4.6);
    pen.fill(theme.ground);
    pen.stroke({ colour: theme.accent, width: 2 });
    const style = { colour: theme.accent, size: 10, bold: true, halo: theme.ground } as const;
    pen.text(name, x + 8, y - 7, style);
  });
}
