/** Parallel coordinates: an axis for each parameter, and a line for each run. */

import { dragged, gripAt, nudged, reordered, within, type Brushes, type Grip } from './brushes';
import { Chart, sameSet, setOf, type Options } from './chart';
import { at, cell, write, type Dimension, type Table } from './data';
import { count } from './format';
import type { Picture } from './layer';
import { nearestLine } from './near';
import { drawAxis, drawBrush, titleHeight, type Axis } from './parallelaxes';
import { Handles } from './parallelhandles';
import { drawLines, lineColour, traceRow } from './parallellines';
import { drawNext } from './parallelnext';
import type { Pen } from './pen';
import type { Spot } from './pointer';
import { rankAmong, ranks } from './rank';
import { fit } from './scale';
import type { Tip } from './tooltip';

export interface ParallelData {
  ids: readonly string[];
  dimensions: readonly Dimension[];
  /** The index of the dimension that colours the lines; -1: none. */
  metric: number;
  maximize: boolean;
  /** Points that no trial has yet: the values of each on each dimension. NaN: it has none. */
  proposed?: readonly ArrayLike<number>[] | undefined;
}

export interface ParallelOptions extends Options {
  /** The user changed the brushes: ranges of values, by the name of the dimension. */
  onbrush?: ((ranges: Record<string, [number, number]>) => void) | undefined;
  /** The user moved an axis. */
  onorder?: ((names: string[]) => void) | undefined;
}

/** How near the pointer must be to an axis, or to a line. */
const reachAxis = 13;
const reachLine = 7;
/** The layer of the brushes, which change without the axes. */
const brushLayer = 4;
/** While a brush moves, the chart draws only as many lines, the best ones. */
const mostInMotion = 2500;
/** With more lines, the other charts follow a brush in motion only so often, in milliseconds. */
const followEvery = 200;

type Gesture =
  | { kind: 'brush'; axis: Axis; grip: Grip; range: readonly [number, number] | undefined }
  | { kind: 'title'; name: string };

export class Parallel extends Chart<ParallelData, ParallelOptions> {
  protected readonly kind: string = 'parallel';
  private order: string[] = [];
  axes: Axis[] = [];
  private brushes: Brushes = new Map();
  unit: Float64Array = new Float64Array();
  private rankOf: (value: number) => number = () => 1;
  /** The rows from the worst to the best: the best are drawn last. */
  private ranking: number[] = [];
  private mask: Uint8Array = new Uint8Array();
  private filtered = false;
  private emitted: ReadonlySet<string> = new Set();
  private gesture: Gesture | null = null;
  private emitting: ReturnType<typeof setTimeout> | undefined;
  private readonly handles: Handles;

  constructor(element: HTMLElement, options: ParallelOptions) {
    super(element, options, [true, true, false, false, false]);
    this.handles = new Handles(this.root);
  }

  override set(raw: ParallelData): void {
    const data = { ...raw, dimensions: renamed(raw.dimensions) };
    super.set(data);
    const names = data.dimensions.map((one) => one.name);
    const kept = this.order.filter((name) => names.includes(name));
    this.order = [...kept, ...names.filter((name) => !kept.includes(name))];
    this.unit = new Float64Array(data.ids.length).fill(NaN);
    const metric = data.dimensions[data.metric];
    if (metric) this.unit = ranks(metric.values, data.maximize);
    if (metric) this.rankOf = rankAmong(metric.values, data.maximize);
    const key = (row: number): number =>
      Number.isNaN(at(this.unit, row)) ? -1 : at(this.unit, row);
    this.ranking = data.ids.map((_, row) => row).sort((a, b) => key(a) - key(b));
    this.filter();
    if (this.brushes.size > 0) this.emit();
  }

  override select(ids: Iterable<string>): void {
    const wanted = setOf(ids);
    // A selection that was made elsewhere replaces the one of the brushes.
    if (!this.gesture && !sameSet(wanted, this.emitted)) this.brushes = new Map();
    super.select(wanted);
  }

  override destroy(): void {
    clearTimeout(this.emitting);
    super.destroy();
  }

  /** Sets the brushes, as a link to this view does. */
  brush(ranges: Record<string, readonly [number, number]>): void {
    this.brushes = new Map(Object.entries(ranges));
    this.filter();
    this.emit();
  }

  /** Removes all brushes and ends the selection. */
  clear(): void {
    this.setBrushes(new Map());
  }

