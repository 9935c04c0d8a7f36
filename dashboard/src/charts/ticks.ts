/** Where the marks of an axis are, and what stands beside them. */

import { count, duration, number, two } from './format';

export interface Tick {
  value: number;
  /** Empty: the axis draws the mark without a text. */
  label: string;
}

/** Ticks at 1, 2 or 5 times a power of ten. `whole`: the values are whole numbers. */
export function linearTicks(low: number, high: number, most: number, whole = false): Tick[] {
  if (!(high > low)) return Number.isFinite(low) ? [{ value: low, label: number(low, 6) }] : [];
  let step = niceStep((high - low) / Math.max(1, most));
  if (whole) step = Math.max(1, step);
  return multiples(low, high, step).map((value) => ({
    value,
    label: stepLabel(value, step, high),
  }));
}

/** The smallest of 1, 2 and 5 times a power of ten that is at least `least`. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  const factor = [1, 2, 5, 10].find((one) => one * power >= least * (1 - 1e-9)) ?? 10;
  return factor * power;
}

/** The multiples of a step in a range, without the error of repeated addition. */
function multiples(low: number, high: number, step: number): number[] {
  const first = Math.ceil(low / step - 1e-6);
  const last = Math.floor(high / step + 1e-6);
  const amount = Math.min(1000, last - first + 1);
  // A division by a whole number is exact where a product with 0.1 is not.
  const inverse = step < 1 ? Math.round(1 / step) : 0;
  return Array.from({ length: Math.max(0, amount) }, (_, index) =>
    inverse > 0 && Math.abs(inverse * step - 1) < 1e-9
      ? (first + index) / inverse
      : (first + index) * step,
  );
}

/** Writes a tick with the decimals of its step, so that all ticks of an axis look alike. */
function stepLabel(value: number, step: number, largest: number): string {
  const size = Math.max(Math.abs(value), Math.abs(largest));
  if (value === 0) return '0';
  if (size >= 1e5 && step >= 1) return large(value, step);
  if (size < 1e-3) return number(value, 6);
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  if (decimals > 0) return value.toFixed(Math.min(20, decimals));
  // All ticks of an axis group their digits, or none does.
  return size >= 1e4 ? count(value) : number(value, 15);
}

function large(value: number, step: number): string {
  const units: [number, string][] = [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ];
  const unit = units.find(([size]) => Math.abs(value) >= size && (step * 100) % size === 0);
  if (!unit || Math.abs(value) >= 1e12) return number(value, 6);
  return `${String(Number((value / unit[0]).toPrecision(12)))}${unit[1]}`;
}

/** Ticks of a log axis: powers of ten, and 1, 2, 5 or finer ones where few powers are in sight. */
export function logTicks(low: number, high: number, most: number): Tick[] {
  if (!(low > 0) || !(high >= low)) return [];
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const decades = Math.log10(high / low);
  if (decades < 0.7) return linearTicks(low, high, most).filter((tick) => tick.value > 0);
  const stride = Math.max(1, Math.ceil((decades + 1) / Math.max(2, most)));
  const factors = decades * 3 <= most ? [1, 2, 5] : decades * 1.5 <= most ? [1, 3] : [1];
  const ticks: Tick[] = [];
  for (let power = first; power <= last; power += 1) {
    for (const factor of factors) {
      const value = Number(`${factor}e${power}`);
      if (value < low * (1 - 1e-9) || value > high * (1 + 1e-9)) continue;
      const written = power % stride === 0 || stride === 1;
      ticks.push({ value, label: written ? powerLabel(factor, power) : '' });
    }
  }
  return ticks.length < 2 ? linearTicks(low, high, most) : ticks;
}

/** Writes `1e-4` for a power that is far from 1, else the plain number. */
function powerLabel(factor: number, power: number): string {
  return power < -3 || power > 4 ? `${factor}e${power}` : number(Number(`${factor}e${power}`), 6);
}

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const dayLong = 24 * hour;
const clockSteps = [
  second,
  2 * second,
  5 * second,
  10 * second,
  30 * second,
  minute,
  2 * minute,
  5 * minute,
  10 * minute,
  30 * minute,
  hour,
  2 * hour,
  3 * hour,
  6 * hour,
  12 * hour,
];

