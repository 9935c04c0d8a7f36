// Finds the histograms of a run. This module is pure.

import type { Json } from '../../../api/types';

/** The keys whose last values are histograms, as the history names them. */
export function histogramKeys(summary: Json, prefix = ''): string[] {
  if (summary === null || typeof summary !== 'object' || Array.isArray(summary)) return [];
  return Object.entries(summary)
    .flatMap(([name, value]) => {
      const key = prefix ? `${prefix}.${name}` : name;
      const isOne = value !== null && typeof value === 'object' && '_type' in value;
      if (!isOne) return histogramKeys(value ?? null, key);
      return value._type === 'histogram' ? [key] : [];
    })
    .sort();
}
