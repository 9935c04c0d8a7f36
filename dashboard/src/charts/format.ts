/** How the dashboard writes numbers and texts. */

/**
 * Writes a number with at most `digits` significant digits. A whole number below a billion is
 * always exact.
 */
export function number(value: number, digits = 4): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '-∞';
  const size = Math.abs(value);
  if (size < 1e9 && (Number.isInteger(value) || size >= 10 ** digits)) {
    return grouped(Math.round(value));
  }
  if (size >= 1e9 || size < 1e-3) return power(value, digits);
  return String(Number(value.toPrecision(digits)));
}

/** Writes a number with a power of ten: `3.1e-4`. */
function power(value: number, digits: number): string {
  const [mantissa = '', exponent = ''] = value.toExponential(digits - 1).split('e');
  return `${String(Number(mantissa))}e${exponent.replace('+', '')}`;
}

/** Writes a whole number; it groups the digits from five digits on. */
function grouped(value: number): string {
  const text = String(Math.abs(value));
  const whole = text.length < 5 ? text : text.replace(/\B(?=(\d{3})+$)/g, ',');
  return value < 0 ? `-${whole}` : whole;
}

/** Writes a count: `10,000`. */
export function count(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Writes a length of time in its two largest units: `2h 10m`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return number(seconds);
  if (seconds < 0) return `-${duration(-seconds)}`;
  if (seconds < 1) return seconds === 0 ? '0s' : `${number(seconds * 1000, 3)}ms`;
  if (seconds < 10) return `${number(seconds, 2)}s`;
  const whole = Math.round(seconds);
  const parts: [number, string][] = [
    [Math.floor(whole / 86400), 'd'],
    [Math.floor(whole / 3600) % 24, 'h'],
    [Math.floor(whole / 60) % 60, 'm'],
    [whole % 60, 's'],
  ];
  const first = parts.findIndex(([amount]) => amount > 0);
  const shown = parts.slice(first, first + 2).filter(([amount]) => amount > 0);
  return shown.map(([amount, unit]) => `${amount}${unit}`).join(' ');
}

/** Writes a size of data: `1.5 GB`. */
export function bytes(size: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let unit = 0;
  let rest = size;
  while (Math.abs(rest) >= 999.5 && unit < units.length - 1) {
    rest /= 1000;
    unit += 1;
  }
  return `${number(rest, 3)} ${units[unit] ?? ''}`;
}

/** Writes a moment in the time of the reader: `14:02:11`, with the date if it is not today. */
export function moment(ms: number, now = Date.now()): string {
  if (!Number.isFinite(ms)) return number(ms);
  const at = new Date(ms);
  const clock = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':');
  return at.toDateString() === new Date(now).toDateString() ? clock : `${day(at)} ${clock}`;
}

/** Writes the date of a moment: `2026-11-30`. */
export function day(at: Date): string {
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** Writes a number below 100 with two digits. */
export function two(value: number): string {
  return String(value).padStart(2, '0');
}

// These signs are invisible or turn the order of the text around them.
// eslint-disable-next-line no-control-regex
const hidden = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** Makes hidden signs of a logged text visible and limits its length. */
export function visible(text: string, most = 120): string {
  const cut = text.length > most ? `${text.slice(0, most - 1)}…` : text;
  return cut.replace(hidden, '\u{fffd}');
}

/** Shortens a text in its middle, because runs of a sweep differ at their ends. */
export function shorten(text: string, most: number): string {
  if (text.length <= most) return text;
  const tail = Math.floor((most - 1) / 2);
  return `${text.slice(0, most - 1 - tail)}…${text.slice(text.length - tail)}`;
}
