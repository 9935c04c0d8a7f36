/** Sums up many lines by their quantiles. */

import { at } from './data';
import type { LineSeries } from './linedata';

/**
 * The median of many lines, with the central half as its band, and behind it a band that holds the
 * central 90 %. At each place, only the lines that have a value there count.
 */
export function quantileSeries(
  series: readonly LineSeries[],
  length: number,
  colour: string,
): LineSeries[] {
  const wanted = [0.05, 0.25, 0.5, 0.75, 0.95];
  const parts = wanted.map(() => new Float64Array(length).fill(NaN));
  for (let index = 0; index < length; index += 1) {
    const values = Float64Array.from(series, ({ last }) => at(last, index))
      .filter(Number.isFinite)
      .sort();
    wanted.forEach((share, part) => {
      const column = parts[part];
      if (column && values.length > 0) column[index] = quantile(values, share);
    });
  }
  const [p5, p25, median = new Float64Array(), p75, p95] = parts;
  const empty = new Float64Array(length).fill(NaN);
  return [
    { id: 'central 90 %', label: 'central 90 %', last: empty, min: p5, max: p95, colour },
    { id: 'median', label: 'median', last: median, min: p25, max: p75, colour },
  ];
}

/** A quantile of sorted values, interpolated between its neighbours. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const low = at(sorted, below);
  const high = at(sorted, Math.min(sorted.length - 1, below + 1));
  return low + (high - low) * (place - below);
}