  table(): Table {
    const data = this.data;
    if (!data) return { columns: [], rows: [] };
    const columns = ['run', ...data.dimensions.map((one) => one.name)];
    const best = [...this.ranking].reverse().filter((row) => this.mask[row]);
    const rows = best.map((row) => [
      data.ids[row] ?? '',
      ...data.dimensions.map((one) => cell(one, row)),
    ]);
    return { columns, rows };
  }

  protected arrange(data: ParallelData): void {
    const names = this.order.map((name) => data.dimensions.findIndex((one) => one.name === name));
    const gap = this.gap();
    this.axes = names.flatMap((index, place) => {
      const dimension = data.dimensions[index];
      return dimension ? [this.axisOf(dimension, index, 46 + place * gap)] : [];
    });
    this.handles.show(this.axes, this.brushes);
  }

  protected paint(layer: number, pen: Pen): Picture {
    if (layer < 2) return this.drawRuns(pen, layer === 1);
    if (layer === this.last) this.drawPointer(pen);
    else if (layer === brushLayer) this.drawBrushes(pen);
    else this.drawAxes(pen);
  }

  /** The axes lie above what follows the pointer, and the brushes above the axes. */
  protected override get last(): number {
    return 2;
  }

  private drawPointer(pen: Pen): void {
    drawNext(pen, this.theme, this.axes, this.data?.proposed ?? [], this.data?.metric ?? -1);
    this.drawHovered(pen);
  }

  private drawBrushes(pen: Pen): void {
    for (const axis of this.axes) drawBrush(pen, axis, this.theme, this.brushes);
    const style = { colour: this.theme.muted, align: 'right', base: 'bottom' } as const;
    pen.text(this.notes().join(' · '), this.width - 8, this.height - 3, style);
  }

  private drawAxes(pen: Pen): void {
    const look = {
      theme: this.theme,
      gap: this.gap(),
      lifted: this.gesture?.kind === 'title' ? this.gesture.name : null,
      metric: this.data?.metric ?? -1,
      rankOf: this.rankOf,
    };
    this.axes.forEach((axis, place) => drawAxis(pen, axis, look, place === this.axes.length - 1));
  }

  protected override notes(): string[] {
    const total = this.data?.ids.length ?? 0;
    if (!this.filtered) return [`${count(total)} runs`];
    const shown = this.mask.reduce((sum, one) => sum + one, 0);
    const cut = this.gesture?.kind === 'brush' && shown > mostInMotion;
    const drawn = cut ? [`the best ${count(mostInMotion)} drawn`] : [];
    return [`${count(shown)} of ${count(total)} runs`, ...drawn];
  }

  protected visibleIds(): string[] {
    return this.data?.ids.filter((_, row) => this.mask[row]) ?? [];
  }

  /** The pixel of each run on the first axis. */
  protected pixels(): Record<string, [number, number]> {
    const first = this.axes[0];
    const ids = first ? (this.data?.ids ?? []) : [];
    return Object.fromEntries(
      ids.map((id, row) => [id, [first?.x ?? 0, at(first?.places ?? [], row)]]),
    );
  }

  protected override selectionChanged(): void {
    this.filter();
  }

  protected override moved(at: Spot): void {
    const axis = this.axisAt(at.x);
    if (axis && at.y < titleHeight) {
      this.root.style.cursor = 'grab';
      this.point(null, { title: axis.dimension.name, rows: [] }, at);
      return;
    }
    if (axis) {
      const grip = gripAt(axis.scale, this.brushes.get(axis.dimension.name), at.y);
      const cursors = { low: 'ns-resize', high: 'ns-resize', whole: 'move', new: 'crosshair' };
      this.root.style.cursor = cursors[grip];
    }
    const row = this.rowAt(at);
    const id = this.data?.ids[row];
    if (!axis) this.root.style.cursor = id === undefined ? 'default' : 'pointer';
    if (id === undefined) this.point(null);
    else this.point(id, this.tip(row), at);
  }

  protected override clicked(at: Spot): void {
    const id = this.data?.ids[this.rowAt(at)];
    if (this.axisAt(at.x)) return;
    if (id !== undefined) {
      this.emitted = new Set();
      this.toggle(id, at.several);
    } else if (this.filtered) this.clear();
  }

  protected override doubled(at: Spot): void {
    const axis = this.axisAt(at.x);
    const id = this.data?.ids[this.rowAt(at)];
    if (axis) this.setBrush(axis.dimension.name, null);
    else if (id !== undefined) this.options.onopen?.(id);
  }

