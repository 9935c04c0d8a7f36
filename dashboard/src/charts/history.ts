/** The course of a sweep: a dot for each trial, and a line for the best result so far. */

import type { Options } from './chart';
import { at, cell, write, type Dimension, type Table } from './data';
import type { Picture } from './layer';
import { MarkChart, radiusOf } from './marks';
import type { Pen } from './pen';
import { bestSoFar, counts } from './rank';
import { fit, Scale } from './scale';
import { ink, legend, stateLook, stateOrder, trace } from './states';
import type { Tip } from './tooltip';

export interface HistoryData {
  ids: readonly string[];
  /** The number of the trial, or the time of its end. */
  x: Dimension;
  value: Dimension;
  states: readonly string[];
  /** Whether each trial keeps the limits of its sweep; absent if there are none. */
  keeps?: readonly boolean[] | undefined;
  maximize: boolean;
}

export interface HistoryOptions extends Options {
  logY?: boolean | undefined;
}

/** Trials without a value lie on a line below the axis. */
const strip = 14;

export class History extends MarkChart<HistoryData, HistoryOptions> {
  protected readonly kind: string = 'history';
  /** The rows by x, and the best value until each. */
  private order: number[] = [];
  private best: Float64Array = new Float64Array();

  constructor(element: HTMLElement, options: HistoryOptions) {
    super(element, options, [true, true, false]);
  }

  override set(data: HistoryData): void {
    this.order = sorted(data);
    const { states, keeps, value } = data;
    const values = Float64Array.from(this.order, (row) =>
      counts(states[row], keeps?.[row]) ? at(value.values, row) : NaN,
    );
    this.best = bestSoFar(values, data.maximize);
    super.set(data);
  }

  table(): Table {
    const data = this.data;
    if (!data) return { columns: [], rows: [] };
    const columns = ['run', data.x.name, 'state', data.value.name, 'best so far'];
    const rows = this.order.map((row, place) => {
      const best = at(this.best, place);
      const found = Number.isFinite(best) ? best : null;
      const cells = [cell(data.x, row), data.states[row] ?? null, cell(data.value, row), found];
      return [data.ids[row] ?? '', ...cells];
    });
    return { columns, rows };
  }

  protected arrange(data: HistoryData): void {
    const kind = this.options.logY ? 'log' : data.value.scale;
    const y = fit(robust(data), { pad: 0.07, kind });
    const missing = data.ids.some(
      (_, row) => !Number.isFinite(y.unit(at(data.value.values, row))),
    );
    this.placeAxes({ x: fit(data.x), y, xName: data.x.name, yName: data.value.name }, 12);
    if (missing) y.place(this.frame.bottom - strip, this.frame.top);
    this.spots = {
      ids: data.ids,
      x: Float64Array.from(data.ids, (_, row) => this.axes?.x.to(at(data.x.values, row)) ?? NaN),
      y: Float64Array.from(data.ids, (_, row) => this.placeOf(y, at(data.value.values, row))),
    };
  }

  protected paint(layer: number, pen: Pen): Picture {
    if (layer === 0) return this.drawGround(pen);
    if (layer === 1) return this.drawBright(pen);
    this.drawPointer(pen);
  }

  private *drawGround(pen: Pen): Generator<void> {
    this.drawAxes(pen);
    this.drawLegend(pen);
    if (this.faded()) yield* this.drawTrials(pen, false);
  }

  private *drawBright(pen: Pen): Generator<void> {
    yield* this.drawTrials(pen, true);
    this.drawBest(pen);
  }

  protected tip(row: number): Tip {
    const data = this.data;
    if (!data) return { title: '', rows: [] };
    const state = data.states[row] ?? '';
    const value = write(data.value, at(data.value.values, row));
    return {
      title: this.nameOf(data.ids[row] ?? ''),
      rows: [
        { name: data.value.name, value, strong: true },
        { name: data.x.name, value: write(data.x, at(data.x.values, row)) },
        { name: 'state', value: state, colour: stateLook(state, this.theme).colour },
        ...(data.keeps?.[row] === false ? [{ name: 'limits', value: 'breaks one' }] : []),
      ],
    };
  }

