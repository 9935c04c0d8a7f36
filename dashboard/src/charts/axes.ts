/** Draws the axes of a chart with two of them. */

import { shorten, visible } from './format';
import { squeeze, type Pen } from './pen';
import type { Scale } from './scale';
import type { Theme } from './theme';
import type { Tick } from './ticks';

/** The part of a chart in which its data lie, in pixels. */
export interface Frame {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export interface Axes {
  x: Scale;
  y: Scale;
  xName: string;
  yName: string;
}

export interface Room {
  width: number;
  height: number;
  /** What the chart needs beside the frame. */
  right?: number;
  top?: number;
}

const labelGap = 7;
const longest = 18;

/** Computes the frame, and places both scales in it. */
export function frameOf(pen: Pen, axes: Axes, room: Room): Frame {
  const { width, height, right = 10, top = 0 } = room;
  const frame = {
    left: 0,
    top: 8 + top + (axes.yName ? 14 : 0),
    right: Math.max(40, width - right),
    bottom: Math.max(30, height - (axes.xName ? 36 : 22)),
  };
  axes.y.place(frame.bottom, frame.top);
  const labels = yTicks(axes.y, frame).map((tick) => pen.measure(tick.label));
  frame.left = Math.min(width * 0.4, Math.max(24, ...labels) + labelGap + 4);
  axes.x.place(frame.left, frame.right);
  return frame;
}

function yTicks(scale: Scale, frame: Frame): Tick[] {
  const most = Math.max(2, Math.floor((frame.bottom - frame.top) / 27));
  const limit = scale.kind === 'category' ? Math.floor((frame.bottom - frame.top) / 14) : most;
  const ticks = scale
    .ticks(limit)
    .map((tick) => ({ ...tick, label: shorten(tick.label, longest) }));
  return thinned(scale, ticks, () => 13);
}

/** As many ticks as have room: fewer if their texts would touch. */
export function xTicks(pen: Pen, scale: Scale): Tick[] {
  const length = Math.abs(scale.end - scale.start);
  const cut = (tick: Tick): Tick => ({ ...tick, label: shorten(tick.label, longest) });
  const width = (tick: Tick): number => pen.measure(tick.label) + 10;
  for (let most = Math.max(2, Math.floor(length / 46)); most > 1; most -= 1) {
    const ticks = scale.ticks(most).map(cut);
    if (thinned(scale, ticks, width).every((tick, index) => tick.label === ticks[index]?.label)) {
      return ticks;
    }
  }
  return thinned(scale, scale.ticks(2).map(cut), width);
}

/** Takes away the texts that would touch an earlier one. */
function thinned(scale: Scale, ticks: readonly Tick[], width: (tick: Tick) => number): Tick[] {
  let [edge, size] = [NaN, 0];
  return ticks.map((tick) => {
    if (tick.label === '') return tick;
    const [place, room] = [scale.to(tick.value), width(tick)];
    if (Math.abs(place - edge) < (room + size) / 2) return { ...tick, label: '' };
    [edge, size] = [place, room];
    return tick;
  });
}

/** Draws the grid and the texts of both axes. A surface of colours needs no grid. */
export function drawAxes(pen: Pen, theme: Theme, frame: Frame, axes: Axes, grid = true): void {
  const { x, y } = axes;
  const { left, right, bottom } = frame;
  const rows = yTicks(y, frame);
  const columns = xTicks(pen, x);
  pen.begin();
  for (const tick of rows) {
    const at = crisp(y.to(tick.value));
    pen.move(grid ? left : left - 3, at);
    pen.line(grid ? right : left, at);
  }
  pen.stroke({ colour: theme.grid });
  pen.begin();
  for (const tick of columns) {
    const at = crisp(x.to(tick.value));
    pen.move(at, bottom);
    pen.line(at, bottom + (tick.label ? 4 : 2));
  }
  pen.move(left, crisp(bottom));
  pen.line(right, crisp(bottom));
  pen.stroke({ colour: theme.muted, alpha: 0.55 });
  const colour = theme.muted;
  for (const tick of rows) {
    pen.text(tick.label, left - labelGap, y.to(tick.value), { colour, align: 'right' });
  }
  for (const tick of columns) {
    const half = pen.measure(tick.label) / 2;
    const at = Math.min(Math.max(x.to(tick.value), half + 1), right + 8 - half);
    pen.text(tick.label, at, bottom + 7, { colour, align: 'center', base: 'top' });
  }
  const name = squeeze(pen, visible(axes.xName), right - left);
  pen.text(name, (left + right) / 2, bottom + 22, { colour, align: 'center', base: 'top' });
  const title = squeeze(pen, visible(axes.yName), right - 4, true);
  pen.text(title, 4, 4, { colour: theme.ink, base: 'top', bold: true });
}

/** Moves a thin line to the middle of a pixel, so that it is sharp. */
export function crisp(pixel: number): number {
  return Math.round(pixel - 0.5) + 0.5;
}