  protected override dragged(from: Spot, to: Spot, done: boolean): void {
    this.gesture ??= this.grasp(from);
    const gesture = this.gesture;
    if (gesture?.kind === 'brush') {
      const { axis, grip, range } = gesture;
      this.setBrush(axis.dimension.name, dragged(axis.scale, range, grip, from.y, to.y));
    } else if (gesture) {
      this.reorder(gesture.name, Math.round((to.x - 46) / this.gap()));
      this.root.style.cursor = done ? 'grab' : 'grabbing';
    }
    if (!done) return;
    this.gesture = null;
    if (gesture?.kind === 'brush') this.follow(0);
    this.redraw();
  }

  protected override pressed(event: KeyboardEvent): boolean {
    if (event.key === 'Escape') {
      this.point(null);
      if (this.filtered) this.clear();
      return true;
    }
    const axis = this.axes.find(
      (one) => one.dimension.name === this.handles.nameOf(event.target),
    );
    return axis ? this.pressedOnAxis(axis, event) : this.pressedOnLines(event);
  }

  private pressedOnAxis({ dimension, scale }: Axis, event: KeyboardEvent): boolean {
    const { name } = dimension;
    const range = this.brushes.get(name);
    // The arrows make the brush smaller, with Shift larger.
    const { shiftKey, key } = event;
    const moves: Record<string, [Grip, number]> = {
      ArrowUp: [shiftKey ? 'high' : 'low', 1],
      ArrowDown: [shiftKey ? 'low' : 'high', -1],
      PageUp: ['whole', 1],
      PageDown: ['whole', -1],
    };
    const move = moves[key];
    if (move) {
      const next = nudged(scale, range, ...move);
      const everything = scale.unit(next[0]) <= 0 && scale.unit(next[1]) >= 1;
      this.setBrush(name, everything ? null : next);
      return true;
    }
    if (event.key === 'Delete' || event.key === 'Backspace') {
      this.setBrush(name, null);
      return true;
    }
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return false;
    this.reorder(name, this.order.indexOf(name) + (event.key === 'ArrowLeft' ? -1 : 1));
    this.handles.focus(name);
    return true;
  }

  /** Walks over the lines from the best to the worst. */
  private pressedOnLines(event: KeyboardEvent): boolean {
    const shown = this.ranking.filter((row) => this.mask[row]).reverse();
    const ids = this.data?.ids ?? [];
    const now = shown.findIndex((row) => ids[row] === this.hovered);
    if (event.key === ' ' || event.key === 'Enter') {
      if (this.hovered === null) return false;
      this.emitted = new Set();
      if (event.key === ' ') this.toggle(this.hovered, event.shiftKey);
      else this.options.onopen?.(this.hovered);
      return true;
    }
    const by = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (by === undefined || shown.length === 0) return false;
    const row = shown[Math.min(shown.length - 1, Math.max(0, now + by))] ?? 0;
    this.point(ids[row] ?? null);
    const axis = this.axes[this.axes.length - 1];
    this.announce(this.tip(row), axis?.x ?? 0, at(axis?.places ?? [], row));
    return true;
  }

  private gap(): number {
    return (this.width - 46 - 62) / Math.max(1, this.order.length - 1);
  }

  private axisOf(dimension: Dimension, index: number, x: number): Axis {
    const { values } = dimension;
    const rows = this.data?.ids.length ?? 0;
    const [top, bottom] = [titleHeight + 12, this.height - 26];
    let missing = false;
    const scale = fit(dimension, { pad: dimension.low === undefined ? 0.02 : 0 });
    for (let row = 0; row < rows; row += 1)
      missing ||= !Number.isFinite(scale.unit(at(values, row)));
    const none = missing ? bottom : NaN;
    scale.place(missing ? bottom - 22 : bottom, top);
    // The lines of a category spread over its band, so that one sees how good they are.
    const band =
      scale.kind === 'category' ? (scale.start - scale.end) / scale.categories.length : 0;
    const places = new Float64Array(rows);
    for (let row = 0; row < rows; row += 1) {
      const place = scale.to(at(values, row));
      const shift = band > 0 ? (0.5 - (at(this.unit, row) || 0)) * band * 0.62 : 0;
      places[row] = Number.isFinite(place) ? place + shift : none;
    }
    return { dimension, index, scale, x, places, none };
  }

  private drawRuns(pen: Pen, chosen: boolean): Picture {
    if (!chosen && !this.filtered) return;
    const all = chosen ? this.ranking.filter((row) => this.mask[row]) : this.ranking;
    const rows = chosen && this.gesture?.kind === 'brush' ? all.slice(-mostInMotion) : all;
    return drawLines(pen, this.theme, this, rows, chosen);
  }

