/** Draws marks across a chart of lines, such as the rungs of early stopping. */

import { crisp, type Axes, type Frame } from './axes';
import type { LineMark } from './linedata';
import type { Pen } from './pen';
import type { Theme } from './theme';

/** Half of the width of a bar, in pixels. */
const half = 16;
/** The least room between two texts. */
const room = 6;

/** Draws a dashed line at each x, with its text above, and a bar at its height. */
export function drawLineMarks(
  pen: Pen,
  theme: Theme,
  frame: Frame,
  { x, y }: Axes,
  marks: readonly LineMark[],
): void {
  let edge = -Infinity;
  for (const mark of marks) {
    if (!x.has(mark.x)) continue;
    const place = crisp(x.to(mark.x));
    pen.begin();
    pen.move(place, frame.top);
    pen.line(place, frame.bottom);
    pen.stroke({ colour: theme.muted, dash: [4, 3], alpha: 0.8 });
    const width = pen.measure(mark.text);
    const left = Math.min(frame.right - width, Math.max(frame.left, place - width / 2));
    if (left > edge + room) {
      const style = { colour: theme.muted, base: 'bottom', halo: theme.ground } as const;
      pen.text(mark.text, left, frame.top + 12, style);
      edge = left + width;
    }
    const height = y.to(mark.bar ?? NaN);
    if (!(height >= frame.top && height <= frame.bottom)) continue;
    pen.begin();
    pen.move(Math.max(frame.left, place - half), height);
    pen.line(Math.min(frame.right, place + half), height);
    pen.stroke({ colour: theme.ground, width: 6 });
    pen.stroke({ colour: theme.bad, width: 3 });
  }
}
