// The axes that the charts of the sweep page can show: the metric, the parameters, further metrics.

import type { Frame } from '../../api/columns';
import type { Dimension } from '../../charts/data';
import { columnAxis, columnOf, parameterAxis, secondsOf } from '../../state/trials';
import { metricColumn, metricLabel } from './metrics';
import type { Shared } from './shared';

export interface Choice {
  id: string;
  label: string;
}

/** The constraints' metrics and the metrics that the reader added, each once. */
export function moreMetrics({ detail, metrics }: Shared): Choice[] {
  const limits = detail.limits.map(({ metric }) => ({ which: 'summary' as const, key: metric }));
  const all = [...limits, ...metrics].map(
    (one) => [metricColumn(one), metricLabel(one)] as const,
  );
  return [...new Map(all)].map(([id, label]) => ({ id, label }));
}

/** Everything that can be an axis. */
export function choices(shared: Shared): Choice[] {
  const varied = shared.detail.parameters.filter(({ kind }) => kind !== 'constant');
  return [
    { id: 'value', label: shared.detail.metric || 'value' },
    ...varied.map(({ name }) => ({ id: columnOf(name), label: name })),
    ...moreMetrics(shared),
    { id: 'trial', label: 'trial' },
    { id: 'seconds', label: 'time taken' },
  ];
}

/** The axis with this id. */
export function axisFor(shared: Shared, frame: Frame, id: string, rows: number[]): Dimension {
  const parameter = shared.detail.parameters.find(({ name }) => columnOf(name) === id);
  if (parameter) return parameterAxis(frame, parameter, rows);
  if (id === 'seconds') {
    const values = secondsOf(frame, rows, Date.now());
    return { name: 'time taken', scale: 'duration', values };
  }
  const label = choices(shared).find((choice) => choice.id === id)?.label ?? id;
  return columnAxis(frame, id, rows, label);
}
