/** Draws the points that the search would try next over the lines of parallel coordinates. */

import { at } from './data';
import type { Axis } from './parallelaxes';
import type { Pen } from './pen';
import { trace } from './states';
import type { Theme } from './theme';

/**
 * Draws a dashed line for each point. `values` has the values of the points for each dimension. A
 * point without a predicted metric ends before the axis of the metric.
 */
export function drawNext(
  pen: Pen,
  theme: Theme,
  axes: readonly Axis[],
  values: readonly ArrayLike<number>[],
  metric: number,
): void {
  const points = Array.from({ length: values[0]?.length ?? 0 }, (_, point) =>
    axes.map(({ index, scale, x, none }) => {
      const place = scale.to(at(values[index] ?? [], point));
      const missing = index === metric ? NaN : none;
      return { x, y: Number.isFinite(place) ? place : missing };
    }),
  );
  if (points.length === 0) return;
  pen.begin();
  for (const point of points) {
    let broken = true;
    for (const { x, y } of point) {
      if (Number.isFinite(y) && broken) pen.move(x, y);
      else if (Number.isFinite(y)) pen.line(x, y);
      broken = !Number.isFinite(y);
    }
  }
  pen.stroke({ colour: theme.ground, width: 3.5, alpha: 0.7 });
  pen.stroke({ colour: theme.accent, width: 1.6, dash: [5, 3] });
  pen.begin();
  for (const { x, y } of points.flat()) if (Number.isFinite(y)) trace(pen, 'diamond', x, y, 3);
  pen.fill(theme.accent);
}
