/** Ranges that a user marks on the axes of parallel coordinates. */

import { at, type Dimension } from './data';
import type { Scale } from './scale';

/** A range of values on each brushed axis, by the name of the dimension. */
export type Brushes = ReadonlyMap<string, readonly [number, number]>;

/** Which part of a brush the user holds. */
export type Grip = 'low' | 'high' | 'whole' | 'new';

/** A grip at an edge reaches this many pixels. */
const edge = 6;

/** What a press at a pixel of an axis takes hold of. */
export function gripAt(
  scale: Scale,
  range: readonly [number, number] | undefined,
  y: number,
): Grip {
  if (!range) return 'new';
  const [low, high] = [scale.to(range[0]), scale.to(range[1])];
  if (Math.abs(y - high) <= edge) return 'high';
  if (Math.abs(y - low) <= edge) return 'low';
  return y > Math.min(low, high) && y < Math.max(low, high) ? 'whole' : 'new';
}

/** The range after the user dragged from one pixel of an axis to another one. */
export function dragged(
  scale: Scale,
  range: readonly [number, number] | undefined,
  grip: Grip,
  from: number,
  to: number,
): [number, number] {
  const units = [from, to].map((pixel) => (pixel - scale.start) / (scale.end - scale.start || 1));
  const [start = 0, end = 0] = units;
  if (!range || grip === 'new') return between(scale, start, end);
  const [low, high] = [scale.unit(range[0]), scale.unit(range[1])];
  if (grip === 'low') return between(scale, end, high);
  if (grip === 'high') return between(scale, low, end);
  return moved(scale, low, high, end - start);
}

/** The range after a key moved one edge, or the whole range. Without a range, all is marked. */
export function nudged(
  scale: Scale,
  range: readonly [number, number] | undefined,
  grip: Grip,
  by: number,
): [number, number] {
  const step = by * (scale.kind === 'category' ? 1 / Math.max(1, scale.categories.length) : 0.05);
  const [low, high] = range ? [scale.unit(range[0]), scale.unit(range[1])] : [0, 1];
  if (grip === 'low') return between(scale, Math.min(high, low + step), high);
  if (grip === 'high') return between(scale, low, Math.max(low, high + step));
  return moved(scale, low, high, step);
}

function moved(scale: Scale, low: number, high: number, by: number): [number, number] {
  const inside = Math.min(1 - high, Math.max(-low, by));
  return between(scale, low + inside, high + inside);
}

/** The range between two places of the axis. A range of categories holds whole categories. */
function between(scale: Scale, a: number, b: number): [number, number] {
  const clamp = (unit: number): number => Math.min(1, Math.max(0, unit));
  const [low, high] = [clamp(Math.min(a, b)), clamp(Math.max(a, b))];
  if (scale.kind !== 'category') return [scale.value(low), scale.value(high)];
  const last = Math.max(0, scale.categories.length - 1);
  const index = (unit: number): number => Math.min(last, Math.floor(unit * (last + 1) + 1e-9));
  const top = Math.max(index(low), Math.ceil(high * (last + 1) - 1e-9) - 1);
  return [index(low) - 0.5, Math.min(last, top) + 0.5];
}

/** Marks the rows that lie in all brushes. A row without a value is in no brush of that axis. */
export function within(
  dimensions: readonly Dimension[],
  brushes: Brushes,
  rows: number,
): Uint8Array {
  const mask = new Uint8Array(rows).fill(1);
  for (const { name, values } of dimensions) {
    const range = brushes.get(name);
    if (!range) continue;
    // A brush that ends at a value holds it, whatever the rounding of the pixels did.
    const slack = Math.abs(range[1] - range[0]) * 1e-9;
    for (let row = 0; row < rows; row += 1) {
      const value = at(values, row);
      if (!(value >= range[0] - slack && value <= range[1] + slack)) mask[row] = 0;
    }
  }
  return mask;
}

/** Moves a name to another place of a list. */
export function reordered(names: readonly string[], name: string, to: number): string[] {
  const rest = names.filter((one) => one !== name);
  const place = Math.min(rest.length, Math.max(0, to));
  return [...rest.slice(0, place), name, ...rest.slice(place)];
}
