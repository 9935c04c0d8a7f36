/** What the charts draw: columns of numbers, and tables as an alternative for readers. */

import { duration, moment, number, visible } from './format';

export type ScaleKind = 'linear' | 'log' | 'time' | 'duration' | 'category';

/** An axis: a parameter, a metric or a time, with one value a row. */
export interface Dimension {
  name: string;
  /** A time is in milliseconds since 1970, a duration in seconds. */
  scale: ScaleKind;
  /** NaN: the row has no value. For a category: its index in `categories`. */
  values: ArrayLike<number>;
  categories?: readonly string[];
  /** The range of the search space. Without it, the axis shows the range of the values. */
  low?: number | undefined;
  high?: number | undefined;
}

export interface Table {
  columns: string[];
  rows: (string | number | null)[][];
}

/** The value at an index, or NaN. */
export function at(values: ArrayLike<number>, index: number): number {
  return values[index] ?? NaN;
}

/** The smallest and the largest finite value, or null if there is none. */
export function extent(values: ArrayLike<number>, positive = false): [number, number] | null {
  return extentOf([values], 0, values.length, positive);
}

/** The same for several columns, from one index to before another one. */
export function extentOf(
  columns: readonly ArrayLike<number>[],
  from: number,
  to: number,
  positive = false,
): [number, number] | null {
  let low = Infinity;
  let high = -Infinity;
  for (const values of columns) {
    for (let index = from; index < to; index += 1) {
      const value = at(values, index);
      if (!Number.isFinite(value) || (positive && value <= 0)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return low <= high ? [low, high] : null;
}

/**
 * Makes a dimension of numbers. Without a scale, values that are all positive and span more than
 * three decades get a log axis.
 */
export function numbers(name: string, values: ArrayLike<number>, scale?: ScaleKind): Dimension {
  const range = extent(values);
  const wide = range !== null && range[0] > 0 && range[1] / range[0] > 1000;
  return { name, values, scale: scale ?? (wide ? 'log' : 'linear') };
}

const absent = 0xffffffff;

/**
 * Makes a dimension of a dictionary column: codes, and the texts that they stand for. Texts that
 * are numbers are ordered by number, other texts by their letters.
 */
export function codes(
  name: string,
  column: ArrayLike<number>,
  texts: readonly string[],
): Dimension {
  const order = texts.map((_, index) => index);
  const numeric = texts.every((text) => text.trim() !== '' && Number.isFinite(Number(text)));
  order.sort((a, b) => {
    const [left = '', right = ''] = [texts[a], texts[b]];
    return numeric ? Number(left) - Number(right) : left < right ? -1 : left > right ? 1 : 0;
  });
  const place = new Map(order.map((code, index) => [code, index]));
  const values = Float64Array.from({ length: column.length }, (_, row) => {
    const code = column[row] ?? absent;
    return code === absent ? NaN : (place.get(code) ?? NaN);
  });
  const categories = order.map((code) => texts[code] ?? '');
  return { name, values, scale: 'category', categories };
}

/** Writes a value of a dimension for a reader. */
export function write(dimension: Dimension, value: number): string {
  if (dimension.scale === 'category') {
    const text = dimension.categories?.[Math.round(value)];
    return text === undefined ? 'none' : visible(text);
  }
  if (Number.isNaN(value)) return 'none';
  if (dimension.scale === 'time') return moment(value);
  return dimension.scale === 'duration' ? duration(value) : number(value);
}

/** The value of a dimension for a table or a file: the exact number, or the category. */
export function cell(dimension: Dimension, row: number): string | number | null {
  const value = at(dimension.values, row);
  if (Number.isNaN(value)) return null;
  if (dimension.scale === 'category') return dimension.categories?.[value] ?? null;
  return dimension.scale === 'time' ? iso(value) : value;
}

/** Writes a moment so that programs understand it; null if it is no moment. */
export function iso(ms: number | null): string | null {
  return ms !== null && Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : null;
}

/** Writes a table as CSV. A text that a spreadsheet would run as a formula gets a `'` before it. */
export function csv(table: Table): string {
  const field = (value: string | number | null): string => {
    if (value === null) return '';
    if (typeof value === 'number') return String(value);
    const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [table.columns, ...table.rows].map((row) => row.map(field).join(',') + '\r\n').join('');
}
