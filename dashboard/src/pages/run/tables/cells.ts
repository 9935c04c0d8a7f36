// What the cells of logged tables are. This module is pure.

import type { Json, MediaItem } from '../../../api/types';
import { fields, pathOf, text } from '../media/values';

export type CellKind = MediaItem['kind'] | 'number' | 'text';

const MEDIA: Record<string, CellKind> = {
  'image-file': 'image',
  'audio-file': 'audio',
  'video-file': 'video',
  'html-file': 'html',
  'object3D-file': 'other',
  'molecule-file': 'other',
};

/** What a cell shows: a number, a file of some kind, or a text. */
export function kindOf(cell: Json | undefined): CellKind {
  if (typeof cell === 'number') return 'number';
  const kind = MEDIA[text(fields(cell)._type)];
  return kind && pathOf(cell) !== null ? kind : 'text';
}

/** What the cells of a column are, as most of those that are not empty say. */
export function columnKinds(rows: readonly Json[][], columns: number): CellKind[] {
  return Array.from({ length: columns }, (_, column) => {
    const counts = new Map<CellKind, number>();
    for (const row of rows) {
      const cell = row[column];
      if (cell === null || cell === undefined) continue;
      // JSON has no numbers that are not finite, so they come as words.
      const isOdd = cell === 'NaN' || cell === 'Infinity' || cell === '-Infinity';
      const kind = isOdd ? 'number' : kindOf(cell);
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
    return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? 'text';
  });
}

/** The counts of numbers in a few ranges of equal width; none without two different numbers. */
export function bars(rows: readonly Json[][], column: number, most = 16): number[] {
  const values = rows
    .map((row) => row[column])
    .filter((cell): cell is number => typeof cell === 'number');
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  if (!(high > low)) return [];
  const counts = new Array<number>(most).fill(0);
  for (const value of values) {
    const at = Math.min(most - 1, Math.floor(((value - low) / (high - low)) * most));
    counts[at] = (counts[at] ?? 0) + 1;
  }
  return counts;
}
