/** Draws one line, its band and its gaps. */

import { at } from './data';
import type { Pen } from './pen';
import type { Scale } from './scale';

/** The part of the shared x axis that is in sight. */
export interface View {
  x: ArrayLike<number>;
  /** The pixel of each x. */
  pixels: ArrayLike<number>;
  first: number;
  last: number;
  y: Scale;
}

/** Where a line breaks. */
export interface Breaks {
  /** The longest step of x that the line bridges. */
  bridge: number;
  /** Places at which the run logged something that is no number, in order. */
  odd: readonly number[];
}

/** Adds a line to the path. A point without neighbours becomes a dot. */
export function traceLine(
  pen: Pen,
  { x, pixels, first, last, y }: View,
  values: ArrayLike<number>,
  breaks: Breaks,
  steps: boolean,
): void {
  let px = NaN;
  let py = NaN;
  let lastX = NaN;
  let alone = false;
  for (let index = first; index <= last; index += 1) {
    const height = y.to(at(values, index));
    if (!(Math.abs(height) < 1e7)) continue;
    const place = at(pixels, index);
    if (!(Math.abs(place) < 1e7)) continue;
    const value = at(x, index);
    if (value - lastX <= breaks.bridge && !brokenBetween(breaks.odd, lastX, value)) {
      if (steps) pen.line(place, py);
      pen.line(place, height);
      alone = false;
    } else {
      if (alone) dot(pen, px, py);
      pen.move(place, height);
      alone = true;
    }
    px = place;
    py = height;
    lastX = value;
  }
  if (alone) dot(pen, px, py);
}

/** A line of almost no length; its stroke is a dot. */
function dot(pen: Pen, x: number, y: number): void {
  pen.move(x - 1, y);
  pen.line(x + 1, y);
}

function brokenBetween(odd: readonly number[], from: number, to: number): boolean {
  return odd.length > 0 && odd.some((place) => place > from && place <= to);
}

/** Adds the area between two lines to the path. */
export function traceBand(
  pen: Pen,
  view: View,
  low: ArrayLike<number>,
  high: ArrayLike<number>,
  breaks: Breaks,
): void {
  const { x, pixels, first, last, y } = view;
  let part: number[] = [];
  const flush = (): void => {
    if (part.length > 1) outline(pen, part, pixels, y, low, high);
    part = [];
  };
  for (let index = first; index <= last; index += 1) {
    if (!Number.isFinite(y.to(at(low, index)) + y.to(at(high, index)))) continue;
    const before = part[part.length - 1];
    const [from, to] = [before === undefined ? NaN : at(x, before), at(x, index)];
    if (to - from > breaks.bridge || brokenBetween(breaks.odd, from, to)) flush();
    part.push(index);
  }
  flush();
}

function outline(
  pen: Pen,
  part: readonly number[],
  pixels: ArrayLike<number>,
  y: Scale,
  low: ArrayLike<number>,
  high: ArrayLike<number>,
): void {
  part.forEach((index, place) => {
    if (place === 0) pen.move(at(pixels, index), y.to(at(high, index)));
    else pen.line(at(pixels, index), y.to(at(high, index)));
  });
  for (let place = part.length - 1; place >= 0; place -= 1) {
    const index = part[place] ?? 0;
    pen.line(at(pixels, index), y.to(at(low, index)));
  }
  pen.close();
}

/** The index of the value that is nearest to a wanted one, in an ascending column. */
export function nearestIndex(x: ArrayLike<number>, wanted: number): number {
  let [low, high] = [0, x.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (at(x, middle) < wanted) low = middle + 1;
    else high = middle;
  }
  const before = low - 1;
  return before >= 0 && wanted - at(x, before) < at(x, low) - wanted ? before : low;
}

/** The index of the finite value that is nearest to an index, within a length of x; else -1. */
export function nearestFinite(
  x: ArrayLike<number>,
  values: ArrayLike<number>,
  index: number,
  within: number,
): number {
  for (let away = 0; away < x.length; away += 1) {
    const [before, after] = [index - away, index + away];
    if (Number.isFinite(at(values, before))) return before;
    if (Number.isFinite(at(values, after))) return after;
    const near = (place: number): boolean => Math.abs(at(x, place) - at(x, index)) <= within;
    if (!near(before) && !near(after)) return -1;
  }
  return -1;
}

/** Draws crosses where the run logged NaN, and arrows at the edge where it logged ∞. */
export function drawOdd(
  pen: Pen,
  view: View,
  x: Scale,
  series: { last: ArrayLike<number>; nanAt?: readonly number[] | undefined },
  colour: string,
): void {
  const [bottom, top] = [view.y.start, view.y.end];
  pen.begin();
  for (const place of series.nanAt ?? []) {
    const middle = x.to(place);
    pen.move(middle - 3.5, bottom - 9);
    pen.line(middle + 3.5, bottom - 2);
    pen.move(middle + 3.5, bottom - 9);
    pen.line(middle - 3.5, bottom - 2);
  }
  pen.stroke({ colour, width: 1.8 });
  pen.begin();
  for (let index = view.first; index <= view.last; index += 1) {
    const value = at(series.last, index);
    if (Math.abs(value) !== Infinity) continue;
    const [middle, edge] = [at(view.pixels, index), value > 0 ? top - 4 : bottom];
    const back = edge + (value > 0 ? 7 : -7);
    pen.move(middle, edge);
    pen.line(middle - 4, back);
    pen.line(middle + 4, back);
    pen.close();
  }
  pen.fill(colour);
}
