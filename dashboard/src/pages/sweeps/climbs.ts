// Turns how the best values of sweeps improved into lines and tables. This module is pure.

import type { Climb, Json, Place } from '../../api/types';
import type { LinesData } from '../../charts/linedata';
import { flatten } from '../../parts/text';

export type Axis = 'trial' | 'time' | 'cost';

/** A place on an axis: trials, seconds, or hours of all runs together. */
export function placeOn(place: Place, axis: Axis): number {
  if (axis === 'trial') return place.trials;
  return axis === 'time' ? place.ms / 1000 : place.work_ms / 3_600_000;
}

const AXES: Record<Axis, Pick<LinesData, 'xName' | 'xScale'>> = {
  trial: { xName: 'ended trials', xScale: 'linear' },
  time: { xName: 'time since the first trial', xScale: 'duration' },
  cost: { xName: 'hours of all runs together', xScale: 'linear' },
};

/** The best value of each sweep so far, as steps over one axis. */
export function linesOf(
  climbs: readonly Climb[],
  axis: Axis,
  label: (sweep: string) => string,
  yName: string,
): LinesData {
  const drawn = climbs.filter((climb) => climb.steps.length > 0);
  const places = drawn.flatMap(({ steps, end }) => [...steps.map(({ at }) => at), end]);
  const x = [...new Set(places.map((place) => placeOn(place, axis)))].sort((a, b) => a - b);
  const series = drawn.map((climb) => {
    const end = placeOn(climb.end, axis);
    let step = -1;
    const last = x.map((here) => {
      while (step + 1 < climb.steps.length) {
        const next = climb.steps[step + 1];
        if (!next || placeOn(next.at, axis) > here) break;
        step += 1;
      }
      return here > end ? NaN : (climb.steps[step]?.value ?? NaN);
    });
    return { id: climb.sweep, label: label(climb.sweep), last };
  });
  return { x, ...AXES[axis], yName, series };
}

/** The best value so far at evenly spaced numbers of trials. */
export function sparkOf(climb: Climb, points = 48): number[] {
  const { steps, end } = climb;
  if (steps.length === 0) return [];
  let step = -1;
  return Array.from({ length: points }, (_, index) => {
    const here = (end.trials * (index + 1)) / points;
    while ((steps[step + 1]?.at.trials ?? Infinity) <= here) step += 1;
    return steps[step]?.value ?? NaN;
  });
}

export interface Differing {
  name: string;
  /** One value for each sweep; `undefined` if its best run has no such parameter. */
  values: (Json | undefined)[];
}

/** The parameters in which the best runs differ. */
export function differing(climbs: readonly Climb[]): Differing[] {
  const configs = climbs.map((climb) => new Map(flatten(climb.best_config)));
  const names = [...new Set(configs.flatMap((config) => [...config.keys()]))].sort();
  return names
    .map((name) => ({ name, values: configs.map((config) => config.get(name)) }))
    .filter(({ values }) => new Set(values.map((value) => JSON.stringify(value))).size > 1);
}
