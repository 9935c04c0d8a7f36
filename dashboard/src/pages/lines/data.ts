// What a chart of curves draws, from the answer to a question for series. This module is pure.

import type { Frame } from '../../api/columns';
import type { SeriesExtra } from '../../api/types';
import type { LinesData } from '../../charts/linedata';

/** The curves of runs. `x` is the axis as the API names it, `name` the name of a run. */
export function linesData(frame: Frame, x: string, name: (id: string) => string): LinesData {
  const { series } = frame.extra as SeriesExtra;
  const all = series.map((head, index) => ({
    id: head.run,
    label: name(head.run),
    last: frame.numbers(`${index}.last`),
    min: frame.numbers(`${index}.min`),
    max: frame.numbers(`${index}.max`),
    odd: head.odd,
  }));
  return {
    x: frame.numbers('x'),
    xName: x.replace(/^metric:/, ''),
    xScale: x === 'time' ? 'time' : 'linear',
    series: all.filter(
      ({ last, odd }) => odd.some((times) => times > 0) || !last.every(Number.isNaN),
    ),
  };
}