  protected override notes(): string[] {
    const best = this.best[this.best.length - 1];
    return this.data && best !== undefined ? [`best ${write(this.data.value, best)}`] : [];
  }

  /** The pixel of a value. Values beyond the axis lie at its edge, absent ones below it. */
  private placeOf(y: Scale, value: number): number {
    if (value === Infinity || value > y.high) return this.frame.top - 2;
    const place = y.to(Math.max(value, y.low));
    return Number.isFinite(place) ? place : this.frame.bottom - 4;
  }

  private drawBest(pen: Pen): void {
    const y = this.axes?.y;
    if (!y) return;
    let before = NaN;
    pen.begin();
    this.order.forEach((row, place) => {
      const best = at(this.best, place);
      if (Number.isNaN(best)) return;
      const [px, py] = [at(this.spots.x, row), y.to(best)];
      if (Number.isNaN(before)) pen.move(px, py);
      else if (before !== best) {
        pen.line(px, y.to(before));
        pen.line(px, py);
      }
      before = best;
    });
    if (Number.isNaN(before)) return;
    pen.line(this.frame.right, y.to(before));
    pen.stroke({ colour: this.theme.ink, width: 1.8 });
    const style = { colour: this.theme.ink, bold: true, align: 'right', base: 'bottom' } as const;
    const text = this.notes()[0] ?? '';
    const lift = this.data?.maximize ? -4 : 15;
    pen.text(text, this.frame.right, y.to(before) + lift, { ...style, halo: this.theme.ground });
  }

  /** Draws the bright trials, or all trials faintly. */
  private *drawTrials(pen: Pen, bright: boolean): Generator<void> {
    const { ids, x, y } = this.spots;
    const radius = radiusOf(ids.length) - 0.2;
    const states = this.data?.states ?? [];
    const dense = Math.max(0.35, Math.min(0.85, 26 / Math.sqrt(Math.max(1, ids.length))));
    for (const state of new Set(states)) {
      const look = stateLook(state, this.theme);
      pen.begin();
      ids.forEach((id, row) => {
        if (states[row] !== state || (bright && !this.bright(id))) return;
        if (!Number.isFinite(at(x, row))) return;
        const beyond = at(y, row) < this.frame.top;
        trace(pen, beyond ? 'up' : look.shape, at(x, row), at(y, row), radius);
      });
      ink(pen, look, bright ? dense : 0.14);
      yield;
    }
  }

  private drawLegend(pen: Pen): void {
    const present = new Set(this.data?.states);
    const known = stateOrder.filter((state) => present.has(state));
    const other = [...present].filter((state) => !stateOrder.includes(state));
    const entries = [...known, ...other].map((text) => ({
      ...stateLook(text, this.theme),
      text,
    }));
    legend(pen, this.theme, entries, this.frame.right, 10);
  }
}

/** The rows that have an x, by x. */
function sorted(data: HistoryData): number[] {
  const rows = data.ids.map((_, row) => row);
  const key = (row: number): number => at(data.x.values, row);
  return rows.filter((row) => Number.isFinite(key(row))).sort((a, b) => key(a) - key(b));
}

/**
 * The values without far outliers, which would squeeze all other trials into a line. An outlier is
 * worse than the median by more than eight times the distance of the quartiles.
 */
function robust(data: HistoryData): Dimension {
  const sorted = Float64Array.from(data.value.values).filter(Number.isFinite).sort();
  if (sorted.length < 8) return data.value;
  const quartile = (share: number): number => at(sorted, Math.floor(share * (sorted.length - 1)));
  const room = 8 * (quartile(0.75) - quartile(0.25));
  const values = Float64Array.from(data.value.values, (value) =>
    Math.abs(value - quartile(0.5)) > room && room > 0 && worse(value, quartile(0.5), data)
      ? NaN
      : value,
  );
  return { ...data.value, values };
}

function worse(value: number, than: number, { maximize }: HistoryData): boolean {
  return maximize ? value < than : value > than;
}
