// Which rows of a long table lie in its window, and where. This module is pure.

/** The tallest content of a scrolling place; browsers draw nothing beyond about 17 million. */
const TALLEST = 12_000_000;

export interface Window {
  /** The height of the content, in pixels. */
  height: number;
  /** The rows to draw: the first one, and the one behind the last one. */
  from: number;
  to: number;
  /** Where the first drawn row begins, in pixels. */
  top: number;
}

/**
 * The rows in a window of this height whose content is scrolled to `scroll`. The scrolling of a
 * table that is too tall for a browser passes over several pixels of rows for each of its own.
 */
export function windowOf(
  count: number,
  row: number,
  room: number,
  scroll: number,
  around = 6,
): Window {
  const whole = count * row;
  const height = Math.min(whole, TALLEST);
  const scale = height > room ? (whole - room) / (height - room) : 1;
  const at = Math.max(0, Math.min(scroll, height - room)) * scale;
  const from = Math.max(0, Math.floor(at / row) - around);
  const to = Math.min(count, Math.ceil((at + room) / row) + around);
  // The rows lie where they would lie without the scale, seen from the scrolled place.
  const top = Math.max(0, from * row - at + Math.min(scroll, Math.max(0, height - room)));
  return { height: Math.max(height, top + (to - from) * row), from, to, top };
}
