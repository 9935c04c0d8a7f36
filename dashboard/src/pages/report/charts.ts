// Makes the charts of panels: on the page, and as pictures for files.

import { Bars } from '../../charts/bars';
import { History } from '../../charts/history';
import { Lines } from '../../charts/lines';
import { Parallel } from '../../charts/parallel';
import { Scatter } from '../../charts/scatter';
import type { ChartLike } from '../../parts/chart';
import type { Drawn } from './drawn';

/** How large a picture of a chart is, in pixels. */
export const WIDTH = 860;

/** The height of a chart; `null` if what the panel shows is no chart. */
export function heightOf(drawn: Drawn): number | null {
  if (drawn.chart === 'bars') return Math.min(520, 60 + 30 * drawn.data.bars.length);
  if (drawn.chart === 'lines' || drawn.chart === 'history') return 300;
  return drawn.chart === 'parallel' || drawn.chart === 'scatter' ? 320 : null;
}

/** Makes the chart of a panel in an element. */
export function make(
  drawn: Drawn,
  label: string,
  element: HTMLElement,
  onopen?: (id: string) => void,
): ChartLike<unknown> {
  const name = (id: string) => drawn.names[id] ?? id;
  const options = { label, name, onopen };
  if (drawn.chart === 'lines') return new Lines(element, { ...options, ...drawn.options });
  if (drawn.chart === 'history') return new History(element, { ...options, ...drawn.options });
  if (drawn.chart === 'bars') return new Bars(element, { label });
  if (drawn.chart === 'parallel') return new Parallel(element, options);
  if (drawn.chart === 'scatter') return new Scatter(element, options);
  throw new Error('This panel has no chart.');
}

/** The picture of a panel's chart as SVG; `null` if what the panel shows is no chart. */
export function picture(drawn: Drawn, label: string, scheme: 'light' | 'dark'): string | null {
  const height = heightOf(drawn);
  if (height === null || !('data' in drawn)) return null;
  const place = document.createElement('div');
  Object.assign(place.style, {
    position: 'fixed',
    left: '-10000px',
    width: `${WIDTH}px`,
    height: `${height}px`,
    colorScheme: scheme,
  });
  document.body.append(place);
  const chart = make(drawn, label, place);
  try {
    chart.resize();
    chart.set(drawn.data);
    return chart.svg();
  } finally {
    chart.destroy();
    place.remove();
  }
}
