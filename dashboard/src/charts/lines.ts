/** Curves of many runs over one shared x axis. */

import { crisp, drawAxes, frameOf, type Axes, type Frame } from './axes';
import { Chart, type Options } from './chart';
import { at, extent, extentOf, iso, write, type Table } from './data';
import { number, shorten, visible } from './format';
import { rulerOf, type Picture } from './layer';
import { drawOdd, nearestIndex, traceBand, traceLine, type Breaks, type View } from './linepath';
import { drawLineMarks } from './linemarks';
import { lineLooks, spread, type LineLook } from './linestyle';
import { Groups } from './linegroup';
import { squeeze, type Pen } from './pen';
import type { Spot } from './pointer';
import type { Line, LinesData } from './linedata';
import { readings, tipOf, type Told } from './linetip';
import { padded, Scale } from './scale';
import { bridge, decays, smooth } from './smooth';

export interface LinesOptions extends Options, Told {
  logX?: boolean | undefined;
  logY?: boolean | undefined;
  /** From 0, which is off, to just below 1. */
  smooth?: number | undefined;
  steps?: boolean | undefined;
  band?: boolean | undefined;
  /** Shows the line as it was logged behind the smoothed one. */
  raw?: boolean | undefined;
  /** Without outliers, the y axis shows the central 98 % of the values. */
  outliers?: boolean | undefined;
  /** Charts of one group share the cursor and the zoom. */
  group?: string | undefined;
  /** The range of x that the user zoomed to; null: everything. */
  onzoom?: ((range: [number, number] | null) => void) | undefined;
  /** The x of the cursor; null: there is none. */
  oncursor?: ((x: number | null) => void) | undefined;
}

const groups = new Groups<Lines>();

/** If more lines than this have a band, none is drawn: they would only cover each other. */
const mostBands = 12;
/** With more points, the lines are as thin as can be: wide ones take 25 times as long. */
const mostWide = 10_000;
/** As many lines have their names at their ends. */
const mostNames = 12;

export class Lines extends Chart<LinesData, LinesOptions> {
  protected readonly kind: string = 'lines';
  private lines: Line[] = [];
  private looks: LineLook[] = [];
  private axes: Axes | null = null;
  private frame: Frame = { left: 0, top: 0, right: 0, bottom: 0 };
  private view: View | null = null;
  private range: [number, number] | null = null;
  private whole: [number, number] | null = null;
  /** Whether all that is drawn lies in the frame: to draw behind a clip takes twice as long. */
  private fits = false;
  private cursor: number | null = null;
  private drag: [number, number] | null = null;

  constructor(element: HTMLElement, options: LinesOptions) {
    super(element, options, [true, false]);
    this.root.style.cursor = 'crosshair';
    if (options.group) groups.join(this, options.group);
  }

  override set(data: LinesData): void {
    // The points of a zoomed chart may cover only what is in sight.
    if (this.range === null) this.whole = extent(data.x);
    super.set(data);
  }

  override destroy(): void {
    groups.leave(this);
    super.destroy();
  }

  /** Shows a range of x; null: everything. */
  zoom(range: [number, number] | null): void {
    this.range = range;
    this.update();
  }

  /** Shows the cursor at a value of x, and the line of a run. */
  cursorAt(x: number | null, id: string | null): void {
    this.cursor = x;
    this.hover(id);
    this.redraw(this.last);
  }

  table(): Table {
    const data = this.data;
    if (!data) return { columns: [], rows: [] };
    const rows = Array.from({ length: data.x.length }, (_, index) => [
      data.xScale === 'time' ? iso(at(data.x, index)) : at(data.x, index),
      ...data.series.map(({ last }) => (Number.isNaN(at(last, index)) ? null : at(last, index))),
    ]);
    const unit = data.xScale === 'duration' ? ' (s)' : '';
    return { columns: [data.xName + unit, ...data.series.map((one) => one.label)], rows };
  }

