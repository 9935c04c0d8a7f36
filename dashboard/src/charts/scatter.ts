/** One column against another: slices of a sweep, calibration, Pareto fronts. */

import { crisp } from './axes';
import type { Options } from './chart';
import { categoryColour, resultColour } from './colours';
import { at, cell, write, type Dimension, type Table } from './data';
import type { Picture } from './layer';
import { MarkChart, radiusOf } from './marks';
import { pareto } from './pareto';
import type { Pen } from './pen';
import { drawProposed, type Proposed } from './proposed';
import { ranks } from './rank';
import { fit } from './scale';
import { ink, stateLook, trace, type Look } from './states';
import type { Tip } from './tooltip';

export interface ScatterData {
  ids: readonly string[];
  x: Dimension;
  y: Dimension;
  /** The column that colours the marks; without it, the states do, or nothing. */
  colour?: Dimension | undefined;
  /** Whether a large value of `colour` is good. */
  maximize?: boolean | undefined;
  states?: readonly string[] | undefined;
  /** Draws the line on which x equals y, and gives both axes the same range. */
  diagonal?: boolean | undefined;
  /** The ends of error bars. */
  low?: ArrayLike<number> | undefined;
  high?: ArrayLike<number> | undefined;
  /** Draws the Pareto front; tells for x and y whether a large value is good. */
  front?: readonly [boolean, boolean] | undefined;
  /** Whether each row keeps the limits of its sweep. Only such a row can be on the front. */
  keeps?: readonly boolean[] | undefined;
  /** Points that no trial has yet. */
  proposed?: Proposed | undefined;
}

const shades = 48;

/** Rows whose marks look the same. */
interface Group {
  look: Look;
  /** The rank of their best result, or 0. */
  order: number;
  rows: number[];
}

export class Scatter extends MarkChart<ScatterData> {
  protected readonly kind: string = 'scatter';
  private front: number[] = [];
  private onFront = new Set<number>();
  /** The worst come first, so that the best stay in sight. */
  private groups: Group[] = [];

  constructor(element: HTMLElement, options: Options) {
    super(element, options, [true, true, false]);
  }

  table(): Table {
    const data = this.data;
    if (!data) return { columns: [], rows: [] };
    const dimensions = [data.x, data.y, ...(data.colour ? [data.colour] : [])];
    const rows = data.ids.map((id, row) => [id, ...dimensions.map((one) => cell(one, row))]);
    return { columns: ['run', ...dimensions.map((one) => one.name)], rows };
  }

  protected arrange(data: ScatterData): void {
    const [x, y] = data.diagonal ? square(data) : [fit(data.x), fit(data.y, { pad: 0.06 })];
    this.placeAxes({ x, y, xName: data.x.name, yName: data.y.name });
    const place = (scale: typeof x, values: ArrayLike<number>, spread: boolean): Float64Array =>
      Float64Array.from(data.ids, (id, row) => {
        const value = at(values, row);
        return scale.to(spread ? value + jitter(id) : value);
      });
    this.spots = {
      ids: data.ids,
      x: place(x, data.x.values, data.x.scale === 'category'),
      y: place(y, data.y.values, data.y.scale === 'category'),
    };
    const { x: across, y: up, front, keeps } = data;
    this.front = front ? pareto(across.values, up.values, front, keeps) : [];
    this.onFront = new Set(this.front);
    this.groups = this.grouped(data);
  }

  protected paint(layer: number, pen: Pen): Picture {
    if (layer === this.last) this.drawPointer(pen);
    else return layer === 0 ? this.drawGround(pen) : this.drawBright(pen);
  }

  private *drawGround(pen: Pen): Generator<void> {
    this.drawAxes(pen);
    this.clip(pen);
    if (this.data?.diagonal) this.drawDiagonal(pen);
    if (this.faded()) yield* this.drawMarks(pen, false);
    pen.unclip();
  }

  private *drawBright(pen: Pen): Generator<void> {
    this.clip(pen);
    this.drawErrors(pen);
    this.drawFront(pen);
    yield* this.drawMarks(pen, true);
    this.drawNext(pen);
    pen.unclip();
  }

  private clip(pen: Pen): void {
    const { left, top, right, bottom } = this.frame;
    pen.clip(left - 6, top - 6, right - left + 12, bottom - top + 12);
  }

  protected override faded(): boolean {
    return this.front.length > 0 || super.faded();
  }

  protected tip(row: number): Tip {
    const data = this.data;
    if (!data) return { title: '', rows: [] };
    const dimensions = [data.x, data.y, ...(data.colour ? [data.colour] : [])];
    const names = new Set<string>();
    const rows = dimensions
      .filter((one) => !names.has(one.name) && names.add(one.name))
      .map((one) => ({ name: one.name, value: write(one, at(one.values, row)) }));
    return { title: this.nameOf(data.ids[row] ?? ''), rows };
  }

