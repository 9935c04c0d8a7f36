// Which value of a metric a column shows: the last, the least, the largest or the best one. This
// module is pure.

export type Stat = 'last' | 'min' | 'max' | 'best';

export const STATS: readonly { id: Stat; label: string }[] = [
  { id: 'last', label: 'last' },
  { id: 'best', label: 'best' },
  { id: 'min', label: 'min' },
  { id: 'max', label: 'max' },
];

/** Whether the largest value of each metric is the best. */
export type Goals = Readonly<Record<string, boolean>>;

export function readStat(text: string | null): Stat {
  return STATS.find(({ id }) => id === text)?.id ?? 'last';
}

/** The goals that the controller knows, with those that the reader chose, such as `acc:max`. */
export function withChosen(known: Goals, chosen: readonly string[]): Goals {
  const result: Record<string, boolean> = { ...known };
  for (const one of chosen) {
    const at = one.lastIndexOf(':');
    if (at > 0) result[one.slice(0, at)] = one.slice(at + 1) === 'max';
  }
  return result;
}

/** The column that shows this value of a metric. A goal that nobody knows leaves the last value. */
export function statColumn(column: string, stat: Stat, goals: Goals): string {
  if (!column.startsWith('summary.') || stat === 'last') return column;
  const maximize = goals[column.slice('summary.'.length)];
  if (stat !== 'best') return `${column}.${stat}`;
  return maximize === undefined ? column : `${column}.${maximize ? 'max' : 'min'}`;
}

/** The metrics among columns whose goal nobody knows. */
export function withoutGoal(columns: readonly string[], goals: Goals): string[] {
  return columns
    .filter((column) => column.startsWith('summary.'))
    .map((column) => column.slice('summary.'.length))
    .filter((metric) => goals[metric] === undefined);
}
