// Turns the rows of a logged table into what a chart draws. This module is pure.

import type { Json } from '../../../api/types';
import type { BarsData } from '../../../charts/bars';
import { numbers } from '../../../charts/data';
import { number as write } from '../../../charts/format';
import type { HeatmapData } from '../../../charts/heatmap';
import type { LinesData } from '../../../charts/linedata';
import type { ScatterData } from '../../../charts/scatter';
import type { Plot } from './plots';

export interface Rows {
  columns: readonly string[];
  rows: readonly (readonly Json[])[];
}

/** The most lines, bars and classes that a chart draws. */
const LINES = 60;
const BARS = 60;
const CLASSES = 100;
const BINS = 24;

function numberOf(cell: Json | undefined): number {
  if (typeof cell === 'number') return cell;
  return typeof cell === 'boolean' ? Number(cell) : NaN;
}

function textOf(cell: Json | undefined): string {
  return typeof cell === 'string' ? cell : JSON.stringify(cell ?? null);
}

/** Which of the columns that a plot draws its table lacks. */
export function missing(plot: Plot, { columns }: Rows): string[] {
  const wanted = plot.kind === 'histogram' ? [plot.x] : [plot.x, plot.y];
  if (plot.kind === 'matrix' || plot.group) wanted.push(plot.group);
  return wanted.filter((name) => !columns.includes(name));
}

function column(rows: Rows, name: string): (Json | undefined)[] {
  const place = rows.columns.indexOf(name);
  return rows.rows.map((row) => row[place]);
}

/** Lines over one list of x. Two points of a line with the same x both stay. */
export function lines(plot: Plot, rows: Rows): LinesData {
  const [xs, ys] = [column(rows, plot.x).map(numberOf), column(rows, plot.y).map(numberOf)];
  const groups = plot.group ? column(rows, plot.group).map(textOf) : xs.map(() => plot.yName);
  const points = new Map<string, [number, number, number][]>();
  xs.forEach((x, row) => {
    if (!Number.isFinite(x)) return;
    const own = points.get(groups[row] ?? '') ?? [];
    points.set(groups[row] ?? '', own);
    own.push([x, 0, ys[row] ?? NaN]);
  });
  const drawn = [...points].slice(0, LINES);
  const places = new Map<string, [number, number]>();
  for (const [, own] of drawn) {
    own.sort((a, b) => a[0] - b[0]);
    own.forEach((point, index) => {
      const before = own[index - 1];
      point[1] = before?.[0] === point[0] ? before[1] + 1 : 0;
      places.set(`${point[0]} ${point[1]}`, [point[0], point[1]]);
    });
  }
  const all = [...places.values()].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const index = new Map(all.map(([x, turn], place) => [`${x} ${turn}`, place]));
  const series = drawn.map(([label, own]) => {
    const last = new Float64Array(all.length).fill(NaN);
    for (const [x, turn, y] of own) last[index.get(`${x} ${turn}`) ?? 0] = y;
    return { id: label, label, last };
  });
  const note = points.size > LINES ? `${LINES} of ${points.size} lines drawn` : undefined;
  const x = Float64Array.from(all, ([one]) => one);
  const names = { xName: plot.xName, yName: plot.yName };
  return { x, xScale: 'linear', ...names, series, note, whole: true };
}

export function scatter(plot: Plot, rows: Rows): ScatterData {
  const [x, y] = [column(rows, plot.x).map(numberOf), column(rows, plot.y).map(numberOf)];
  return {
    ids: x.map((_, row) => `row ${row}`),
    x: numbers(plot.xName, x, 'linear'),
    y: numbers(plot.yName, y, 'linear'),
  };
}

export function bars(plot: Plot, rows: Rows): BarsData {
  const values = column(rows, plot.y).map(numberOf);
  const all = column(rows, plot.x).map((label, row) => ({
    name: textOf(label),
    value: values[row] ?? NaN,
  }));
  const note = all.length > BARS ? { note: `the first ${BARS} of ${all.length} bars` } : {};
  return { bars: all.filter(({ value }) => Number.isFinite(value)).slice(0, BARS), ...note };
}

/** How many numbers lie in each of a few ranges of equal width. */
export function histogram(plot: Plot, rows: Rows): BarsData {
  const values = column(rows, plot.x).map(numberOf).filter(Number.isFinite);
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  if (values.length === 0) return { bars: [] };
  const count = high > low ? Math.min(BINS, Math.ceil(Math.sqrt(values.length)) + 1) : 1;
  const width = (high - low) / count;
  const counts = new Array<number>(count).fill(0);
  for (const value of values) {
    const at = width > 0 ? Math.min(count - 1, Math.floor((value - low) / width)) : 0;
    counts[at] = (counts[at] ?? 0) + 1;
  }
  const edge = (at: number) => write(low + at * width, 4);
  return {
    bars: counts.map((value, at) => ({ name: `${edge(at)} to ${edge(at + 1)}`, value })),
  };
}

/** A confusion matrix: the first class is at the left and on top. */
export function matrix(plot: Plot, rows: Rows): HeatmapData {
  const [predicted, actual] = [plot.x, plot.y].map((name) => column(rows, name).map(textOf));
  const counts = column(rows, plot.group).map(numberOf);
  const known = plot.order.length > 0 ? plot.order : [...(actual ?? []), ...(predicted ?? [])];
  const classes = [...new Set(known)].slice(0, CLASSES);
  const place = new Map(classes.map((name, at) => [name, at]));
  const mean = new Float64Array(classes.length ** 2).fill(NaN);
  counts.forEach((count, row) => {
    const x = place.get(predicted?.[row] ?? '');
    const y = place.get(actual?.[row] ?? '');
    if (x === undefined || y === undefined) return;
    // The y axis grows upwards.
    mean[(classes.length - 1 - y) * classes.length + x] = count;
  });
  const values = classes.map((_, at) => at);
  return {
    x: { name: plot.xName, scale: 'category', values, categories: classes },
    y: { name: plot.yName, scale: 'category', values, categories: [...classes].reverse() },
    mean,
    valueName: plot.group,
    maximize: true,
    values: true,
  };
}
