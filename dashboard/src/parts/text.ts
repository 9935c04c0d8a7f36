// Turns values into texts that a person reads. The charts write numbers in the same way.

import type { Json } from '../api/types';
import * as format from '../charts/format';

export { bytes, count } from '../charts/format';

/** What stands for an absent value. */
const NONE = '–';
/** The longest text from data that a line of the page shows. */
const LONGEST = 400;

/** A text from data on one line, safe to look at: hidden signs are visible, and its length ends. */
export function visible(text: string, longest = LONGEST): string {
  return format.visible(text.replace(/[\n\t]/g, ' '), longest);
}

/** A whole text with its lines, safe to look at: hidden signs are visible. */
export function whole(text: string): string {
  const lines = text
    .split('\n')
    .map((line) => format.visible(line.replace(/\t/g, '    '), Infinity));
  return lines.join('\n');
}

export function number(value: number | null | undefined): string {
  return value === null || value === undefined || Number.isNaN(value)
    ? NONE
    : format.number(value);
}

/** A span of milliseconds in its two largest units. */
export function duration(ms: number | null): string {
  return ms === null || Number.isNaN(ms) ? NONE : format.duration(Math.max(0, ms) / 1000);
}

const UNITS: [number, string][] = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'm'],
];

/** How long ago a moment was, in its largest unit. */
export function ago(at: number | null, now: number): string {
  if (at === null) return NONE;
  const seconds = (now - at) / 1000;
  if (seconds < 5) return 'now';
  const [size, name] = UNITS.find(([unit]) => seconds >= unit) ?? [1, 's'];
  return `${Math.floor(seconds / size)}${name} ago`;
}

const moment = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

/** A moment in full, in the reader's time zone. */
export function when(at: number | null): string {
  return at === null ? NONE : moment.format(at);
}

/** A JSON value on one line. */
export function json(value: Json | undefined): string {
  if (value === undefined) return NONE;
  if (typeof value === 'number') return number(value);
  return visible(typeof value === 'string' ? value : JSON.stringify(value));
}

export function plural(amount: number, one: string, many = `${one}s`): string {
  return `${format.count(amount)} ${amount === 1 ? one : many}`;
}

/** An object of objects as pairs of a path with dots and a value. */
export function flatten(value: Json, prefix = ''): [string, Json][] {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    return prefix ? [[prefix, value]] : [];
  }
  const pairs = Object.entries(value).flatMap(([name, inner]) =>
    flatten(inner, prefix ? `${prefix}.${name}` : name),
  );
  return pairs.length > 0 || !prefix ? pairs : [[prefix, value]];
}
