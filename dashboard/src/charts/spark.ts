/** A small line for the cells of tables. */

import { at, extent } from './data';
import { contextOf } from './layer';
import { readTheme } from './theme';

/** Draws values from left to right into a canvas of some CSS pixels. A gap breaks the line. */
export function spark(
  canvas: HTMLCanvasElement,
  values: ArrayLike<number>,
  { colour, width = 80, height = 20 }: { colour?: string; width?: number; height?: number } = {},
): void {
  const ratio = devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = contextOf(canvas);
  context.scale(ratio, ratio);
  const range = extent(values);
  if (!range) return;
  const span = range[1] - range[0] || 1;
  context.strokeStyle = colour ?? readTheme(canvas.parentElement ?? document.body).accent;
  context.lineWidth = 1.3;
  context.lineJoin = 'round';
  context.beginPath();
  let broken = true;
  for (let index = 0; index < values.length; index += 1) {
    const value = at(values, index);
    if (!Number.isFinite(value)) {
      broken = true;
      continue;
    }
    const x = 1 + (index / Math.max(1, values.length - 1)) * (width - 2);
    const y = height - 2 - ((value - range[0]) / span) * (height - 4);
    if (broken) context.moveTo(x - 0.5, y);
    context.lineTo(x, y);
    broken = false;
  }
  context.stroke();
}
