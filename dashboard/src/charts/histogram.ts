/** Histograms over the steps of a run, with the bars of one step beside them. */

import { crisp, drawAxes, frameOf, type Axes, type Frame } from './axes';
import { Chart, type Options } from './chart';
import { categoryColour, mix, resultColour } from './colours';
import { at, extent, type Table } from './data';
import { count, number } from './format';
import { rulerOf, type Picture } from './layer';
import type { Pen } from './pen';
import type { Spot } from './pointer';
import { nearestIndex } from './linepath';
import { Scale } from './scale';
import type { Tip } from './tooltip';

export interface HistogramData {
  name: string;
  steps: readonly number[];
  /** The edges of the bins of each step; one more than there are counts. */
  edges: readonly (readonly number[])[];
  counts: readonly (readonly number[])[];
}

export interface HistogramOptions extends Options {
  /** The user chose a step, by its index. */
  onstep?: ((index: number) => void) | undefined;
  /** The index of the step whose bars are shown; without it, the last one. */
  step?: number | undefined;
}

const shades = 24;

export class Histogram extends Chart<HistogramData, HistogramOptions> {
  protected readonly kind: string = 'histogram';
  private axes: Axes | null = null;
  private frame: Frame = { left: 0, top: 0, right: 0, bottom: 0 };
  /** The edges between the columns of the steps. */
  private columns: number[] = [];

  table(): Table {
    const data = this.data;
    if (!data) return { columns: [], rows: [] };
    const rows = data.steps.flatMap((step, index) =>
      (data.counts[index] ?? []).map((amount, bin) => {
        const edges = data.edges[index] ?? [];
        return [step, edges[bin] ?? null, edges[bin + 1] ?? null, amount];
      }),
    );
    return { columns: ['step', 'from', 'to', 'count'], rows };
  }

  protected arrange(data: HistogramData): void {
    const pen = rulerOf(this.theme);
    const [low, high] = extent(data.edges.flat()) ?? [0, 1];
    const y = new Scale('linear', low, high > low ? high : low + 1);
    const [first, last] = extent(data.steps) ?? [0, 1];
    const half = data.steps.length > 1 ? (last - first) / (data.steps.length - 1) / 2 : 0.5;
    const x = new Scale('linear', first - half, last + half, [], [], true);
    this.axes = { x, y, xName: 'step', yName: data.name };
    const right = Math.round(Math.max(80, this.width * 0.24));
    this.frame = frameOf(pen, this.axes, { width: this.width, height: this.height, right });
    this.columns = data.steps.map((step, index) => {
      const before = data.steps[index - 1];
      return x.to(before === undefined ? x.low : (before + step) / 2);
    });
    this.columns.push(x.to(x.high));
  }

  protected paint(layer: number, pen: Pen): Picture {
    if (!this.axes || !this.data) return;
    if (layer === this.last) {
      this.drawStep(pen, this.data, this.axes);
      return;
    }
    this.drawCells(pen, this.data, this.axes);
    drawAxes(pen, this.theme, this.frame, this.axes, false);
  }

  protected visibleIds(): string[] {
    return (this.data?.steps ?? []).map(String);
  }

  protected pixels(): Record<string, [number, number]> {
    const middle = (this.frame.top + this.frame.bottom) / 2;
    const place = (step: number): [number, number] => [this.axes?.x.to(step) ?? NaN, middle];
    return Object.fromEntries(
      (this.data?.steps ?? []).map((step) => [String(step), place(step)]),
    );
  }

  protected override moved(spot: Spot): void {
    const data = this.data;
    const value = this.axes?.y.from(spot.y) ?? NaN;
    const index = spot.x <= this.frame.right ? this.indexAt(spot.x) : this.step();
    this.root.style.cursor = 'pointer';
    if (data) this.point(String(data.steps[index] ?? ''), this.tip(data, index, value), spot);
  }

  protected override clicked(spot: Spot): void {
    if (spot.x <= this.frame.right) this.show(this.indexAt(spot.x));
  }

  protected override dragged(_: Spot, to: Spot): void {
    this.show(this.indexAt(to.x));
  }

