// What the charts of a sweep draw, from its trials and its explanation. This module is pure.

import type { Frame } from '../../api/columns';
import type { Explanation, Parameter, SweepDetail } from '../../api/types';
import { count } from '../../charts/format';
import {
  columnAxis,
  everyRow,
  idsOf,
  keepsOf,
  parameterAxis,
  statesOf,
} from '../../state/trials';
import { weakness } from './model';

/** The value of each trial, over its number or its time. */
export function historyData(frame: Frame, detail: SweepDetail, x: 'trial' | 'time') {
  const key = x === 'time' ? 'started_ms' : 'trial';
  const place = frame.numbers(key);
  const rows = everyRow(frame).sort((a, b) => (place[a] ?? 0) - (place[b] ?? 0));
  const trial = columnAxis(frame, key, rows, x === 'time' ? 'time' : 'trial');
  return {
    ids: idsOf(frame, rows),
    x: x === 'time' ? trial : { ...trial, scale: 'linear' as const },
    value: { ...columnAxis(frame, 'value', rows, detail.metric), scale: 'linear' as const },
    states: statesOf(frame, rows),
    keeps: keepsOf(frame, detail, rows),
    maximize: detail.maximize,
  };
}

/** The trials with a value, as all charts of the value draw them. */
export function ratedTrials(frame: Frame, detail: SweepDetail) {
  const rows = everyRow(frame).filter((row) => frame.number('value', row) !== null);
  return {
    rows,
    ids: idsOf(frame, rows),
    y: columnAxis(frame, 'value', rows, detail.metric || 'value'),
    states: statesOf(frame, rows),
    maximize: detail.maximize,
  };
}

/** All parameters that vary, and the value. */
export function parallelData(frame: Frame, detail: SweepDetail) {
  const { rows, ids, y, maximize } = ratedTrials(frame, detail);
  const varied = detail.parameters.filter(({ kind }) => kind !== 'constant');
  const dimensions = varied.map((parameter) => parameterAxis(frame, parameter, rows));
  return { ids, dimensions: [...dimensions, y], metric: dimensions.length, maximize };
}

/** The value over one parameter. */
export function sliceData(frame: Frame, detail: SweepDetail, parameter: Parameter) {
  const { rows, ...trials } = ratedTrials(frame, detail);
  return { ...trials, x: parameterAxis(frame, parameter, rows) };
}

/** The importance of each parameter. */
export function barsData(value: Explanation) {
  return {
    bars: value.importances.map(({ parameter, total, alone, low, high }) => ({
      name: parameter,
      value: total,
      alone,
      low,
      high,
    })),
    weak: weakness(value),
    note: `n = ${count(value.trials)}, R² = ${value.accuracy.toFixed(2)}`,
  };
}
