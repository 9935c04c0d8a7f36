// Compares values of several runs by their names. This module is pure.

import type { Json } from '../../api/types';
import { number } from '../../charts/format';
import { flatten } from '../../parts/text';

export interface Line {
  name: string;
  /** One value a run; `undefined` if the run has none. */
  values: (Json | undefined)[];
  differs: boolean;
  /** The runs whose value stands out from the others. */
  odd: ReadonlySet<number>;
}

/** A value this many robust deviations from the middle stands out. */
const FAR = 3.5;
/** A median absolute deviation times this is a standard deviation, if values are normal. */
const NORMAL = 1.4826;
/** With fewer numbers, none stands out. */
const FEW = 5;

function middle(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  const [low = NaN, high = NaN] = [sorted[half - 1], sorted[half]];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}

function isNumber(value: Json | undefined): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

/** The runs whose value is not that of most runs, or is a number far from the others. */
export function oddOnes(values: readonly (Json | undefined)[]): Set<number> {
  const texts = values.map((value) => JSON.stringify(value));
  const counts = new Map<string | undefined, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  const [common, times] = [...counts].reduce((a, b) => (b[1] > a[1] ? b : a), [undefined, 0]);
  if (values.length > 2 && times > values.length / 2) {
    return new Set([...texts.keys()].filter((index) => texts[index] !== common));
  }
  const numbers = values.filter(isNumber);
  if (numbers.length < FEW) return new Set();
  const center = middle(numbers);
  const spread = NORMAL * middle(numbers.map((value) => Math.abs(value - center)));
  const isFar = (value: Json | undefined) =>
    isNumber(value) && spread > 0 && Math.abs(value - center) > FAR * spread;
  return new Set([...values.keys()].filter((index) => isFar(values[index])));
}

/** The values of objects by the paths of their names, in the order of the names. */
export function linesOf(objects: readonly Json[]): Line[] {
  const flat = objects.map((one) => new Map(flatten(one)));
  const names = [...new Set(flat.flatMap((one) => [...one.keys()]))].sort();
  return names.map((name) => {
    const values = flat.map((one) => one.get(name));
    const differs = new Set(values.map((value) => JSON.stringify(value))).size > 1;
    return { name, values, differs, odd: differs ? oddOnes(values) : new Set() };
  });
}

/** A summary without its media, which have a place of their own. */
export function withoutMedia(summary: Record<string, Json>): Json {
  const isMedia = (value: Json) =>
    value !== null && typeof value === 'object' && '_type' in value;
  return Object.fromEntries(Object.entries(summary).filter(([, value]) => !isMedia(value)));
}

/** How a number differs from that of the baseline: `+0.1 (+5 %)`; empty without a difference. */
export function difference(value: Json | undefined, base: Json | undefined): string {
  if (!isNumber(value) || !isNumber(base) || value === base) return '';
  const gap = value - base;
  const sign = gap > 0 ? '+' : '−';
  const share = Math.abs(gap / base) * 100;
  const part = base === 0 || !Number.isFinite(share) ? '' : ` (${sign}${number(share, 3)} %)`;
  return `${sign}${number(Math.abs(gap))}${part}`;
}
