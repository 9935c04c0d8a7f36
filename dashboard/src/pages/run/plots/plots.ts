// Reads charts of logged tables: those of W&B's `wandb.plot`, and those of the SDK, which describes
// them in Vega-Lite. Each becomes one of a few kinds that our charts draw. This module is pure.

import type { CustomChart, Json } from '../../../api/types';
import { fields, list, pathOf, text } from '../media/values';

export type PlotKind = 'line' | 'scatter' | 'bar' | 'histogram' | 'matrix' | 'unknown';

/** A chart, with the columns of the table that it draws. */
export interface Plot {
  kind: PlotKind;
  key: string;
  title: string;
  /** The path of the file with the table. */
  table: string;
  /** The column of x, of the label of a bar, or of the predicted class. */
  x: string;
  /** The column of y, of the value of a bar, or of the actual class. */
  y: string;
  /** The column that tells the lines apart, or the counts of a matrix; empty if there is none. */
  group: string;
  xName: string;
  yName: string;
  /** The classes of a matrix in their order, if the chart says it. */
  order: string[];
  /** The name of a kind that is not drawn. */
  other: string;
}

const NONE = { group: '', order: [], other: '' };

/** A chart that W&B's client has described in the config. */
export function fromClient(chart: CustomChart, table: string): Plot {
  const { key, fields: columns, texts } = chart;
  const base = { ...NONE, key, table, title: texts.title || key };
  const named = (x = '', y = '') => ({ x, y, xName: x, yName: y });
  const c = columns;
  switch (chart.kind) {
    case 'wandb/line/v0':
      return { ...base, kind: 'line', ...named(c.x, c.y), group: c.stroke ?? '' };
    case 'wandb/scatter/v0':
      return { ...base, kind: 'scatter', ...named(c.x, c.y) };
    case 'wandb/bar/v0':
      return { ...base, kind: 'bar', ...named(c.label, c.value) };
    case 'wandb/histogram/v0':
      return { ...base, kind: 'histogram', ...named(c.value, 'count') };
    case 'wandb/lineseries/v0': {
      const xName = texts.xname || c.step || '';
      return {
        ...base,
        kind: 'line',
        ...named(c.step, c.lineVal),
        group: c.lineKey ?? '',
        xName,
      };
    }
    case 'wandb/area-under-curve/v0': {
      const names = { xName: texts['x-axis-title'] || 'x', yName: texts['y-axis-title'] || 'y' };
      return { ...base, kind: 'line', ...named(c.x, c.y), group: c.class ?? '', ...names };
    }
    case 'wandb/confusion_matrix/v1':
      return {
        ...base,
        kind: 'matrix',
        ...named(c.Predicted, c.Actual),
        group: c.nPredictions ?? '',
      };
    default:
      return { ...base, kind: 'unknown', ...named(), other: chart.kind };
  }
}

/** The name of a field of Vega-Lite, which has a backslash before some signs. */
function field(encoding: Json | undefined): string {
  return text(fields(encoding).field).replace(/\\(.)/g, '$1');
}

/** A chart in a row of the SDK; `null` for another value. */
export function fromRow(key: string, value: Json): Plot | null {
  const own = fields(value);
  const table = pathOf(own.table);
  if (own._type !== 'custom-chart' || table === null) return null;
  const spec = fields(own.spec);
  const mark = text(spec.mark) || text(fields(spec.mark).type);
  const { x, y, color } = fields(spec.encoding);
  const title = text(own.title) || text(spec.title) || key;
  const base = { ...NONE, key, table, title, x: field(x), y: field(y), group: field(color) };
  const names = {
    xName: text(fields(x).title) || base.x,
    yName: text(fields(y).title) || base.y,
  };
  const isPlain = field(x) !== '' && field(y) !== '';
  if (mark === 'line' && isPlain) return { ...base, ...names, kind: 'line' };
  if (mark === 'point' && isPlain) return { ...base, ...names, kind: 'scatter' };
  if (mark === 'rect' && isPlain && base.group) {
    const order = list(fields(x).sort).filter((one) => typeof one === 'string');
    return { ...base, ...names, kind: 'matrix', order };
  }
  if (mark === 'bar' && fields(x).bin === true && fields(y).aggregate === 'count') {
    return { ...base, ...names, kind: 'histogram', yName: 'count' };
  }
  // The SDK lays bars on their side.
  if (mark === 'bar' && isPlain) {
    const [label, amount] = fields(y).type === 'nominal' ? [base.y, base.x] : [base.x, base.y];
    return { ...base, kind: 'bar', x: label, y: amount, xName: label, yName: amount };
  }
  return { ...base, ...names, kind: 'unknown', other: mark || 'a chart in layers' };
}

/** The plots of a run at their newest steps, as its summary and its config name them. */
export function newestPlots(summary: Json, charts: readonly CustomChart[]): Plot[] {
  const found: Plot[] = [];
  const tables = new Map<string, CustomChart>(charts.map((chart) => [chart.table, chart]));
  const walk = (value: Json, key: string): void => {
    const own = fields(value);
    if (text(own._type) === '') {
      for (const [name, inner] of Object.entries(own)) {
        walk(inner ?? null, key ? `${key}.${name}` : name);
      }
      return;
    }
    const chart = tables.get(key);
    const path = pathOf(value);
    const plot = chart && path !== null ? fromClient(chart, path) : fromRow(key, value);
    if (plot) found.push(plot);
  };
  walk(summary, '');
  return found.sort((a, b) => (a.key < b.key ? -1 : 1));
}