  /** Draws the bright marks, or all marks faintly. */
  private *drawMarks(pen: Pen, bright: boolean): Generator<void> {
    const { ids, x, y } = this.spots;
    const radius = radiusOf(ids.length);
    const dense = Math.max(0.35, Math.min(0.9, 60 / Math.sqrt(Math.max(1, ids.length))));
    const isShown = (row: number): boolean =>
      !bright ||
      (this.bright(ids[row] ?? '') && (this.front.length === 0 || this.onFront.has(row)));
    for (const { look, rows } of this.groups) {
      pen.begin();
      for (const row of rows) {
        if (isShown(row)) trace(pen, look.shape, at(x, row), at(y, row), radius);
      }
      ink(pen, look, bright ? dense : 0.16);
      yield;
    }
  }

  /** Puts the rows that have a place into groups of one look. */
  private grouped(data: ScatterData): Group[] {
    const { ids, x, y } = this.spots;
    const unit = data.colour ? ranks(data.colour.values, data.maximize ?? false) : null;
    const groups = new Map<string, Group>();
    for (let row = 0; row < ids.length; row += 1) {
      if (!Number.isFinite(at(x, row) + at(y, row))) continue;
      // The rank is NaN without a result. Without a column of colours, there is none.
      const rank = unit ? Math.round(at(unit, row) * shades) / shades : undefined;
      const key = `${data.states?.[row] ?? ''} ${rank ?? ''}`;
      let group = groups.get(key);
      if (!group) {
        group = { look: this.look(data.states?.[row], rank), order: rank || 0, rows: [] };
        groups.set(key, group);
      }
      group.rows.push(row);
    }
    return [...groups.values()].sort((a, b) => a.order - b.order);
  }

  private look(state: string | undefined, rank: number | undefined): Look {
    const base: Look =
      state === undefined
        ? { colour: categoryColour(0, this.theme.dark), shape: 'dot' }
        : stateLook(state, this.theme);
    if (rank === undefined) return base;
    if (Number.isNaN(rank)) return { ...base, colour: this.theme.muted };
    return { ...base, colour: resultColour(rank, this.theme.dark) };
  }

  private drawDiagonal(pen: Pen): void {
    const { left, top, right, bottom } = this.frame;
    pen.begin();
    pen.move(left, bottom);
    pen.line(right, top);
    pen.stroke({ colour: this.theme.muted, dash: [4, 4] });
  }

  private drawErrors(pen: Pen): void {
    const { low, high } = this.data ?? {};
    if (!low || !high || !this.axes) return;
    const { ids, x } = this.spots;
    pen.begin();
    for (let row = 0; row < ids.length; row += 1) {
      if (!this.bright(ids[row] ?? '')) continue;
      const [from, to] = [this.axes.y.to(at(low, row)), this.axes.y.to(at(high, row))];
      if (!Number.isFinite(from + to + at(x, row))) continue;
      pen.move(crisp(at(x, row)), from);
      pen.line(crisp(at(x, row)), to);
    }
    pen.stroke({ colour: this.theme.muted, alpha: 0.5 });
  }

  private drawNext(pen: Pen): void {
    const { axes, data, frame } = this;
    if (!axes || !data?.proposed) return;
    const [x, y] = [axes.x, axes.y];
    const places = {
      x: (value: number) => x.to(value),
      y: (value: number) => y.to(value),
      none: frame.bottom - 7,
    };
    drawProposed(pen, this.theme, data.proposed, places);
  }

  private drawFront(pen: Pen): void {
    const { x, y } = this.spots;
    if (this.front.length === 0) return;
    pen.begin();
    this.front.forEach((row, index) => {
      const before = this.front[index - 1];
      // Between two points of the front, nothing is known to be better than the step.
      if (before === undefined) pen.move(at(x, row), at(y, row));
      else {
        pen.line(at(x, row), at(y, before));
        pen.line(at(x, row), at(y, row));
      }
    });
    pen.stroke({ colour: this.theme.accent, width: 1.8 });
  }
}

function square(data: ScatterData): [ReturnType<typeof fit>, ReturnType<typeof fit>] {
  const both = [...Array.from(data.x.values), ...Array.from(data.y.values)];
  const shared = { ...data.x, values: both };
  return [fit(shared), fit(shared)];
}

/** Moves a mark of a category aside, always by the same amount for the same run. */
function jitter(id: string): number {
  let hash = 7;
  for (let index = 0; index < id.length; index += 1) {
    hash = (Math.imul(hash, 31) + id.charCodeAt(index)) | 0;
  }
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (((hash >>> 8) % 1000) / 1000 - 0.5) * 0.56;
}
