/** Turns values into pixels and back. */

import { at, extent, type Dimension, type ScaleKind } from './data';
import { number, visible } from './format';
import {
  categoryTicks,
  distinct,
  durationTicks,
  linearTicks,
  logTicks,
  timeTicks,
} from './ticks';
import type { Tick } from './ticks';

/** An axis with this many different values or fewer shows exactly these values. */
const few = 8;

export class Scale {
  /** The pixels of `low` and `high`. */
  start = 0;
  end = 1;
  /** The lower end and the length of the axis, as logarithms for a log axis. */
  private readonly base: number;
  private readonly span: number;

  constructor(
    readonly kind: ScaleKind,
    readonly low: number,
    readonly high: number,
    readonly categories: readonly string[] = [],
    /** The only values of the axis, if they are few. */
    private readonly exact: readonly number[] = [],
    private readonly whole = false,
  ) {
    this.base = kind === 'log' ? Math.log(low) : low;
    this.span = (kind === 'log' ? Math.log(high) : high) - this.base;
  }

  /** Sets the pixels between which the axis lies. */
  place(start: number, end: number): this {
    this.start = start;
    this.end = end;
    return this;
  }

  /** The place of a value between 0 and 1; NaN if the axis cannot show it. */
  unit(value: number): number {
    const { base, span } = this;
    if (this.kind === 'log') {
      if (!(value > 0)) return NaN;
      return span > 0 ? (Math.log(value) - base) / span : 0.5;
    }
    return span > 0 ? (value - base) / span : value === base ? 0.5 : NaN;
  }

  /** The value at a place between 0 and 1. */
  value(unit: number): number {
    if (this.kind === 'log') return this.low * (this.high / this.low) ** unit;
    return this.low + (this.high - this.low) * unit;
  }

  to(value: number): number {
    return this.start + (this.end - this.start) * this.unit(value);
  }

  from(pixel: number): number {
    return this.value((pixel - this.start) / (this.end - this.start || 1));
  }

  has(value: number): boolean {
    return value >= this.low && value <= this.high;
  }

  /** The ticks of the axis, with at most about `most` texts. */
  ticks(most: number): Tick[] {
    const shown = this.exact.filter((value) => this.has(value));
    if (shown.length > 1) return shown.map((value) => ({ value, label: number(value, 6) }));
    switch (this.kind) {
      case 'category':
        return categoryTicks(
          this.categories.map((text) => visible(text)),
          most,
        );
      case 'log':
        return logTicks(this.low, this.high, most);
      case 'time':
        return timeTicks(this.low, this.high, most);
      case 'duration':
        return durationTicks(this.low, this.high, most);
      case 'linear':
        return linearTicks(this.low, this.high, most, this.whole);
    }
  }
}

export interface Fit {
  /** The empty share at both ends. */
  pad?: number;
  /** Overrides the kind of the dimension: a log axis on request. */
  kind?: ScaleKind;
  /** Shows this range instead of the whole. */
  range?: readonly [number, number] | undefined;
}

/** Makes the scale that shows all values of a dimension. */
export function fit(dimension: Dimension, { pad = 0.04, kind, range }: Fit = {}): Scale {
  const scale = kind ?? dimension.scale;
  if (scale === 'category') {
    const categories = dimension.categories ?? [];
    return new Scale('category', -0.5, Math.max(0.5, categories.length - 0.5), categories);
  }
  const found = extent(dimension.values, scale === 'log');
  let low = dimension.low ?? found?.[0] ?? (scale === 'log' ? 1 : 0);
  let high = dimension.high ?? found?.[1] ?? 1;
  // The data may lie outside the declared range, and must still be seen.
  if (found) [low, high] = [Math.min(low, found[0]), Math.max(high, found[1])];
  if (scale === 'log' && !(low > 0)) low = found?.[0] ?? high / 1000;
  if (range) [low, high] = range;
  else [low, high] = padded(scale, low, high, pad);
  const whole = scale === 'linear' && isWhole(dimension.values);
  return new Scale(scale, low, high, [], choices(dimension.values), whole);
}

/** Widens a range by a share of its length, and a range without length to one that has some. */
export function padded(
  kind: ScaleKind,
  low: number,
  high: number,
  pad: number,
): [number, number] {
  if (kind === 'log') {
    const factor = high > low ? (high / low) ** pad : 3;
    return [low / factor, high * factor];
  }
  const room = high > low ? (high - low) * pad : kind === 'time' ? 60000 : Math.abs(low) / 2 || 1;
  return [low - room, high + room];
}

/** The different values, if they look as if someone chose them: few, short, and used often. */
function choices(values: ArrayLike<number>): number[] {
  const found = distinct(values, few) ?? [];
  const short = found.every((value) => Number(value.toPrecision(3)) === value);
  return short && found.length > 1 && values.length >= 1.5 * found.length ? found : [];
}

function isWhole(values: ArrayLike<number>): boolean {
  for (let index = 0; index < values.length; index += 1) {
    const value = at(values, index);
    if (Number.isFinite(value) && !Number.isInteger(value)) return false;
  }
  return true;
}
