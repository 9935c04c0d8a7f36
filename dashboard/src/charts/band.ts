/** A curve with its uncertainty: the metric against one parameter, as the model sees it. */

import { crisp, drawAxes, frameOf, type Axes, type Frame } from './axes';
import { Chart } from './chart';
import { categoryColour } from './colours';
import { at, cell, write, type Dimension, type Table } from './data';
import { number } from './format';
import { rulerOf, type Picture } from './layer';
import type { Pen } from './pen';
import type { Spot } from './pointer';
import { fit } from './scale';
import type { Tip } from './tooltip';

export interface BandData {
  /** The values of the parameter at which the model was asked. */
  x: Dimension;
  yName: string;
  mean: ArrayLike<number>;
  /** The ends of the interval that holds the mean with 95 %. */
  low: ArrayLike<number>;
  high: ArrayLike<number>;
  /** The ends of the interval in which 95 % of the trials lie. */
  outerLow?: ArrayLike<number> | undefined;
  outerHigh?: ArrayLike<number> | undefined;
  /** Where the sweep has trials. */
  rug?: { ids: readonly string[]; x: ArrayLike<number> } | undefined;
  /** The lines of single trials: what the model expects if only this parameter changes. */
  individuals?: readonly { id: string; mean: ArrayLike<number> }[] | undefined;
}

/** The pointer finds the line of a trial within this many pixels. */
const reach = 7;

/** Half of a 95 % interval of a normal distribution, in standard deviations. */
const sigmas = 1.96;

export class Band extends Chart<BandData> {
  protected readonly kind: string = 'band';
  private axes: Axes | null = null;
  private frame: Frame = { left: 0, top: 0, right: 0, bottom: 0 };
  private index = -1;

  table(): Table {
    const data = this.data;
    if (!data) return { columns: [], rows: [] };
    const columns = [
      data.x.name,
      `${data.yName} (mean)`,
      'low',
      'high',
      'trials low',
      'trials high',
      ...(data.individuals ?? []).map(({ id }) => this.nameOf(id)),
    ];
    const finite = (column: ArrayLike<number> | undefined, row: number): number | null => {
      const value = at(column ?? [], row);
      return Number.isFinite(value) ? value : null;
    };
    const lines = (data.individuals ?? []).map(({ mean }) => mean);
    const parts = [data.mean, data.low, data.high, data.outerLow, data.outerHigh, ...lines];
    const rows = Array.from({ length: data.x.values.length }, (_, row) => [
      cell(data.x, row),
      ...parts.map((column) => finite(column, row)),
    ]);
    return { columns, rows };
  }

  protected arrange(data: BandData): void {
    const pen = rulerOf(this.theme);
    const lines = (data.individuals ?? []).map(({ mean }) => mean);
    const outer = [data.outerLow ?? [], data.outerHigh ?? []];
    const parts = [data.mean, data.low, data.high, ...outer, ...lines];
    const values = parts.flatMap((column) => Array.from(column));
    const y = fit({ name: data.yName, scale: 'linear', values }, { pad: 0.06 });
    this.axes = { x: fit(data.x, { pad: 0 }), y, xName: data.x.name, yName: data.yName };
    this.frame = frameOf(pen, this.axes, { width: this.width, height: this.height, right: 14 });
  }

  protected paint(layer: number, pen: Pen): Picture {
    const { data, axes, frame, theme } = this;
    if (!data || !axes) return;
    if (layer === this.last) {
      this.drawPointer(pen, data, axes);
      return;
    }
    drawAxes(pen, theme, frame, axes);
    this.drawRug(pen, data, axes);
    this.drawIndividuals(pen, data, axes);
    if (data.x.scale === 'category') this.drawPoints(pen, data, axes);
    else this.drawCurve(pen, data, axes);
  }

  protected visibleIds(): string[] {
    const ids = this.data?.rug?.ids ?? [];
    return ids.filter((id) => this.selected.size === 0 || this.selected.has(id));
  }

  protected pixels(): Record<string, [number, number]> {
    const rug = this.data?.rug;
    const place = (row: number): number => this.axes?.x.to(at(rug?.x ?? [], row)) ?? NaN;
    return Object.fromEntries(
      (rug?.ids ?? []).map((id, row) => [id, [place(row), this.frame.bottom]]),
    );
  }

