/** A metric against two parameters, as the model sees it, with the trials that it knows. */

import { crisp } from './axes';
import type { Options } from './chart';
import { resultColour } from './colours';
import { at, cell, extent, write, type Dimension, type Table } from './data';
import { number } from './format';
import { contour, lineOf, rasterOf, type Raster } from './grid';
import type { Picture } from './layer';
import { MarkChart } from './marks';
import { nearest } from './near';
import type { Pen } from './pen';
import type { Spot } from './pointer';
import { drawProposed, type Proposed } from './proposed';
import { fit, type Scale } from './scale';
import { linearTicks } from './ticks';
import type { Tip } from './tooltip';

export interface HeatmapData {
  /** The values of the grid, one a column. */
  x: Dimension;
  /** The values of the grid, one a row. */
  y: Dimension;
  /** Row by row. NaN: the two parameters are never active together. */
  mean: ArrayLike<number>;
  /** The standard deviation of the mean. */
  deviation?: ArrayLike<number> | undefined;
  /** A larger deviation is hatched; without it, half of the standard deviation of the means. */
  unsure?: number | undefined;
  /** Writes each value into its cell, if there is room: the values were counted, not modelled. */
  values?: boolean | undefined;
  valueName: string;
  maximize: boolean;
  points?: { ids: readonly string[]; x: ArrayLike<number>; y: ArrayLike<number> } | undefined;
  /** Points that no trial has yet. */
  proposed?: Proposed | undefined;
}

/** The size of a cell of the picture, in pixels. */
const pitch = 4;
const shades = 80;
const levels = 10;

export class Heatmap extends MarkChart<HeatmapData> {
  protected readonly kind: string = 'heatmap';
  private raster: Raster = { columns: 0, rows: 0, values: new Float64Array() };
  private doubt: Raster | null = null;
  private pixelsX: number[] = [];
  private pixelsY: number[] = [];
  private range: [number, number] = [0, 1];

  constructor(element: HTMLElement, options: Options) {
    super(element, options, [false, false, false]);
  }

  table(): Table {
    const data = this.data;
    if (!data) return { columns: [], rows: [] };
    const columns = data.x.values.length;
    const rows = Array.from({ length: columns * data.y.values.length }, (_, index) => {
      const mean = at(data.mean, index);
      const deviation = at(data.deviation ?? [], index);
      return [
        cell(data.x, index % columns),
        cell(data.y, Math.floor(index / columns)),
        Number.isNaN(mean) ? null : mean,
        Number.isNaN(deviation) ? null : deviation,
      ];
    });
    return { columns: [data.x.name, data.y.name, data.valueName, 'deviation'], rows };
  }

  protected arrange(data: HeatmapData): void {
    const [x, y] = [fit(data.x, { pad: 0 }), fit(data.y, { pad: 0 })];
    this.placeAxes({ x, y, xName: data.x.name, yName: data.y.name }, 74);
    const { left, right, top, bottom } = this.frame;
    this.pixelsX = steps(left, right);
    this.pixelsY = steps(top, bottom);
    const [lineX, lineY] = [lineOf(data.x, x), lineOf(data.y, y)];
    const middles = (edges: number[]): number[] =>
      edges.slice(1).map((edge, i) => (edge + at(edges, i)) / 2);
    const places = { x: middles(this.pixelsX), y: middles(this.pixelsY) };
    this.raster = rasterOf(data.mean, lineX, lineY, places);
    this.doubt = data.deviation ? rasterOf(data.deviation, lineX, lineY, places) : null;
    this.range = extent(data.mean) ?? [0, 1];
    const points = data.points;
    const pixels = (scale: Scale, values: ArrayLike<number>): Float64Array =>
      Float64Array.from(points?.ids ?? [], (_, row) => scale.to(at(values, row)));
    this.spots = {
      ids: points?.ids ?? [],
      x: pixels(x, points?.x ?? []),
      y: pixels(y, points?.y ?? []),
    };
  }

  protected paint(layer: number, pen: Pen): Picture {
    const data = this.data;
    if (!data) return;
    if (layer === this.last) {
      this.drawPointer(pen);
      return;
    }
    if (layer === 1) {
      this.drawPoints(pen);
      return;
    }
    this.drawCells(pen);
    this.drawHatch(pen, this.limit(data));
    if (data.x.scale !== 'category' && data.y.scale !== 'category') this.drawContours(pen);
    this.drawAxes(pen, false);
    this.drawScale(pen, data);
    if (data.values) this.drawValues(pen, data);
  }

