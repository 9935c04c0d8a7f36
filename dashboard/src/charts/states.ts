/** How the charts show the state of a run: by colour and by shape. */

import { categoryColour } from './colours';
import type { Pen } from './pen';
import type { Theme } from './theme';

export type Shape = 'up' | 'dot' | 'ring' | 'cross' | 'small' | 'square' | 'diamond';

export interface Look {
  colour: string;
  shape: Shape;
}

/** The order in which legends list the states. */
export const stateOrder = [
  'finished',
  'running',
  'pruned',
  'stopped',
  'failed',
  'crashed',
  'leased',
  'queued',
];

/** The look of a state. A state that the charts do not know looks like a queued one. */
export function stateLook(state: string, theme: Theme): Look {
  switch (state) {
    case 'finished':
      return { colour: categoryColour(0, theme.dark), shape: 'dot' };
    case 'running':
      return { colour: theme.good, shape: 'diamond' };
    case 'pruned':
      return { colour: theme.warn, shape: 'ring' };
    case 'stopped':
      return { colour: theme.muted, shape: 'square' };
    case 'failed':
    case 'crashed':
      return { colour: theme.bad, shape: 'cross' };
    default:
      return { colour: theme.muted, shape: 'small' };
  }
}

/** The colour of a state, for bars and badges. */
export function stateColour(state: string, theme: Theme): string {
  return stateLook(state, theme).colour;
}

/** Adds a mark to the path of a pen. Crosses and rings are stroked, other marks are filled. */
export function trace(pen: Pen, shape: Shape, x: number, y: number, radius: number): void {
  switch (shape) {
    case 'cross':
      pen.move(x - radius, y - radius);
      pen.line(x + radius, y + radius);
      pen.move(x + radius, y - radius);
      pen.line(x - radius, y + radius);
      return;
    case 'square':
      pen.rect(x - radius * 0.85, y - radius * 0.85, radius * 1.7, radius * 1.7);
      return;
    case 'up':
      pen.move(x, y - radius);
      pen.line(x + radius, y + radius);
      pen.line(x - radius, y + radius);
      pen.close();
      return;
    case 'diamond':
      pen.move(x, y - radius * 1.25);
      pen.line(x + radius * 1.25, y);
      pen.line(x, y + radius * 1.25);
      pen.line(x - radius * 1.25, y);
      pen.close();
      return;
    default:
      pen.circle(x, y, shape === 'small' ? radius * 0.55 : radius);
  }
}

/** Draws the marks that were traced since the path began. */
export function ink(pen: Pen, { colour, shape }: Look, alpha = 1): void {
  if (shape === 'cross' || shape === 'ring') pen.stroke({ colour, width: 1.6, alpha });
  else pen.fill(colour, alpha);
}

export interface Entry extends Look {
  text: string;
}

/** Draws a legend that ends at a pixel on the right. */
export function legend(
  pen: Pen,
  theme: Theme,
  entries: readonly Entry[],
  right: number,
  y: number,
): void {
  let x = right;
  for (const entry of [...entries].reverse()) {
    x -= pen.measure(entry.text);
    pen.text(entry.text, x, y, { colour: theme.muted });
    x -= 9;
    pen.begin();
    trace(pen, entry.shape, x, y, 3.5);
    ink(pen, entry);
    x -= 16;
  }
}