  protected override moved(spot: Spot): void {
    const index = this.nearest(spot.x);
    this.index = index;
    this.redraw(this.last);
    const line = this.lineAt(index, spot.y);
    const id = this.data?.individuals ? (line?.id ?? null) : this.hovered;
    if (index >= 0) this.point(id, this.tip(index, line), spot);
  }

  protected override left(): void {
    this.index = -1;
    super.left();
    this.redraw(this.last);
  }

  protected override pressed(event: KeyboardEvent): boolean {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const count = this.data?.x.values.length ?? 0;
    if (by === undefined || count === 0) return false;
    this.index = Math.min(count - 1, Math.max(0, this.index + by));
    this.redraw(this.last);
    const { data, axes } = this;
    if (!data || !axes) return true;
    const [x, y] = [
      axes.x.to(at(data.x.values, this.index)),
      axes.y.to(at(data.mean, this.index)),
    ];
    this.announce(this.tip(this.index), x, y);
    return true;
  }

  private nearest(px: number): number {
    const values = this.data?.x.values ?? [];
    let [best, least] = [-1, Infinity];
    for (let index = 0; index < values.length; index += 1) {
      const distance = Math.abs((this.axes?.x.to(at(values, index)) ?? NaN) - px);
      if (distance < least) [best, least] = [index, distance];
    }
    return best;
  }

  /** The line of a trial that is nearest to a pixel at a value of the parameter. */
  private lineAt(index: number, py: number): { id: string; mean: ArrayLike<number> } | null {
    let [best, least] = [null as { id: string; mean: ArrayLike<number> } | null, reach];
    for (const line of this.data?.individuals ?? []) {
      const distance = Math.abs((this.axes?.y.to(at(line.mean, index)) ?? NaN) - py);
      if (distance < least) [best, least] = [line, distance];
    }
    return best;
  }

  private tip(index: number, line: { id: string; mean: ArrayLike<number> } | null = null): Tip {
    const data = this.data;
    if (!data) return { title: '', rows: [] };
    const { mean, low, high, outerLow, outerHigh } = data;
    const range = (from: ArrayLike<number>, to: ArrayLike<number>): string =>
      `${number(at(from, index), 3)} to ${number(at(to, index), 3)}`;
    const rows = [
      { name: 'mean', value: number(at(mean, index)), strong: true },
      { name: '95 % of the mean', value: range(low, high) },
    ];
    if (outerLow && outerHigh)
      rows.push({ name: '95 % of trials', value: range(outerLow, outerHigh) });
    if (line) rows.unshift({ name: this.nameOf(line.id), value: number(at(line.mean, index)) });
    return { title: `${data.x.name} ${write(data.x, at(data.x.values, index))}`, rows };
  }

  private drawCurve(pen: Pen, data: BandData, axes: Axes): void {
    const colour = categoryColour(0, this.theme.dark);
    const { mean, low, high, outerLow, outerHigh } = data;
    const area = (
      from: (index: number) => number,
      to: (index: number) => number,
      alpha: number,
    ): void => {
      this.trace(pen, data, axes, from, to);
      pen.fill(colour, alpha);
    };
    if (outerLow && outerHigh) {
      this.trace(pen, data, axes, (index) => at(outerLow, index));
      this.trace(pen, data, axes, (index) => at(outerHigh, index), undefined, true);
      pen.stroke({ colour, dash: [2, 4], alpha: 0.7 });
    }
    area(
      (index) => at(low, index),
      (index) => at(high, index),
      0.16,
    );
    const inner = (end: ArrayLike<number>) => (index: number) =>
      at(mean, index) + (at(end, index) - at(mean, index)) / sigmas;
    area(inner(low), inner(high), 0.24);
    this.trace(pen, data, axes, (index) => at(mean, index));
    pen.stroke({ colour, width: 2 });
  }

