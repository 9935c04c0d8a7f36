// Puts the runs of a project into groups. This module is pure.

import type { Frame } from '../../api/columns';

export interface Group {
  /** The id, from which the group's colour follows. */
  id: string;
  label: string;
  rows: number[];
}

const order = new Intl.Collator('en', { numeric: true });

/** The tags in the text of a column. A backslash says that the next sign belongs to a tag. */
function tagsOf(text: string): string[] {
  let tag = '';
  const tags: string[] = [];
  for (const [piece] of text.matchAll(/\\.|, |./gs)) {
    if (piece === ', ') {
      tags.push(tag);
      tag = '';
    } else tag += piece.length === 2 ? piece.slice(1) : piece;
  }
  return [...tags, tag];
}

/** The values of a run by which it is grouped: each of its tags, or its one value. */
function valuesOf(frame: Frame, column: string, row: number): (string | null)[] {
  const text = frame.text(column, row);
  if (text === null || text === '') return [null];
  return column === 'tags' ? tagsOf(text) : [text];
}

/** The name of a column, as a person reads it. */
export function columnName(column: string): string {
  return column.replace(/^(config|summary)\./, '');
}

/**
 * The groups in the order of their values. Rows without a value are a group of their own, which is
 * the last. A run with two tags is in two groups. The rows of a group keep their order.
 */
export function groupsOf(
  frame: Frame,
  column: string,
  rows: readonly number[],
  nameOf: (value: string) => string = (value) => value,
): Group[] {
  const found = new Map<string | null, number[]>();
  for (const row of rows) {
    for (const value of valuesOf(frame, column, row)) {
      const group = found.get(value);
      if (group) group.push(row);
      else found.set(value, [row]);
    }
  }
  const values = [...found.keys()].sort(
    (a, b) => Number(a === null) - Number(b === null) || order.compare(a ?? '', b ?? ''),
  );
  return values.map((value, index) => ({
    id: `group-${index}`,
    label: value === null ? `without ${columnName(column)}` : nameOf(value),
    rows: found.get(value) ?? [],
  }));
}

export interface Summed {
  best: number | null;
  mean: number | null;
}

/** The best and the mean of the finite numbers of a column. */
export function summedUp(
  frame: Frame,
  column: string,
  rows: readonly number[],
  maximize: boolean,
): Summed {
  let [best, sum, count] = [NaN, 0, 0];
  for (const row of rows) {
    const value = frame.number(column, row);
    if (value === null || !Number.isFinite(value)) continue;
    sum += value;
    count += 1;
    if (Number.isNaN(best) || (maximize ? value > best : value < best)) best = value;
  }
  return count === 0 ? { best: null, mean: null } : { best, mean: sum / count };
}

/** The rows of the groups, each after its heading, which is a negative number. */
export function listedRows(groups: readonly Group[], closed: ReadonlySet<string>): number[] {
  return groups.flatMap((group, index) => [
    -1 - index,
    ...(closed.has(group.label) ? [] : group.rows),
  ]);
}