/** Ticks at whole seconds, minutes, hours, days, months or years in the time of the reader. */
export function timeTicks(low: number, high: number, most: number): Tick[] {
  const span = high - low;
  if (!(span > 0)) return [];
  const least = span / Math.max(1, most);
  const step = clockSteps.find((one) => one >= least);
  if (step !== undefined && span >= 2 * second) return clockTicks(low, high, step);
  if (span < 2 * second) {
    return linearTicks(low, high, most).map(({ value }) => ({
      value,
      label: clock(value, 'ms'),
    }));
  }
  return calendarTicks(low, high, least / dayLong);
}

function clockTicks(low: number, high: number, step: number): Tick[] {
  const midnight = new Date(low);
  midnight.setHours(0, 0, 0, 0);
  const ticks: Tick[] = [];
  let seen = '';
  for (let value = midnight.getTime(); value <= high; value += step) {
    if (value < low) continue;
    const day = new Date(value).toDateString();
    // The first tick of another day names the day.
    const label =
      seen !== '' && day !== seen ? date(value) : clock(value, step < minute ? 's' : 'm');
    ticks.push({ value, label });
    seen = day;
  }
  return ticks;
}

function calendarTicks(low: number, high: number, days: number): Tick[] {
  const at = new Date(low);
  at.setHours(0, 0, 0, 0);
  const months = days > 14 ? ([1, 3, 6, 12].find((one) => one * 31 >= days) ?? 12) : 0;
  const years = days > 366 ? niceStep(days / 366) : 1;
  const step = [1, 2, 7, 14].find((one) => one >= days) ?? 14;
  if (months > 0) at.setMonth(months === 12 ? 0 : at.getMonth() - (at.getMonth() % months), 1);
  const ticks: Tick[] = [];
  while (at.getTime() <= high && ticks.length < 100) {
    const value = at.getTime();
    const year = months === 12 ? String(at.getFullYear()) : date(value);
    if (value >= low) ticks.push({ value, label: year });
    if (months === 12) at.setFullYear(at.getFullYear() + years);
    else if (months > 0) at.setMonth(at.getMonth() + months);
    else at.setDate(at.getDate() + step);
  }
  return ticks;
}

const monthNames = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

function date(ms: number): string {
  const at = new Date(ms);
  return `${at.getDate()} ${monthNames[at.getMonth()] ?? ''}`;
}

function clock(ms: number, unit: 'm' | 's' | 'ms'): string {
  const at = new Date(ms);
  const minutes = `${two(at.getHours())}:${two(at.getMinutes())}`;
  if (unit === 'm') return minutes;
  const seconds = `${minutes}:${two(at.getSeconds())}`;
  return unit === 's' ? seconds : `${seconds}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}

/** Ticks of a length of time in seconds, at whole minutes or hours if it is long. */
export function durationTicks(low: number, high: number, most: number): Tick[] {
  const span = high - low;
  if (!(span > 0)) return [];
  const least = span / Math.max(1, most);
  const clockStep = clockSteps.find((one) => one / second >= least);
  let step = niceStep(least);
  if (least > 1) step = clockStep ? clockStep / second : 86400 * niceStep(least / 86400);
  return multiples(low, high, step).map((value) => ({ value, label: duration(value) }));
}

/** A tick for each category; if there are too many, the axis names only some. */
export function categoryTicks(categories: readonly string[], most: number): Tick[] {
  const stride = Math.max(1, Math.ceil(categories.length / Math.max(1, most)));
  return categories.map((text, value) => ({ value, label: value % stride === 0 ? text : '' }));
}

/** The different values of a column if there are at most `most` of them, else null. */
export function distinct(values: ArrayLike<number>, most: number): number[] | null {
  const seen = new Set<number>();
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index] ?? NaN;
    if (Number.isFinite(value)) seen.add(value);
    if (seen.size > most) return null;
  }
  return [...seen].sort((a, b) => a - b);
}