  /** Traces a curve, or the area between two curves. */
  private trace(
    pen: Pen,
    data: BandData,
    axes: Axes,
    from: (index: number) => number,
    to?: (index: number) => number,
    further = false,
  ): void {
    if (!further) pen.begin();
    const count = data.x.values.length;
    const x = (index: number): number => axes.x.to(at(data.x.values, index));
    for (let index = 0; index < count; index += 1) {
      if (index === 0) pen.move(x(index), axes.y.to(from(index)));
      else pen.line(x(index), axes.y.to(from(index)));
    }
    if (!to) return;
    for (let index = count - 1; index >= 0; index -= 1) pen.line(x(index), axes.y.to(to(index)));
    pen.close();
  }

  /** Draws a dot with bars for each category: a line between them would mean nothing. */
  private drawPoints(pen: Pen, data: BandData, axes: Axes): void {
    const colour = categoryColour(0, this.theme.dark);
    const { mean, low, high, outerLow, outerHigh } = data;
    for (let index = 0; index < data.x.values.length; index += 1) {
      const x = axes.x.to(at(data.x.values, index));
      const [middle, from, to] = [mean, low, high].map((column) => axes.y.to(at(column, index)));
      if (middle === undefined || from === undefined || to === undefined) continue;
      const bar = (start: number, end: number, width: number, alpha: number): void => {
        pen.begin();
        pen.rect(x - width / 2, end, width, start - end);
        pen.fill(colour, alpha);
      };
      if (outerLow && outerHigh) {
        bar(axes.y.to(at(outerLow, index)), axes.y.to(at(outerHigh, index)), 2, 0.45);
      }
      bar(from, to, 16, 0.2);
      bar(middle + (from - middle) / sigmas, middle + (to - middle) / sigmas, 16, 0.3);
      pen.begin();
      pen.circle(x, middle, 4.5);
      pen.fill(colour);
      pen.stroke({ colour: this.theme.ground, width: 1.5 });
    }
  }

  private drawIndividuals(pen: Pen, data: BandData, axes: Axes): void {
    if (!data.individuals) return;
    for (const bright of [false, true]) {
      pen.begin();
      for (const { id, mean } of data.individuals) {
        if ((this.selected.size > 0 && this.selected.has(id)) === bright)
          this.trace(pen, data, axes, (index) => at(mean, index), undefined, true);
      }
      const colour = bright ? this.theme.accent : this.theme.ink;
      pen.stroke({ colour, width: bright ? 1.6 : 0, alpha: bright ? 0.9 : 0.28 });
    }
  }

  private drawRug(pen: Pen, data: BandData, axes: Axes): void {
    const rug = data.rug;
    if (!rug) return;
    const { bottom } = this.frame;
    for (const bright of [false, true]) {
      pen.begin();
      rug.ids.forEach((id, row) => {
        if ((this.selected.size > 0 && this.selected.has(id)) !== bright) return;
        const x = axes.x.to(at(rug.x, row));
        if (!Number.isFinite(x)) return;
        pen.move(x, bottom);
        pen.line(x, bottom - (bright ? 10 : 6));
      });
      const alpha = Math.min(0.7, Math.max(0.15, 8 / Math.sqrt(rug.ids.length)));
      const colour = bright ? this.theme.accent : this.theme.ink;
      pen.stroke({ colour, alpha: bright ? 0.9 : alpha });
    }
  }

  private drawPointer(pen: Pen, data: BandData, axes: Axes): void {
    const line = data.individuals?.find(({ id }) => id === this.hovered);
    if (line) {
      this.trace(pen, data, axes, (index) => at(line.mean, index));
      pen.stroke({ colour: this.theme.ground, width: 5, alpha: 0.8 });
      pen.stroke({ colour: this.theme.accent, width: 2.2 });
    }
    if (this.index < 0) return;
    const x = axes.x.to(at(data.x.values, this.index));
    const y = axes.y.to(at(data.mean, this.index));
    pen.begin();
    pen.move(crisp(x), this.frame.top);
    pen.line(crisp(x), this.frame.bottom);
    pen.stroke({ colour: this.theme.muted, dash: [3, 3] });
    pen.begin();
    pen.circle(x, y, 4.5);
    pen.fill(this.theme.ink);
    pen.stroke({ colour: this.theme.ground, width: 1.5 });
  }
}
