// Further metrics as axes: which of them the reader chose, as the address has them. Pure.

/** Which value of a metric counts: the one in the summary, the least or the largest one. */
export type Which = 'summary' | 'min' | 'max';

export interface MetricAxis {
  which: Which;
  key: string;
}

export const WHICH: readonly { id: Which; label: string }[] = [
  { id: 'summary', label: 'last' },
  { id: 'min', label: 'min' },
  { id: 'max', label: 'max' },
];

/** More axes than these have no room. */
export const MOST_METRICS = 8;

/** The name of the column, as in filters. */
export function metricColumn({ which, key }: MetricAxis): string {
  return which === 'summary' ? `summary.${key}` : `summary.${key}.${which}`;
}

/** What an axis is called. */
export function metricLabel({ which, key }: MetricAxis): string {
  return which === 'summary' ? key : `${key} (${which})`;
}

export function readMetrics(text: string | null): MetricAxis[] {
  const parts = (text ?? '').split(',').filter(Boolean);
  const all = parts.flatMap((part) => {
    const [which, key] = part.split(':', 2);
    const known = WHICH.find(({ id }) => id === which);
    return known && key ? [{ which: known.id, key: decoded(key) }] : [];
  });
  return all.slice(0, MOST_METRICS);
}

export function writeMetrics(all: readonly MetricAxis[]): string | null {
  const parts = all.map(({ which, key }) => `${which}:${encodeURIComponent(key)}`);
  return parts.join(',') || null;
}

/** Adds a metric, or removes it if it is there. */
export function toggled(all: readonly MetricAxis[], wanted: MetricAxis): MetricAxis[] {
  const others = all.filter((one) => metricColumn(one) !== metricColumn(wanted));
  return others.length < all.length ? others : [...all, wanted].slice(-MOST_METRICS);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
