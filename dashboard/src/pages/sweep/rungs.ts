// Which trials the chart of rungs draws, and its marks. This module is pure.

import type { Frame } from '../../api/columns';
import type { SweepRung } from '../../api/types';
import type { LineMark } from '../../charts/linedata';
import { count } from '../../parts/text';
import { everyRow, idsOf } from '../../state/trials';

/** How many trials the chart draws: the best ones, the newest ones, and others in between. */
const BEST = 40;
const NEWEST = 20;
const MOST = 120;

/** The ids of the trials to draw, and the number of trials that have begun. */
export function drawnTrials(
  frame: Frame | undefined,
  maximize: boolean,
): { ids: string[]; total: number } {
  if (!frame) return { ids: [], total: 0 };
  const [values, starts, numbers] = ['value', 'started_ms', 'trial'].map((name) =>
    frame.numbers(name),
  );
  const begun = everyRow(frame).filter((row) => !Number.isNaN(starts?.[row] ?? NaN));
  const cost = (row: number) => (maximize ? -1 : 1) * (values?.[row] ?? NaN);
  const ranked = begun.filter((row) => !Number.isNaN(cost(row)));
  ranked.sort((a, b) => cost(a) - cost(b));
  const newest = [...begun].sort((a, b) => (numbers?.[b] ?? 0) - (numbers?.[a] ?? 0));
  const shown = new Set([...ranked.slice(0, BEST), ...newest.slice(0, NEWEST)]);
  const rest = newest.filter((row) => !shown.has(row));
  const step = Math.max(1, Math.ceil(rest.length / (MOST - shown.size)));
  rest.filter((_, index) => index % step === 0).forEach((row) => shown.add(row));
  const rows = [...shown].sort((a, b) => (numbers?.[a] ?? 0) - (numbers?.[b] ?? 0));
  return { ids: idsOf(frame, rows), total: begun.length };
}

/** A line for each rung, with the bar of the rung. */
export function marksOf(rungs: readonly SweepRung[]): LineMark[] {
  return rungs.map(({ iteration, threshold, went_on: on, stopped }) => ({
    x: iteration,
    text: `${count(on.length)}/${count(on.length + stopped.length)} went on`,
    bar: threshold,
  }));
}
