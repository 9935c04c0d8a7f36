/** A canvas of a chart, which draws a long picture in slices so that the page stays usable. */

import { CanvasPen, type Pen } from './pen';
import type { Theme } from './theme';

/** A picture. Where it yields, the drawing may pause. */
export type Picture = Iterable<void> | void;

export type Paint = (pen: Pen) => Picture;

export class Layer {
  readonly canvas = document.createElement('canvas');
  private readonly front = contextOf(this.canvas);
  /** Where a long picture is drawn while the old one stays in sight. */
  private back: CanvasRenderingContext2D | null = null;
  private target = this.front;
  private job: Iterator<void> | null = null;
  private waiting: Paint | null = null;
  private filled = false;
  private ratio = 1;

  /** `long`: the pictures of the layer yield. */
  constructor(private readonly long: boolean) {
    this.canvas.setAttribute('aria-hidden', 'true');
  }

  /** Changes the size in CSS pixels. The picture is lost. */
  resize(width: number, height: number): void {
    this.ratio = devicePixelRatio || 1;
    this.canvas.width = Math.max(1, Math.round(width * this.ratio));
    this.canvas.height = Math.max(1, Math.round(height * this.ratio));
    this.back = null;
    this.filled = false;
    this.cancel();
  }

  /** Gives up a picture that is not finished. */
  cancel(): void {
    this.job = null;
    this.waiting = null;
  }

  /**
   * Begins a picture. If a long one is still being drawn, the new one waits for its end: a brush
   * that moves on would else cancel every picture.
   */
  start(paint: Paint, theme: Theme): void {
    if (this.job) {
      this.waiting = paint;
      return;
    }
    this.target = this.filled && this.long ? this.behind() : this.front;
    this.clear(this.target);
    const picture = paint(new CanvasPen(this.target, theme));
    if (picture) this.job = picture[Symbol.iterator]();
    else this.finish();
  }

  /** Goes on with a long picture until a moment. Returns whether something is left to draw. */
  proceed(deadline: number, theme: Theme): boolean {
    while (this.job) {
      if (!this.job.next().done) {
        if (performance.now() >= deadline) return true;
        continue;
      }
      this.job = null;
      this.finish();
      const next = this.waiting;
      this.waiting = null;
      if (next) this.start(next, theme);
    }
    return false;
  }

  /** The canvas behind the picture in sight. Many charts are drawn once, and never need it. */
  private behind(): CanvasRenderingContext2D {
    if (this.back) return this.back;
    const canvas = document.createElement('canvas');
    canvas.width = this.canvas.width;
    canvas.height = this.canvas.height;
    this.back = contextOf(canvas);
    return this.back;
  }

  private finish(): void {
    this.filled = true;
    if (this.target === this.front) return;
    this.clear(this.front);
    this.front.setTransform(1, 0, 0, 1, 0, 0);
    this.front.drawImage(this.target.canvas, 0, 0);
  }

  private clear(context: CanvasRenderingContext2D): void {
    // A picture that was given up may have left a clip behind.
    context.reset();
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
  }
}

/** The drawing context of a canvas. */
export function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext('2d');
  if (!context) throw new Error('This browser has no canvas to draw on.');
  return context;
}

let measuring: CanvasRenderingContext2D | null = null;

/** A pen that only measures. All charts share its canvas. */
export function rulerOf(theme: Theme): Pen {
  measuring ??= contextOf(document.createElement('canvas'));
  return new CanvasPen(measuring, theme);
}
