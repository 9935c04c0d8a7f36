/** Shapes that a pen draws with short lines, because it knows no arcs between points. */

import type { Pen } from './pen';

/** The lines of a quarter of a circle, and of a piece of a curve. */
const quarter = 5;
const piece = 14;

/** Adds a rectangle with round corners to the path. */
export function rounded(
  pen: Pen,
  left: number,
  top: number,
  width: number,
  height: number,
  radius: number,
): void {
  const r = Math.max(0, Math.min(radius, width / 2, height / 2));
  const corners: [number, number, number][] = [
    [left + width - r, top + r, -Math.PI / 2],
    [left + width - r, top + height - r, 0],
    [left + r, top + height - r, Math.PI / 2],
    [left + r, top + r, Math.PI],
  ];
  let first = true;
  for (const [x, y, start] of corners) {
    for (let step = 0; step <= quarter; step += 1) {
      const angle = start + ((Math.PI / 2) * step) / quarter;
      const [px, py] = [x + r * Math.cos(angle), y + r * Math.sin(angle)];
      if (first) pen.move(px, py);
      else pen.line(px, py);
      first = false;
    }
  }
  pen.close();
}

/**
 * Adds a smooth curve through points to the path. It leaves and reaches each point horizontally.
 * `bow` is how far the curve keeps this direction, as a part of the way to the next point.
 */
export function curve(
  pen: Pen,
  points: readonly (readonly [number, number])[],
  bow: number,
): void {
  points.forEach(([x, y], index) => {
    const before = points[index - 1];
    if (!before) {
      pen.move(x, y);
      return;
    }
    const [fromX, fromY] = before;
    const reach = (x - fromX) * bow;
    for (let step = 1; step <= piece; step += 1) {
      const t = step / piece;
      const u = 1 - t;
      const [a, b, c, d] = [u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t];
      pen.line(
        a * fromX + b * (fromX + reach) + c * (x - reach) + d * x,
        (a + b) * fromY + (c + d) * y,
      );
    }
  });
}