  /** Writes each value into its cell. */
  private drawValues(pen: Pen, data: HeatmapData): void {
    const axes = this.axes;
    if (!axes) return;
    const columns = data.x.values.length;
    const rows = data.y.values.length;
    const { left, right, top, bottom } = this.frame;
    if ((bottom - top) / rows < 13 || (right - left) / columns < 26) return;
    for (let index = 0; index < columns * rows; index += 1) {
      const value = at(data.mean, index);
      if (Number.isNaN(value)) continue;
      const x = axes.x.to(at(data.x.values, index % columns));
      const y = axes.y.to(at(data.y.values, Math.floor(index / columns)));
      const { ink: colour, ground: halo } = this.theme;
      pen.text(number(value, 3), x, y, { colour, halo, align: 'center', base: 'middle' });
    }
  }

  protected override notes(): string[] {
    const data = this.data;
    return data?.deviation ? [`hatched: deviation above ${number(this.limit(data), 3)}`] : [];
  }

  protected override selectionChanged(): void {
    this.redraw(1, 2);
  }

  protected override moved(spot: Spot): void {
    if (nearest(this.spots, spot.x, spot.y, 9) >= 0) {
      super.moved(spot);
      return;
    }
    const tip = this.surfaceTip(spot.x, spot.y);
    this.root.style.cursor = 'crosshair';
    if (tip) this.point(null, tip, spot);
    else this.point(null);
  }

  protected tip(row: number): Tip {
    const [x, y] = [at(this.spots.x, row), at(this.spots.y, row)];
    const rows = this.surfaceTip(x, y)?.rows ?? [];
    return { title: this.nameOf(this.spots.ids[row] ?? ''), rows };
  }

  /** What the model says about a pixel. */
  private surfaceTip(px: number, py: number): Tip | null {
    const data = this.data;
    const place = this.cellAt(px, py);
    if (!data || !this.axes || place < 0) return null;
    const [x, y] = [this.axes.x.from(px), this.axes.y.from(py)];
    const mean = at(this.raster.values, place);
    const doubt = at(this.doubt?.values ?? [], place);
    const spread = Number.isNaN(doubt) ? '' : ` ± ${number(doubt, 2)}`;
    const value = Number.isNaN(mean) ? 'never together' : number(mean, 4) + spread;
    const rows = [
      { name: data.valueName, value, strong: true, colour: this.colour(mean) },
      { name: data.x.name, value: write(data.x, x) },
      { name: data.y.name, value: write(data.y, y) },
    ];
    return { title: data.values ? '' : 'model', rows };
  }

  private cellAt(px: number, py: number): number {
    const { left, right, top, bottom } = this.frame;
    if (px < left || px > right || py < top || py > bottom) return -1;
    const place = (edges: number[], pixel: number): number =>
      Math.min(
        edges.length - 2,
        Math.max(
          0,
          edges.findLastIndex((edge) => edge <= pixel),
        ),
      );
    return place(this.pixelsY, py) * this.raster.columns + place(this.pixelsX, px);
  }

  /** Above this deviation, the model knows too little. */
  private limit(data: HeatmapData): number {
    if (data.unsure !== undefined) return data.unsure;
    const means = Array.from(data.mean).filter(Number.isFinite);
    const middle = means.reduce((sum, one) => sum + one, 0) / means.length;
    const square = means.reduce((sum, one) => sum + (one - middle) ** 2, 0) / means.length;
    return Math.sqrt(square) / 2;
  }

  private unit(value: number): number {
    const [low, high] = this.range;
    const unit = high > low ? (value - low) / (high - low) : 1;
    return this.data?.maximize ? unit : 1 - unit;
  }

  private colour(value: number): string {
    const unit = this.unit(value);
    if (Number.isNaN(unit)) return this.theme.ground;
    return resultColour(Math.round(unit * shades) / shades, this.theme.dark);
  }

  private drawCells(pen: Pen): void {
    const groups = new Map<string, number[]>();
    this.raster.values.forEach((value, index) => {
      if (Number.isNaN(value)) return;
      const colour = this.colour(value);
      const cells = groups.get(colour) ?? [];
      cells.push(index);
      groups.set(colour, cells);
    });
    for (const [colour, cells] of groups) {
      pen.begin();
      for (const index of cells) {
        const [x, y, width, height] = this.cellBox(index);
        pen.rect(x, y, width, height);
      }
      pen.fill(colour);
    }
  }

