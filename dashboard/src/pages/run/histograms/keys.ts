// Finds the histograms of a run. This module is pure.

import type { Json } from '../../../api/types';
import { fields, list } from '../media/values';

/** A key whose last value is a histogram. */
export interface HistogramKey {
  key: string;
  /** The standard deviation of the values at the newest step, and the root of their mean square. */
  spread: number;
  size: number;
  /** Whether an edge or a count of it is no finite number. */
  odd: boolean;
}

/** The spread and the size of the values that a histogram counts. */
function about(key: string, value: Json): HistogramKey {
  const { bins, values, packedBins } = fields(value);
  const counts = list(values).map(Number);
  const { min, size } = fields(packedBins);
  const edges = Array.isArray(bins)
    ? bins.map(Number)
    : Array.from({ length: counts.length + 1 }, (_, at) => Number(min) + at * Number(size));
  let [total, sum, squares] = [0, 0, 0];
  counts.forEach((count, at) => {
    const middle = ((edges[at] ?? NaN) + (edges[at + 1] ?? NaN)) / 2;
    total += count;
    sum += count * middle;
    squares += count * middle * middle;
  });
  const mean = sum / total;
  const spread = Math.sqrt(Math.max(0, squares / total - mean * mean));
  // JSON has no numbers that are not finite, so a program writes them as texts or as nothing.
  const odd = total > 0 && !Number.isFinite(squares);
  return { key, spread, size: Math.sqrt(squares / total), odd };
}

/** The keys whose last values are histograms, as the history names them, by their names. */
export function histogramKeys(summary: Json, prefix = ''): HistogramKey[] {
  if (summary === null || typeof summary !== 'object' || Array.isArray(summary)) return [];
  return Object.entries(summary)
    .flatMap(([name, value]) => {
      const key = prefix ? `${prefix}.${name}` : name;
      const isOne = value !== null && typeof value === 'object' && '_type' in value;
      if (!isOne) return histogramKeys(value ?? null, key);
      return value._type === 'histogram' ? [about(key, value)] : [];
    })
    .sort((a, b) => (a.key < b.key ? -1 : 1));
}

export type HistogramOrder = 'name' | 'spread' | 'size';

/** The keys in an order: by name, or those with the largest numbers first. */
export function ordered(keys: readonly HistogramKey[], by: HistogramOrder): HistogramKey[] {
  if (by === 'name') return [...keys];
  // What is not finite comes first, because it is what the reader looks for.
  const number = (key: HistogramKey) => (Number.isNaN(key[by]) ? Infinity : key[by]);
  return [...keys].sort((a, b) => number(b) - number(a) || (a.key < b.key ? -1 : 1));
}