  private drawHovered(pen: Pen): void {
    const row = this.hovered === null ? -1 : (this.data?.ids.indexOf(this.hovered) ?? -1);
    if (row < 0) return;
    pen.begin();
    traceRow(pen, this.axes, row);
    pen.stroke({ colour: this.theme.ground, width: 6, alpha: 0.9 });
    pen.stroke({ colour: lineColour(at(this.unit, row), this.theme), width: 3 });
    pen.begin();
    for (const { x, places } of this.axes) pen.circle(x, at(places, row), 3.5);
    pen.fill(this.theme.ink);
  }

  private axisAt(x: number): Axis | undefined {
    return this.axes.find((axis) => Math.abs(axis.x - x) <= reachAxis);
  }

  private rowAt({ x, y }: Spot): number {
    const right = this.axes.findIndex((axis) => axis.x >= x);
    const [from, to] = [this.axes[right - 1], this.axes[right]];
    if (!from || !to) return -1;
    const share = (x - from.x) / (to.x - from.x);
    return nearestLine(
      from.places,
      to.places,
      share,
      y,
      reachLine,
      (row) => this.mask[row] === 1,
    );
  }

  private tip(row: number): Tip {
    const data = this.data;
    if (!data) return { title: '', rows: [] };
    const metric = data.dimensions[data.metric];
    const others = this.axes.map((axis) => axis.dimension).filter((one) => one !== metric);
    const colour = lineColour(at(this.unit, row), this.theme);
    const value = (one: Dimension): string => write(one, at(one.values, row));
    const first = metric
      ? [{ colour, name: metric.name, value: value(metric), strong: true }]
      : [];
    const rows = [...first, ...others.map((one) => ({ name: one.name, value: value(one) }))];
    return { title: this.nameOf(data.ids[row] ?? ''), rows };
  }

  private grasp(from: Spot): Gesture | null {
    const axis = this.axisAt(from.x);
    if (!axis) return null;
    const { name } = axis.dimension;
    if (from.y < titleHeight) return { kind: 'title', name };
    const range = this.brushes.get(name);
    return { kind: 'brush', axis, grip: gripAt(axis.scale, range, from.y), range };
  }

  private reorder(name: string, to: number): void {
    const next = reordered(this.order, name, to);
    if (next.join('\n') === this.order.join('\n')) return;
    this.order = next;
    this.update();
    this.options.onorder?.([...next]);
  }

  private setBrush(name: string, range: [number, number] | null): void {
    const next = new Map(this.brushes);
    if (range) next.set(name, range);
    else next.delete(name);
    this.setBrushes(next);
  }

  private setBrushes(brushes: Brushes): void {
    this.brushes = brushes;
    if (brushes.size === 0) this.selected = new Set();
    this.filter();
    const many = (this.data?.ids.length ?? 0) > mostInMotion;
    this.follow(this.gesture && many ? followEvery : 0);
  }

  /** Tells the page of the brushes: at once, so that all charts follow in the same frame, or later. */
  private follow(wait: number): void {
    const tell = (): void => {
      clearTimeout(this.emitting);
      this.emitting = undefined;
      this.emit();
      this.options.onbrush?.(
        Object.fromEntries(this.brushes) as Record<string, [number, number]>,
      );
    };
    if (wait === 0) tell();
    else this.emitting ??= setTimeout(tell, wait);
  }

  /** Finds out which lines are drawn at full strength. */
  private filter(): void {
    const data = this.data;
    if (!data) return;
    const before = this.filtered;
    this.filtered = this.brushes.size > 0 || this.selected.size > 0;
    const selected = (id: string): number => Number(!this.filtered || this.selected.has(id));
    this.mask =
      this.brushes.size > 0
        ? within(data.dimensions, this.brushes, data.ids.length)
        : Uint8Array.from(data.ids, selected);
    this.handles.label(this.axes, this.brushes);
    if (before === this.filtered) this.redraw(1, brushLayer);
    else this.redraw(0, 1, brushLayer);
  }

  /** Tells the page which runs lie in the brushes. */
  private emit(): void {
    const ids = this.brushes.size > 0 ? this.visibleIds() : [];
    const found = new Set(ids);
    const same = sameSet(found, this.emitted);
    if (!same) this.emitted = found;
    this.selected = this.emitted;
    if (!same) this.options.onselect?.(ids);
  }
}

/** Gives each dimension a name of its own: a parameter may be called like a metric. */
function renamed(dimensions: readonly Dimension[]): Dimension[] {
  const used = new Set<string>();
  return dimensions.map((dimension) => {
    let { name } = dimension;
    for (let number = 2; used.has(name); number += 1) name = `${dimension.name} (${number})`;
    used.add(name);
    return { ...dimension, name };
  });
}
