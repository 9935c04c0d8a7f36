// Finds out how far a run is, if its config says how long it will be. This module is pure.

import type { Json, RunDetail } from '../../api/types';

/** The values that count, and the names of the values of the config that say where they end. */
const KNOWN: [string[], string[]][] = [
  [
    ['epoch', 'trainer/epoch', 'train/epoch'],
    ['epochs', 'max_epochs', 'num_epochs', 'n_epochs'],
  ],
  [
    ['global_step', 'trainer/global_step', 'train/global_step', 'step', '_step'],
    ['max_steps', 'total_steps', 'num_steps', 'steps'],
  ],
];

function numberIn(values: Record<string, Json>, names: string[]): number | undefined {
  for (const name of names) {
    const value = values[name];
    if (typeof value === 'number' && Number.isFinite(value)) return value;
  }
  return undefined;
}

export interface Progress {
  name: string;
  at: number;
  of: number;
}

/** How far a run is; `null` if nobody knows. */
export function progressOf(run: Pick<RunDetail, 'config' | 'summary'>): Progress | null {
  for (const [counters, totals] of KNOWN) {
    const of = numberIn(run.config, totals);
    const at = numberIn(run.summary, counters);
    if (of === undefined || at === undefined || of <= 0 || at < 0 || at > of) continue;
    return { name: totals[0] === 'epochs' ? 'epoch' : 'step', at, of };
  }
  return null;
}
