/** Draws the axes of parallel coordinates: titles, ticks, brushes and the scale of colours. */

import type { Brushes } from './brushes';
import { resultColour } from './colours';
import type { Dimension } from './data';
import { shorten, visible } from './format';
import { squeeze, type Pen } from './pen';
import type { Scale } from './scale';
import type { Theme } from './theme';

export interface Axis {
  dimension: Dimension;
  /** The index of the dimension in the data. */
  index: number;
  scale: Scale;
  x: number;
  /** The rows' pixels. */
  places: Float64Array;
  /** The pixel of rows without a value, or NaN if all rows have one. */
  none: number;
}

/** The titles end here. */
export const titleHeight = 24;

export interface Look {
  theme: Theme;
  /** The room between two axes. */
  gap: number;
  /** The axis that is being moved, and the one whose metric gives the colours. */
  lifted: string | null;
  metric: number;
  /** The rank of a value of the metric, from 0 to 1. */
  rankOf: (value: number) => number;
}

export function drawAxis(pen: Pen, axis: Axis, look: Look, isLast: boolean): void {
  const { theme, gap, lifted } = look;
  const { dimension, scale, x } = axis;
  const name = squeeze(pen, visible(dimension.name), gap - 8, true);
  const colour = lifted === dimension.name ? theme.accent : theme.ink;
  pen.text(name, x, titleHeight - 8, { colour, bold: true, align: 'center', base: 'bottom' });
  pen.begin();
  pen.move(x, scale.end);
  pen.line(x, scale.start);
  pen.stroke({ colour: theme.ground, width: 3, alpha: 0.8 });
  pen.stroke({ colour, width: lifted === dimension.name ? 2 : 1.1 });
  if (axis.index === look.metric) drawColours(pen, axis, look);
  drawTicks(pen, axis, look, isLast);
}

function drawTicks(
  pen: Pen,
  { dimension, scale, x, none, index }: Axis,
  look: Look,
  isLast: boolean,
): void {
  const { theme, gap } = look;
  const length = scale.start - scale.end;
  const ticks = scale.ticks(
    Math.max(2, Math.floor(length / (dimension.scale === 'category' ? 14 : 30))),
  );
  const side = isLast ? 1 : -1;
  const beside = isLast && index === look.metric ? 14 : 6;
  pen.begin();
  for (const tick of ticks) {
    const y = scale.to(tick.value);
    pen.move(x, y);
    pen.line(x + side * (tick.label ? 4 : 2), y);
  }
  pen.stroke({ colour: theme.ink });
  const most = Math.max(4, Math.floor(gap / 8));
  let edge = Infinity;
  for (const tick of ticks) {
    const y = scale.to(tick.value);
    if (tick.label === '' || Math.abs(edge - y) < 13) continue;
    edge = y;
    plate(pen, shorten(tick.label, most), x + side * beside, y, side, theme);
  }
  if (!Number.isFinite(none)) return;
  pen.begin();
  pen.circle(x, none, 3);
  pen.fill(theme.ground);
  pen.stroke({ colour: theme.ink });
  plate(pen, 'none', x + side * beside, none, side, theme);
}

/** Writes a text on a plate, because lines run behind it. */
function plate(pen: Pen, text: string, x: number, y: number, side: number, theme: Theme): void {
  const width = pen.measure(text, 10.5) + 4;
  pen.begin();
  pen.rect(side < 0 ? x - width + 2 : x - 2, y - 6.5, width, 13);
  pen.fill(theme.ground, 0.82);
  const align = side < 0 ? 'right' : 'left';
  pen.text(text, x, y, { colour: theme.ink, size: 10.5, align });
}

/** Draws the scale of colours beside the axis of the metric. */
function drawColours(pen: Pen, { scale, x }: Axis, { theme, rankOf }: Look): void {
  const steps = 32;
  const height = (scale.start - scale.end) / steps;
  for (let step = 0; step < steps; step += 1) {
    const y = scale.end + step * height;
    pen.begin();
    pen.rect(x + 2, y, 7, height + 0.5);
    pen.fill(resultColour(rankOf(scale.from(y + height / 2)), theme.dark));
  }
}

/** Draws the brush of an axis, if it has one. */
export function drawBrush(
  pen: Pen,
  { dimension, scale, x }: Axis,
  theme: Theme,
  brushes: Brushes,
): void {
  const range = brushes.get(dimension.name);
  if (!range) return;
  const [bottom, top] = [scale.to(range[0]), scale.to(range[1])];
  pen.begin();
  pen.rect(x - 7, top, 14, Math.max(1, bottom - top));
  pen.fill(theme.accent, 0.2);
  pen.stroke({ colour: theme.accent, width: 1.2 });
  pen.begin();
  for (const y of [top, bottom]) {
    pen.move(x - 7, y);
    pen.line(x + 7, y);
  }
  pen.stroke({ colour: theme.accent, width: 2.6 });
}
