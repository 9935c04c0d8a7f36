// Numbers of trials in groups of states. This module is pure.

import type { RunCounts } from '../api/types';

/** The number of trials that are over. */
export function ended({ finished, failed, crashed, stopped, pruned }: RunCounts): number {
  return finished + failed + crashed + stopped + pruned;
}
