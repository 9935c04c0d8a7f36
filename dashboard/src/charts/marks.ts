/** What the charts of single marks share: hover, click, a rectangle that selects, and keys. */

import { drawAxes, frameOf, type Axes, type Frame } from './axes';
import { Chart, type Options } from './chart';
import { rulerOf } from './layer';
import { boxOf, inside, nearest, walk, type Box, type Spots } from './near';
import type { Pen } from './pen';
import type { Spot } from './pointer';
import type { Tip } from './tooltip';

/** The radius of a mark: many marks must be small to be told apart. */
export function radiusOf(marks: number): number {
  return marks > 3000 ? 2 : marks > 600 ? 2.8 : 3.5;
}

/** The pointer finds a mark within this many pixels. */
const reach = 18;

export abstract class MarkChart<Data, Chosen extends Options = Options> extends Chart<
  Data,
  Chosen
> {
  protected spots: Spots = { ids: [], x: new Float64Array(), y: new Float64Array() };
  protected axes: Axes | null = null;
  protected frame: Frame = { left: 0, top: 0, right: 0, bottom: 0 };
  private box: Box | null = null;
  private fades = false;

  /** What the box says about a row. */
  protected abstract tip(row: number): Tip;

  protected visibleIds(): string[] {
    const { ids, x, y } = this.spots;
    return ids.filter(
      (id, row) => Number.isFinite((x[row] ?? NaN) + (y[row] ?? NaN)) && this.bright(id),
    );
  }

  protected pixels(): Record<string, [number, number]> {
    const { ids, x, y } = this.spots;
    return Object.fromEntries(ids.map((id, row) => [id, [x[row] ?? NaN, y[row] ?? NaN]]));
  }

  /** Whether a mark is drawn at full strength. */
  protected bright(id: string): boolean {
    return this.selected.size === 0 || this.selected.has(id);
  }

  /** Whether some marks are drawn faintly. The layer 0 has all of them so, below the others. */
  protected faded(): boolean {
    return this.selected.size > 0;
  }

  protected override selectionChanged(): void {
    const fades = this.faded();
    if (fades === this.fades) this.redraw(1);
    else this.redraw(0, 1);
    this.fades = fades;
  }

  /** Places the axes. */
  protected placeAxes(axes: Axes, right = 10, top = 0): void {
    this.axes = axes;
    const { width, height } = this;
    this.frame = frameOf(rulerOf(this.theme), axes, { width, height, right, top });
  }

  protected drawAxes(pen: Pen, grid = true): void {
    if (this.axes) drawAxes(pen, this.theme, this.frame, this.axes, grid);
  }

  /** Draws what follows the pointer: the hovered mark, and the rectangle that selects. */
  protected drawPointer(pen: Pen): void {
    const row = this.hovered === null ? -1 : this.spots.ids.indexOf(this.hovered);
    const [x, y] = [this.spots.x[row] ?? NaN, this.spots.y[row] ?? NaN];
    if (Number.isFinite(x + y)) {
      pen.begin();
      pen.circle(x, y, 7);
      pen.stroke({ colour: this.theme.ground, width: 4 });
      pen.stroke({ colour: this.theme.ink, width: 2 });
    }
    if (!this.box) return;
    const { left, top, right, bottom } = this.box;
    pen.begin();
    pen.rect(left, top, right - left, bottom - top);
    pen.fill(this.theme.accent, 0.12);
    pen.stroke({ colour: this.theme.accent });
  }

  protected override moved(at: Spot): void {
    const row = nearest(this.spots, at.x, at.y, reach);
    const id = this.spots.ids[row];
    this.root.style.cursor = id === undefined ? 'crosshair' : 'pointer';
    if (id === undefined) this.point(null);
    else this.point(id, this.tip(row), at);
  }

  protected override clicked(at: Spot): void {
    const id = this.spots.ids[nearest(this.spots, at.x, at.y, reach)];
    if (id !== undefined) this.toggle(id, at.several);
    else if (this.selected.size > 0) this.choose([]);
  }

  protected override doubled(at: Spot): void {
    const id = this.spots.ids[nearest(this.spots, at.x, at.y, reach)];
    if (id !== undefined) this.options.onopen?.(id);
  }

  protected override dragged(from: Spot, to: Spot, done: boolean): void {
    this.box = done ? null : boxOf(from, to);
    this.redraw(this.last);
    if (!done) return;
    const ids = inside(this.spots, boxOf(from, to));
    this.choose(from.several ? [...this.selected, ...ids] : ids);
  }

  protected override pressed(event: KeyboardEvent): boolean {
    const row = this.hovered === null ? -1 : this.spots.ids.indexOf(this.hovered);
    switch (event.key) {
      case 'ArrowRight':
      case 'ArrowUp':
        this.step(row, 1);
        return true;
      case 'ArrowLeft':
      case 'ArrowDown':
        this.step(row, -1);
        return true;
      case ' ':
        if (this.hovered !== null) this.toggle(this.hovered, event.shiftKey);
        return true;
      case 'Enter':
        if (this.hovered !== null) this.options.onopen?.(this.hovered);
        return true;
      case 'Escape':
        this.point(null);
        if (this.selected.size > 0) this.choose([]);
        return true;
      default:
        return false;
    }
  }

  /** Goes to the next mark in reading order. */
  private step(row: number, by: number): void {
    const order = walk(this.spots);
    if (order.length === 0) return;
    const from = order.indexOf(row);
    const place = from < 0 ? (by > 0 ? 0 : order.length - 1) : from + by;
    const next = order[Math.min(order.length - 1, Math.max(0, place))] ?? 0;
    this.point(this.spots.ids[next] ?? null);
    this.announce(this.tip(next), this.spots.x[next] ?? 0, this.spots.y[next] ?? 0);
  }
}