  protected arrange(data: LinesData): void {
    const { smooth: strength = 0 } = this.options;
    const decay = strength > 0 ? decays(data.x, Math.min(strength, 0.9999)) : null;
    this.looks = lineLooks(data.series, this.theme);
    this.lines = data.series.map((series) => {
      const most = data.whole ? Infinity : bridge(data.x, series.last);
      const breaks = { bridge: most, odd: series.nanAt ?? [] };
      return { series, values: decay ? smooth(series.last, decay) : series.last, breaks };
    });
    const x = this.scaleX(data);
    const first = Math.max(0, nearestIndex(data.x, x.low) - 1);
    const last = Math.min(data.x.length - 1, nearestIndex(data.x, x.high) + 1);
    const y = this.scaleY(x, first, last);
    const pen = rulerOf(this.theme);
    this.axes = { x, y, xName: data.xName, yName: data.yName ?? '' };
    const { width, height } = this;
    const top = data.yName === undefined && this.notes().length > 0 ? 14 : 0;
    this.frame = frameOf(pen, this.axes, { width, height, top, right: this.roomForNames(pen) });
    const pixels = Float64Array.from(data.x, (value) => x.to(value));
    this.view = { x: data.x, pixels, first, last, y };
  }

  protected paint(layer: number, pen: Pen): Picture {
    if (layer !== this.last) return this.drawLines(pen);
    this.drawPointer(pen);
  }

  protected visibleIds(): string[] {
    return this.lines.map(({ series }) => series.id).filter((id) => this.bright(id));
  }

  /** The pixel of the last point of each line. */
  protected pixels(): Record<string, [number, number]> {
    const result: Record<string, [number, number]> = {};
    this.lines.forEach((line) => {
      const end = this.endOf(line);
      if (end) result[line.series.id] = end;
    });
    return result;
  }

  protected override notes(): string[] {
    const names = ['NaN', '∞', '-∞'];
    const odd = this.lines.flatMap(({ series }) => {
      const found = names.map((name, kind) => [series.odd?.[kind] ?? 0, name] as const);
      const parts = found.filter(([times]) => times > 0).map((part) => part.join(' '));
      return parts.length > 0 ? [`${visible(series.label, 40)}: ${parts.join(', ')}`] : [];
    });
    const shown = odd.length > 2 ? [`NaN or ∞ in ${odd.length} lines`] : odd;
    return [...(this.data?.note ? [this.data.note] : []), ...shown];
  }

  protected override moved(at: Spot): void {
    if (!this.axes || !this.view || !this.data) return;
    const x = this.axes.x.from(at.x);
    const list = readings(this.view, this.lines, x, at.y);
    const nearest = list[0];
    this.cursor = nearest ? nearest.x : x;
    this.redraw(this.last);
    const id = nearest?.line.series.id ?? null;
    const tip = nearest && tipOf(this.data, list, this.lines, this.looks, this.options);
    this.point(id, tip, at);
    this.options.oncursor?.(this.cursor);
    for (const peer of groups.peers(this)) peer.cursorAt(this.cursor, id);
  }

  protected override left(): void {
    this.cursor = null;
    this.options.oncursor?.(null);
    super.left();
    this.redraw(this.last);
    for (const peer of groups.peers(this)) peer.cursorAt(null, null);
  }

  protected override clicked(at: Spot): void {
    if (this.hovered !== null) this.toggle(this.hovered, at.several);
  }

  protected override doubled(): void {
    this.zoomAll(null);
  }

  protected override dragged(from: Spot, to: Spot, done: boolean): void {
    const { left, right } = this.frame;
    const inside = [from.x, to.x].map((x) => Math.min(right, Math.max(left, x)));
    const [start = 0, end = 0] = inside.sort((a, b) => a - b);
    this.drag = done ? null : [start, end];
    this.redraw(this.last);
    const x = this.axes?.x;
    if (done && x && end - start > 3) this.zoomAll([x.from(start), x.from(end)]);
  }

