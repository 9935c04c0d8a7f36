// Keeps the order of a live list while the reader looks at it. This module is pure.

/**
 * The rows of a live list in the order that the reader has seen. Rows that are gone leave the
 * list, and new rows wait. `waiting` says how many are new, and `moved` whether the order differs.
 */
export function frozen(
  seen: readonly string[] | null,
  ids: readonly string[],
): { rows: number[]; waiting: number; moved: boolean } {
  const all = ids.map((_, row) => row);
  if (seen === null) return { rows: all, waiting: 0, moved: false };
  const place = new Map(ids.map((id, row) => [id, row]));
  const rows = seen.flatMap((id) => place.get(id) ?? []);
  const moved = rows.some((row, index) => index > 0 && row < (rows[index - 1] ?? 0));
  return { rows, waiting: ids.length - rows.length, moved };
}

/** What the button says that takes the changes in. */
export function waitingText(waiting: number, moved: boolean): string {
  if (waiting > 0) return `${waiting.toLocaleString('en')} new ▸`;
  return moved ? 'New order ▸' : '';
}