  protected override pressed(event: KeyboardEvent): boolean {
    const data = this.data;
    const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key];
    if (by === undefined || !data) return false;
    this.show(this.step() + by);
    const index = this.step();
    const mode = this.mode(data, index);
    const x = this.axes?.x.to(data.steps[index] ?? 0) ?? 0;
    this.announce(this.tip(data, index, mode), x, this.axes?.y.to(mode) ?? 0);
    return true;
  }

  private step(): number {
    const last = Math.max(0, (this.data?.steps.length ?? 0) - 1);
    return Math.min(last, Math.max(0, this.options.step ?? last));
  }

  private show(index: number): void {
    const last = Math.max(0, (this.data?.steps.length ?? 0) - 1);
    const step = Math.min(last, Math.max(0, index));
    if (step === this.options.step) return;
    this.options = { ...this.options, step };
    this.redraw(this.last);
    this.options.onstep?.(step);
  }

  private indexAt(px: number): number {
    return nearestIndex(this.data?.steps ?? [], this.axes?.x.from(px) ?? 0);
  }

  /** The middle of the fullest bin. */
  private mode(data: HistogramData, index: number): number {
    const counts = data.counts[index] ?? [];
    const bin = counts.indexOf(counts.reduce((most, one) => Math.max(most, one), 0));
    const edges = data.edges[index] ?? [];
    return (at(edges, bin) + at(edges, bin + 1)) / 2;
  }

  private tip(data: HistogramData, index: number, value: number): Tip {
    const edges = data.edges[index] ?? [];
    const bin = edges.findIndex((edge, place) => value >= edge && value < at(edges, place + 1));
    const range = `${number(at(edges, bin), 3)} to ${number(at(edges, bin + 1), 3)}`;
    const rows = [{ name: range, value: count(data.counts[index]?.[bin] ?? 0), strong: true }];
    return { title: `step ${number(data.steps[index] ?? NaN)}`, rows: bin < 0 ? [] : rows };
  }

  private drawCells(pen: Pen, data: HistogramData, axes: Axes): void {
    const groups = new Map<number, [number, number, number, number][]>();
    const densities = data.counts.map((_, index) => density(data, index));
    const most = densities.flat().reduce((a, b) => Math.max(a, b), 0) || 1;
    densities.forEach((column, index) => {
      const [left, right] = [this.columns[index] ?? 0, this.columns[index + 1] ?? 0];
      column.forEach((value, bin) => {
        if (!(value > 0)) return;
        const edges = data.edges[index] ?? [];
        const [bottom, top] = [axes.y.to(at(edges, bin)), axes.y.to(at(edges, bin + 1))];
        // The root shows the tails, which are thin but tell most.
        const shade = Math.max(1, Math.round(Math.sqrt(value / most) * shades));
        const cells = groups.get(shade) ?? [];
        // Without an overlap, the seams between cells would shine through.
        cells.push([left, top, right - left + 0.4, bottom - top + 0.4]);
        groups.set(shade, cells);
      });
    });
    for (const [shade, cells] of groups) {
      pen.begin();
      for (const [x, y, width, height] of cells) pen.rect(x, y, width, height);
      // The thinnest tails fade into the ground.
      const colour = resultColour(shade / shades, this.theme.dark);
      pen.fill(mix(this.theme.ground, colour, Math.min(1, (shade / shades) * 4)));
    }
  }

  /** Draws where the chosen step is, and its bars. */
  private drawStep(pen: Pen, data: HistogramData, axes: Axes): void {
    const index = this.step();
    const step = data.steps[index];
    if (step === undefined) return;
    const { theme, frame } = this;
    const x = crisp(axes.x.to(step));
    pen.begin();
    pen.move(x, frame.top - 4);
    pen.line(x, frame.bottom);
    pen.stroke({ colour: theme.ground, width: 4, alpha: 0.7 });
    pen.stroke({ colour: theme.ink, width: 1.4 });
    this.drawBars(pen, density(data, index), data.edges[index] ?? []);
    const total = (data.counts[index] ?? []).reduce((sum, one) => sum + one, 0);
    const style = { colour: theme.muted, base: 'top' } as const;
    const left = frame.right + 12;
    pen.text(`step ${number(step)}`, left, 4, { ...style, colour: theme.ink, bold: true });
    pen.text(`${count(total)} values`, left, frame.bottom + 7, style);
  }

  /** Draws the bars of one step. Their axis shows only the range of this step. */
  private drawBars(pen: Pen, column: readonly number[], edges: readonly number[]): void {
    const { theme, frame } = this;
    const [low, high] = extent(edges) ?? [0, 1];
    const y = new Scale('linear', low, high).place(frame.bottom, frame.top);
    const most = column.reduce((a, b) => Math.max(a, b), 0) || 1;
    const ticks = y.ticks(5);
    const labels = Math.max(...ticks.map((tick) => pen.measure(tick.label)), 0);
    const left = frame.right + 18 + labels;
    const room = Math.max(10, this.width - left - 10);
    pen.begin();
    column.forEach((value, bin) => {
      const [bottom, top] = [y.to(at(edges, bin)), y.to(at(edges, bin + 1))];
      pen.rect(left, top, (value / most) * room, Math.max(0.5, bottom - top - 0.5));
    });
    pen.fill(categoryColour(0, theme.dark), 0.85);
    pen.begin();
    pen.move(crisp(left), frame.top);
    pen.line(crisp(left), frame.bottom);
    pen.stroke({ colour: theme.muted, alpha: 0.55 });
    for (const { value, label } of ticks) {
      pen.text(label, left - 5, y.to(value), { colour: theme.muted, align: 'right' });
    }
  }
}

/** The counts of a step divided by the widths of its bins and by their sum. */
function density(data: HistogramData, index: number): number[] {
  const counts = data.counts[index] ?? [];
  const edges = data.edges[index] ?? [];
  const total = counts.reduce((sum, one) => sum + one, 0) || 1;
  return counts.map((amount, bin) => amount / total / (at(edges, bin + 1) - at(edges, bin) || 1));
}