  protected override pressed(event: KeyboardEvent): boolean {
    switch (event.key) {
      case 'ArrowRight':
      case 'ArrowLeft':
        this.walk(event.key === 'ArrowRight' ? 1 : -1, 0);
        return true;
      case 'ArrowUp':
      case 'ArrowDown':
        this.walk(0, event.key === 'ArrowDown' ? 1 : -1);
        return true;
      case '+':
      case '=':
        this.scaleZoom(0.5);
        return true;
      case '-':
        this.scaleZoom(2);
        return true;
      case '0':
      case 'Escape':
        this.zoomAll(null);
        return true;
      case ' ':
        if (this.hovered !== null) this.toggle(this.hovered, event.shiftKey);
        return true;
      case 'Enter':
        if (this.hovered !== null) this.options.onopen?.(this.hovered);
        return true;
      default:
        return false;
    }
  }

  private bright(id: string): boolean {
    return this.selected.size === 0 || this.selected.has(id);
  }

  private scaleX(data: LinesData): Scale {
    const kind = this.options.logX ? 'log' : data.xScale;
    const found = extent(data.x, kind === 'log') ?? [kind === 'log' ? 1 : 0, 1];
    let [low, high] = this.range ?? [data.from ?? found[0], data.to ?? found[1]];
    if (kind === 'log' && !(low > 0)) low = Math.min(found[0], high);
    if (!(high > low)) [low, high] = padded(kind, low, high, 0.1);
    return new Scale(kind, low, high, [], [], true);
  }

  /** The y axis shows what is in sight between two indices of x. */
  private scaleY(x: Scale, first: number, last: number): Scale {
    const kind = this.options.logY ? 'log' : 'linear';
    const bands = this.bandsShown();
    const columns = this.lines.flatMap(({ series, values }) => {
      const band = bands && series.min && series.max ? [series.min, series.max] : [];
      return [values, ...band];
    });
    const isSeen = (index: number): boolean => x.has(at(this.data?.x ?? [], index));
    let [from, to] = [first, last + 1];
    while (from < to && !isSeen(from)) from += 1;
    while (to > from && !isSeen(to - 1)) to -= 1;
    const central98 = this.options.outliers === false;
    const smoothed = (this.options.smooth ?? 0) > 0;
    this.fits = from === first && to === last + 1 && !central98 && !smoothed;
    const all = extentOf(columns, from, to, kind === 'log') ?? [kind === 'log' ? 0.1 : 0, 1];
    const range = central98 ? central(columns, from, to, all) : all;
    return new Scale(kind, ...padded(kind, ...range, 0.06));
  }

  private bandsShown(): boolean {
    const bands = this.lines.filter(({ series }) => series.min && series.max);
    return this.options.band !== false && bands.length <= mostBands;
  }

  /** The lines with names at their ends. */
  private named(): number[] {
    const all = this.lines.map((_, index) => index);
    if (this.width < 340 || this.lines.length < 2) return [];
    const some = all.filter((index) => this.selected.has(this.lines[index]?.series.id ?? ''));
    const wanted = this.lines.length <= mostNames ? all : some;
    return wanted.length <= mostNames ? wanted : [];
  }

  private roomForNames(pen: Pen): number {
    const widths = this.named().map((index) => pen.measure(this.nameAt(index)));
    return widths.length > 0 ? Math.min(this.width * 0.3, Math.max(...widths) + 16) : 12;
  }

  private nameAt(index: number): string {
    return shorten(visible(this.lines[index]?.series.label ?? ''), 18);
  }

