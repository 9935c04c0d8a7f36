/** A surface that is known at the points of a grid. */

import { at, type Dimension } from './data';
import type { Scale } from './scale';

/** An axis of the grid: the pixels of its values, in ascending order of the pixels. */
export interface Line {
  pixels: Float64Array;
  /** The row or column of each pixel. */
  order: number[];
  /** Between categories there is nothing. */
  stepped: boolean;
}

export function lineOf(dimension: Dimension, scale: Scale): Line {
  const order = Array.from({ length: dimension.values.length }, (_, index) => index);
  const place = (index: number): number => scale.to(at(dimension.values, index));
  order.sort((a, b) => place(a) - place(b));
  const stepped = dimension.scale === 'category';
  return { pixels: Float64Array.from(order, place), order, stepped };
}

/** The two neighbours of a pixel on a line, and its place between them from 0 to 1. */
export function between(
  { pixels, order, stepped }: Line,
  pixel: number,
): [number, number, number] {
  const last = pixels.length - 1;
  let upper = pixels.findIndex((one) => one >= pixel);
  if (upper < 0) upper = last;
  const lower = Math.max(0, upper - 1);
  const room = at(pixels, upper) - at(pixels, lower);
  const share = room > 0 ? Math.min(1, Math.max(0, (pixel - at(pixels, lower)) / room)) : 0;
  return [order[lower] ?? 0, order[upper] ?? 0, stepped ? Math.round(share) : share];
}

/** The value of the surface at a pixel, from the four points around it; NaN if one is missing. */
export function sample(
  values: ArrayLike<number>,
  columns: number,
  [left, right, alongX]: readonly [number, number, number],
  [top, bottom, alongY]: readonly [number, number, number],
): number {
  const mixed = (row: number): number => {
    const [from, to] = [at(values, row * columns + left), at(values, row * columns + right)];
    return alongX === 0 ? from : alongX === 1 ? to : from + (to - from) * alongX;
  };
  if (alongY === 0) return mixed(top);
  return alongY === 1 ? mixed(bottom) : mixed(top) + (mixed(bottom) - mixed(top)) * alongY;
}

/** A surface on the fine raster of the picture. */
export interface Raster {
  columns: number;
  rows: number;
  values: Float64Array;
}

export function rasterOf(
  values: ArrayLike<number>,
  x: Line,
  y: Line,
  places: { x: number[]; y: number[] },
): Raster {
  const across = places.x.map((pixel) => between(x, pixel));
  const down = places.y.map((pixel) => between(y, pixel));
  const raster = new Float64Array(across.length * down.length);
  down.forEach((row, j) => {
    across.forEach((column, i) => {
      raster[j * across.length + i] = sample(values, x.order.length, column, row);
    });
  });
  return { columns: across.length, rows: down.length, values: raster };
}

/**
 * The lines along which a raster has a level, as pairs of points in cells of the raster: marching
 * squares. Each item is x, y of one end and x, y of the other end.
 */
export function contour({ columns, rows, values }: Raster, level: number): number[][] {
  const lines: number[][] = [];
  for (let j = 0; j + 1 < rows; j += 1) {
    for (let i = 0; i + 1 < columns; i += 1) {
      const corner = (di: number, dj: number): number => at(values, (j + dj) * columns + i + di);
      const corners = [corner(0, 0), corner(1, 0), corner(1, 1), corner(0, 1)] as const;
      if (Number.isNaN(corners[0] + corners[1] + corners[2] + corners[3])) continue;
      const ends = crossings(corners, level, i, j);
      for (let k = 0; k + 1 < ends.length; k += 2)
        lines.push([...(ends[k] ?? []), ...(ends[k + 1] ?? [])]);
    }
  }
  return lines;
}

/** Where the level crosses the sides of a cell. */
function crossings(
  [a, b, c, d]: readonly [number, number, number, number],
  level: number,
  i: number,
  j: number,
): [number, number][] {
  const share = (from: number, to: number): number => (level - from) / (to - from);
  const crossed = (from: number, to: number): boolean => from < level !== to < level;
  const ends: [number, number][] = [];
  if (crossed(a, b)) ends.push([i + share(a, b), j]);
  if (crossed(b, c)) ends.push([i + 1, j + share(b, c)]);
  if (crossed(d, c)) ends.push([i + share(d, c), j + 1]);
  if (crossed(a, d)) ends.push([i, j + share(a, d)]);
  return ends;
}
