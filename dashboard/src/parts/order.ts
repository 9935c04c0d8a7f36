// Orders the rows of a table. This module is pure.

import type { Cell } from '../api/columns';

export interface Sort {
  column: string;
  descending: boolean;
}

/** Reads `-value` and `value` as they stand in an address. */
export function readSort(text: string | null): Sort | null {
  if (!text) return null;
  return text.startsWith('-')
    ? { column: text.slice(1), descending: true }
    : { column: text, descending: false };
}

export function writeSort(sort: Sort | null): string | null {
  return sort && (sort.descending ? `-${sort.column}` : sort.column);
}

const texts = new Intl.Collator('en', { numeric: true });

/** Numbers stand before texts. Rows without a value come last in both directions. */
export function compare(a: Cell, b: Cell, descending: boolean): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  const sign = descending ? -1 : 1;
  if (typeof a === 'number' && typeof b === 'number') return sign * (a - b);
  if (typeof a === 'number') return -sign;
  if (typeof b === 'number') return sign;
  return sign * texts.compare(a, b);
}

/** The rows in the order of a column. Equal rows keep their order. */
export function sorted(
  rows: readonly number[],
  cell: (row: number) => Cell,
  descending: boolean,
): number[] {
  const cells = new Map(rows.map((row) => [row, cell(row)]));
  const of = (row: number) => cells.get(row) ?? null;
  return [...rows].sort((a, b) => compare(of(a), of(b), descending));
}