  private *drawLines(pen: Pen): Generator<void> {
    const { axes, view, frame, theme } = this;
    if (!axes || !view) return;
    drawAxes(pen, theme, frame, axes);
    const taken = pen.measure(axes.yName, undefined, true);
    const notes = squeeze(pen, this.notes().join(' · '), frame.right - taken - 20);
    pen.text(notes, frame.right, 4, { colour: theme.muted, align: 'right', base: 'top' });
    const order = this.lines.map((_, index) => index);
    const faint = order.filter((index) => !this.bright(this.lines[index]?.series.id ?? ''));
    const strong = order.filter((index) => !faint.includes(index));
    // A pause ends the clipping of the picture, so each line clips for itself.
    for (const index of faint)
      yield this.clipped(pen, () => this.drawLine(pen, view, index, 0.13));
    for (const index of strong) yield this.clipped(pen, () => this.drawLine(pen, view, index, 1));
    if (this.data?.marks) drawLineMarks(pen, theme, frame, axes, this.data.marks);
    this.drawNames(pen);
  }

  private clipped(pen: Pen, draw: () => void): void {
    if (this.fits) {
      draw();
      return;
    }
    const { left, top, right, bottom } = this.frame;
    // Whole pixels: a browser draws several times slower behind an edge within a pixel.
    const from = Math.floor(left);
    pen.clip(from, Math.floor(top) - 5, Math.ceil(right) + 2 - from, Math.ceil(bottom - top) + 6);
    draw();
    pen.unclip();
  }

  private drawLine(pen: Pen, view: View, index: number, alpha: number): void {
    const [line, look] = [this.lines[index], this.looks[index]];
    if (!line || !look) return;
    const { series, values, breaks } = line;
    const smoothed = values !== series.last;
    if (this.bandsShown() && series.min && series.max && alpha === 1) {
      pen.begin();
      traceBand(pen, view, series.min, series.max, breaks);
      pen.fill(look.colour, 0.14);
    }
    if (smoothed && this.options.raw !== false && alpha === 1) {
      this.strokeLine(pen, view, series.last, breaks, { ...look, dash: [] }, 1, 0.28);
    }
    const points = this.lines.length * (view.last - view.first + 1);
    const thin = this.lines.length > 30 || points > mostWide ? 0 : 1.7;
    const width = series.baseline ? 2.8 : thin;
    this.strokeLine(pen, view, values, breaks, look, width, alpha);
    if (alpha === 1 && this.axes) drawOdd(pen, view, this.axes.x, series, look.colour);
  }

  private strokeLine(
    pen: Pen,
    view: View,
    values: ArrayLike<number>,
    breaks: Breaks,
    { colour, dash }: LineLook,
    width: number,
    alpha: number,
  ): void {
    pen.begin();
    traceLine(pen, view, values, breaks, this.options.steps ?? false);
    pen.stroke({ colour, dash, width, alpha });
  }

  private endOf({ values }: Line): [number, number] | null {
    const { view, axes } = this;
    if (!view || !axes) return null;
    for (let index = view.last; index >= view.first; index -= 1) {
      const [place, value] = [at(view.x, index), at(values, index)];
      if (axes.x.has(place) && Number.isFinite(value) && Number.isFinite(view.y.to(value))) {
        return [at(view.pixels, index), view.y.to(at(values, index))];
      }
    }
    return null;
  }

  private drawNames(pen: Pen): void {
    const { top, bottom, right } = this.frame;
    const ends = this.named().flatMap((index) => {
      const line = this.lines[index];
      const end = line ? this.endOf(line) : null;
      return end ? [{ index, end }] : [];
    });
    const heights = spread(
      ends.map(({ end }) => end[1]),
      13,
      top,
      bottom,
    );
    ends.forEach(({ index, end }, place) => {
      const height = heights[place] ?? end[1];
      const colour = this.looks[index]?.colour ?? this.theme.ink;
      const alpha = this.bright(this.lines[index]?.series.id ?? '') ? 0.6 : 0.15;
      pen.begin();
      pen.move(end[0] + 2, end[1]);
      pen.line(right + 8, height);
      pen.stroke({ colour, alpha, dash: end[0] < right - 12 ? [1, 3] : [] });
      pen.text(this.nameAt(index), right + 11, height, { colour });
    });
  }