  private cellBox(index: number): [number, number, number, number] {
    const [i, j] = [index % this.raster.columns, Math.floor(index / this.raster.columns)];
    const [x, y] = [at(this.pixelsX, i), at(this.pixelsY, j)];
    return [x, y, at(this.pixelsX, i + 1) - x, at(this.pixelsY, j + 1) - y];
  }

  private drawHatch(pen: Pen, limit: number): void {
    if (!this.doubt) return;
    pen.begin();
    this.doubt.values.forEach((value, index) => {
      const [i, j] = [index % this.raster.columns, Math.floor(index / this.raster.columns)];
      // The diagonals of every third cell join to lines.
      if (!(value > limit) || (i + j) % 3 !== 0) return;
      const [x, y, width, height] = this.cellBox(index);
      pen.move(x, y + height);
      pen.line(x + width, y);
    });
    pen.stroke({ colour: this.theme.ground, width: 1.3, alpha: 0.75 });
  }

  private drawContours(pen: Pen): void {
    const ticks = linearTicks(this.range[0], this.range[1], levels);
    const toX = (i: number): number =>
      this.frame.left + ((i + 0.5) / this.raster.columns) * (this.frame.right - this.frame.left);
    const toY = (j: number): number =>
      this.frame.top + ((j + 0.5) / this.raster.rows) * (this.frame.bottom - this.frame.top);
    pen.begin();
    for (const { value } of ticks) {
      for (const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] of contour(this.raster, value)) {
        pen.move(toX(x1), toY(y1));
        pen.line(toX(x2), toY(y2));
      }
    }
    pen.stroke({ colour: '#ffffff', width: 1, alpha: 0.45 });
  }

  private drawPoints(pen: Pen): void {
    const { ids, x, y } = this.spots;
    for (const bright of [false, true]) {
      pen.begin();
      ids.forEach((id, row) => {
        if (this.bright(id) !== bright || !Number.isFinite(at(x, row) + at(y, row))) return;
        pen.circle(at(x, row), at(y, row), bright ? 2.6 : 2);
      });
      pen.fill('#ffffff', bright ? 0.9 : 0.3);
      pen.stroke({ colour: '#10141a', width: 1, alpha: bright ? 0.9 : 0.3 });
    }
    const { axes, data } = this;
    if (!axes || !data?.proposed) return;
    const places = {
      x: (value: number) => axes.x.to(value),
      y: (value: number) => axes.y.to(value),
      none: NaN,
    };
    drawProposed(pen, this.theme, data.proposed, places);
  }

  /** Draws the scale of colours. The best value is at its top. */
  private drawScale(pen: Pen, data: HeatmapData): void {
    const { right, top, bottom } = this.frame;
    const left = right + 14;
    const [low, high] = this.range;
    const [worst, best] = data.maximize ? [low, high] : [high, low];
    const height = (bottom - top) / shades;
    for (let step = 0; step < shades; step += 1) {
      pen.begin();
      pen.rect(left, top + step * height, 9, height + 0.5);
      pen.fill(resultColour(1 - (step + 0.5) / shades, this.theme.dark));
    }
    const style = { colour: this.theme.muted } as const;
    for (const { value, label } of linearTicks(low, high, 5)) {
      const y = bottom - ((value - worst) / (best - worst || 1)) * (bottom - top);
      pen.begin();
      pen.move(left + 9, crisp(y));
      pen.line(left + 12, crisp(y));
      pen.stroke({ colour: this.theme.muted });
      pen.text(label, left + 15, y, style);
    }
    const text = { colour: this.theme.ink, align: 'right', base: 'top', bold: true } as const;
    pen.text(data.valueName, this.width - 4, 4, text);
    const hatched = this.notes()[0];
    if (hatched)
      pen.text(hatched, this.width - 4, bottom + 22, {
        ...text,
        bold: false,
        colour: this.theme.muted,
      });
  }
}

/** The edges of the cells between two pixels. */
function steps(from: number, to: number): number[] {
  const amount = Math.max(1, Math.round((to - from) / pitch));
  return Array.from({ length: amount + 1 }, (_, index) =>
    // Edges between two pixels would show as seams.
    Math.round(from + ((to - from) * index) / amount),
  );
}
