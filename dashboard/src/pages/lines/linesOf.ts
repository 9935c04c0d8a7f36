// Turns the answers of the API into what a chart of lines draws. This module is pure.

import type { Frame } from '../../api/columns';
import type { SeriesExtra } from '../../api/types';
import type { LinesData, LineSeries } from '../../charts/linedata';
import type { Draw, LineGroup } from './view.svelte';

function data(frame: Frame, x: string, series: LineSeries[]): LinesData {
  const drawn = series.filter(
    ({ last, odd }) => odd?.some((times) => times > 0) || !Array.from(last).every(Number.isNaN),
  );
  const xScale = x === 'time' ? 'time' : 'linear';
  return { x: frame.numbers('x'), xName: x.replace(/^metric:/, ''), xScale, series: drawn };
}

/** A line for each run. A run of a group has the group's colour. */
export function linesOfRuns(
  frame: Frame,
  x: string,
  label: (id: string) => string,
  groups: readonly LineGroup[],
  baseline: string | null,
): LinesData {
  const group = new Map(groups.flatMap(({ id, runs }) => runs.map((run) => [run, id])));
  const { series } = frame.extra as SeriesExtra;
  const lines = series.map((head, index): LineSeries => ({
    id: head.run,
    label: label(head.run),
    last: frame.numbers(`${index}.last`),
    min: frame.numbers(`${index}.min`),
    max: frame.numbers(`${index}.max`),
    odd: head.odd,
    colourOf: group.get(head.run),
    baseline: head.run === baseline,
  }));
  return data(frame, x, lines);
}

/** A line for the mean of each group, with a band of its extremes or of its deviation. */
export function linesOfGroups(
  frame: Frame,
  x: string,
  groups: readonly LineGroup[],
  draw: Draw,
  baseline: string | null,
): LinesData {
  const lines = groups.map((group, index): LineSeries => {
    const mean = frame.numbers(`${index}.mean`);
    const one = { id: group.id, last: mean, baseline: group.id === baseline };
    const count = Math.max(0, ...frame.numbers(`${index}.count`).filter(Number.isFinite));
    const label = one.baseline ? group.label : `${group.label} · ${count}`;
    if (draw === 'range') {
      const [min, max] = [frame.numbers(`${index}.min`), frame.numbers(`${index}.max`)];
      return { ...one, label, min, max };
    }
    const deviation = frame.numbers(`${index}.deviation`);
    return {
      ...one,
      label,
      min: mean.map((value, at) => value - (deviation[at] ?? NaN)),
      max: mean.map((value, at) => value + (deviation[at] ?? NaN)),
    };
  });
  return data(frame, x, lines);
}
