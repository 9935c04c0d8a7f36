// Reads where the reader wants to go in a log. This module is pure.

export type Place = { line: number } | { at: number };

/**
 * A line number, or a moment: `14:32`, `14:32:05`, or a date before it. A time without a date is on
 * the day of `day`, or on the day after if it would be before.
 */
export function placeIn(typed: string, day: number): Place | null {
  const text = typed.trim();
  if (/^\d+$/.test(text)) return { line: Number(text) };
  const time = /^(?:(\d{4})-(\d{2})-(\d{2})[ T])?(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(text);
  if (!time) return null;
  const [year, month, date, hours, minutes, seconds] = time.slice(1).map(Number);
  const moment = new Date(day);
  if (time[1]) moment.setFullYear(year ?? 0, (month ?? 1) - 1, date);
  moment.setHours(hours ?? 0, minutes ?? 0, seconds || 0, 0);
  // A run that began before midnight goes on after it. A minute is as exact as people type.
  if (!time[1] && moment.getTime() < day - 60_000) moment.setDate(moment.getDate() + 1);
  return { at: moment.getTime() };
}