  private drawPointer(pen: Pen): void {
    const { frame, theme, view, axes } = this;
    if (!view || !axes) return;
    if (this.drag) {
      pen.begin();
      pen.rect(this.drag[0], frame.top, this.drag[1] - this.drag[0], frame.bottom - frame.top);
      pen.fill(theme.accent, 0.14);
    }
    const index = this.lines.findIndex(({ series }) => series.id === this.hovered);
    const [line, look] = [this.lines[index], this.looks[index]];
    if (line && look) {
      this.clipped(pen, () => {
        const halo = { colour: theme.ground, dash: [] };
        this.strokeLine(pen, view, line.values, line.breaks, halo, 5, 0.8);
        this.strokeLine(pen, view, line.values, line.breaks, look, 2.6, 1);
      });
    }
    if (this.cursor === null || !axes.x.has(this.cursor)) return;
    const x = axes.x.to(this.cursor);
    pen.begin();
    pen.move(crisp(x), frame.top);
    pen.line(crisp(x), frame.bottom);
    pen.stroke({ colour: theme.muted, dash: [3, 3] });
    const place = nearestIndex(view.x, this.cursor);
    const value = line ? at(line.values, place) : NaN;
    if (!look || !Number.isFinite(view.y.to(value))) return;
    pen.begin();
    pen.circle(x, view.y.to(value), 4);
    pen.fill(look.colour);
    pen.stroke({ colour: theme.ground, width: 1.5 });
  }

  private zoomAll(range: [number, number] | null): void {
    for (const chart of [this, ...groups.peers(this)]) {
      chart.zoom(range);
      chart.options.onzoom?.(range);
    }
  }

  private scaleZoom(factor: number): void {
    const x = this.axes?.x;
    if (!x || !this.data) return;
    const middle = this.cursor ?? x.value(0.5);
    const unit = x.unit(middle);
    const [low, high] = [x.value(unit - unit * factor), x.value(unit + (1 - unit) * factor)];
    const whole = this.whole ?? [-Infinity, Infinity];
    const inside: [number, number] = [Math.max(low, whole[0]), Math.min(high, whole[1])];
    this.zoomAll(inside[0] <= whole[0] && inside[1] >= whole[1] ? null : inside);
  }

  /** Moves the cursor by some points, and to another line. */
  private walk(along: number, across: number): void {
    const { view, data, axes } = this;
    if (!view || !data || !axes || this.lines.length === 0) return;
    const from = this.cursor === null ? view.first - along : nearestIndex(view.x, this.cursor);
    const index = Math.min(view.last, Math.max(view.first, from + along));
    const old = this.lines.findIndex(({ series }) => series.id === this.hovered);
    const next = (Math.max(0, old) + across + this.lines.length) % this.lines.length;
    const line = this.lines[next];
    if (!line) return;
    this.cursor = at(view.x, index);
    const y = view.y.to(at(line.values, index));
    this.point(line.series.id);
    this.redraw(this.last);
    const title = write({ name: data.xName, scale: data.xScale, values: [] }, this.cursor);
    const value = number(at(line.values, index));
    const colour = this.looks[next]?.colour ?? '';
    const tip = {
      title: `${data.xName} ${title}`,
      rows: [{ colour, name: line.series.label, value }],
    };
    this.announce(tip, axes.x.to(this.cursor), Number.isFinite(y) ? y : this.frame.top);
  }
}

/** The range of the central 98 % of the values between two indices. */
function central(
  columns: readonly ArrayLike<number>[],
  from: number,
  to: number,
  all: readonly [number, number],
): [number, number] {
  const seen = columns.flatMap((column) => Array.from(column).slice(from, to));
  const inside = seen.filter((value) => value >= all[0] && value <= all[1]);
  const sorted = Float64Array.from(inside).sort();
  const share = (part: number): number => at(sorted, Math.round(part * (sorted.length - 1)));
  return sorted.length > 20 ? [share(0.01), share(0.99)] : [...all];
}
