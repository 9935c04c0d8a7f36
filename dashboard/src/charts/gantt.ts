/** Which run was on which slot of the fleet, and when. */

import { crisp, xTicks } from './axes';
import { Chart, type Options } from './chart';
import { resultColour, runColour } from './colours';
import { iso, type Table } from './data';
import { duration, moment, shorten, visible } from './format';
import { rulerOf, type Picture } from './layer';
import type { Pen } from './pen';
import type { Spot } from './pointer';
import { Scale } from './scale';
import { legend, stateLook, stateOrder } from './states';
import type { Tip, TipRow } from './tooltip';

export interface Span {
  /** The id of the run. */
  id: string;
  lane: string;
  label: string;
  state: string;
  from_ms: number;
  /** null: the span lasts until now. */
  to_ms: number | null;
  /** Without it, the state or the run decides. */
  colour?: string | undefined;
  /** What the colour stands for if the chart is coloured by groups, such as the sweep. */
  group?: string | undefined;
  /** How good the result is, from 0 to 1 for the best, if the chart is coloured by results. */
  rank?: number | undefined;
  /** More facts for the reader. */
  facts?: readonly { name: string; value: string }[] | undefined;
}

export interface GanttData {
  spans: readonly Span[];
  /** All lanes in order, also those without a span; else the lanes of the spans. */
  lanes?: readonly string[] | undefined;
  now_ms: number;
}

export interface GanttOptions extends Options {
  /** The range of time; without it, the range of the spans. */
  from?: number | undefined;
  to?: number | undefined;
  colour?: 'state' | 'run' | 'group' | 'result' | undefined;
}

const laneHeight = 26;
const above = 22;
const below = 22;

interface Place {
  span: Span;
  left: number;
  right: number;
  top: number;
  height: number;
}

export class Gantt extends Chart<GanttData, GanttOptions> {
  protected readonly kind: string = 'gantt';
  private lanes: string[] = [];
  private row = laneHeight;
  private scale = new Scale('time', 0, 1);
  private places: Place[] = [];
  private range: [number, number] | null = null;
  private drag: [number, number] | null = null;

  /** The height that an element needs for some lanes. */
  static height(lanes: number): number {
    return above + below + lanes * laneHeight;
  }

  table(): Table {
    const rows = (this.data?.spans ?? []).map((span) => {
      return [span.lane, span.id, span.label, span.state, iso(span.from_ms), iso(span.to_ms)];
    });
    return { columns: ['slot', 'run', 'label', 'state', 'from', 'to'], rows };
  }

  protected arrange(data: GanttData): void {
    const pen = rulerOf(this.theme);
    this.lanes = [...new Set(data.lanes ?? data.spans.map((span) => span.lane))];
    const widths = this.lanes.map((lane) => pen.measure(shorten(visible(lane), 22)));
    const left = Math.min(this.width * 0.35, Math.max(20, ...widths) + 14);
    const [low, high] = this.range ?? this.whole(data);
    this.scale = new Scale('time', low, high).place(left, this.width - 12);
    const room = (this.height - above - below) / Math.max(1, this.lanes.length);
    this.row = Math.min(34, Math.max(8, room));
    const rowOf = new Map(this.lanes.map((lane, index) => [lane, index]));
    this.places = data.spans.flatMap((span) => {
      const row = rowOf.get(span.lane);
      const until = span.to_ms ?? data.now_ms;
      if (row === undefined || !(until >= low && span.from_ms <= high)) return [];
      const [from, to] = [
        this.scale.to(Math.max(low, span.from_ms)),
        this.scale.to(Math.min(high, until)),
      ];
      const top = above + row * this.row + 2;
      return [
        { span, left: from, right: Math.max(from + 1.5, to - 1), top, height: this.row - 4 },
      ];
    });
  }

  protected paint(layer: number, pen: Pen): Picture {
    if (layer === this.last) {
      this.drawPointer(pen);
      return;
    }
    this.drawLanes(pen);
    for (const place of this.places) this.drawSpan(pen, place);
    const present = new Set(this.data?.spans.map((span) => span.state));
    const shown =
      (this.options.colour ?? 'state') !== 'state'
        ? []
        : stateOrder.filter((state) => present.has(state));
    const entries = shown.map((text) => ({
      ...stateLook(text, this.theme),
      text,
      shape: 'square' as const,
    }));
    legend(pen, this.theme, entries, this.width - 12, 9);
  }

  protected visibleIds(): string[] {
    const ids = new Set(this.places.map(({ span }) => span.id));
    return [...ids].filter((id) => this.bright(id));
  }

  protected pixels(): Record<string, [number, number]> {
    const middle = ({ left, right, top, height }: Place): [number, number] => [
      (left + right) / 2,
      top + height / 2,
    ];
    return Object.fromEntries(this.places.map((place) => [place.span.id, middle(place)]));
  }

  protected override moved(at: Spot): void {
    const place = this.placeAt(at);
    this.root.style.cursor = place ? 'pointer' : 'crosshair';
    if (place) this.point(place.span.id, this.tip(place.span), at);
    else this.point(null);
  }

  protected override clicked(at: Spot): void {
    const place = this.placeAt(at);
    if (place) this.toggle(place.span.id, at.several);
    else if (this.selected.size > 0) this.choose([]);
  }

  protected override doubled(at: Spot): void {
    const place = this.placeAt(at);
    if (place) this.options.onopen?.(place.span.id);
    else this.zoom(null);
  }

  protected override dragged(from: Spot, to: Spot, done: boolean): void {
    const edges = [from.x, to.x].map((x) =>
      Math.min(this.scale.end, Math.max(this.scale.start, x)),
    );
    const [left = 0, right = 0] = edges.sort((a, b) => a - b);
    this.drag = done ? null : [left, right];
    this.redraw(this.last);
    if (done && right - left > 4) this.zoom([this.scale.from(left), this.scale.from(right)]);
  }

  protected override wheeled(at: Spot, event: WheelEvent): void {
    // Without the key, the wheel scrolls the page.
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    this.zoomBy(event.deltaY > 0 ? 1.25 : 0.8, this.scale.from(at.x));
  }

  protected override pressed(event: KeyboardEvent): boolean {
    switch (event.key) {
      case '+':
      case '=':
        this.zoomBy(0.5, this.scale.value(0.5));
        return true;
      case '-':
        this.zoomBy(2, this.scale.value(0.5));
        return true;
      case '0':
        this.zoom(null);
        return true;
      case 'Escape':
        this.zoom(null);
        this.point(null);
        if (this.selected.size > 0) this.choose([]);
        return true;
      case ' ':
        if (this.hovered !== null) this.toggle(this.hovered, event.shiftKey);
        return true;
      case 'Enter':
        if (this.hovered !== null) this.options.onopen?.(this.hovered);
        return true;
      default:
        return this.step(event.key);
    }
  }

  /** Shows a range of time; null: everything. */
  zoom(range: [number, number] | null): void {
    this.range = range;
    this.update();
  }

  private zoomBy(factor: number, middle: number): void {
    if (!this.data) return;
    const { low, high } = this.scale;
    const [first, last] = this.whole(this.data);
    const from = Math.max(first, middle - (middle - low) * factor);
    const to = Math.min(last, middle + (high - middle) * factor);
    if (to - from < 1000) return;
    this.zoom(from <= first && to >= last ? null : [from, to]);
  }

  private whole(data: GanttData): [number, number] {
    const { from, to } = this.options;
    const starts = data.spans.map((span) => span.from_ms).filter(Number.isFinite);
    const low = from ?? starts.reduce((least, one) => Math.min(least, one), data.now_ms);
    const high = to ?? data.now_ms;
    return [low, Math.max(high, low + 60000)];
  }

  private step(key: string): boolean {
    const now = this.places.findIndex(({ span }) => span.id === this.hovered);
    const place = this.places[now];
    const byLane = { ArrowUp: -1, ArrowDown: 1 }[key];
    const byTime = { ArrowLeft: -1, ArrowRight: 1 }[key];
    if (byLane === undefined && byTime === undefined) return false;
    const order = [...this.places].sort((a, b) => a.top - b.top || a.left - b.left);
    let next = order[0];
    if (place && byTime !== undefined) next = order[order.indexOf(place) + byTime];
    if (place && byLane !== undefined) {
      const other = order.filter((one) =>
        byLane > 0 ? one.top > place.top : one.top < place.top,
      );
      const lane = byLane > 0 ? other[0]?.top : other[other.length - 1]?.top;
      next = other.find((one) => one.top === lane && one.right >= place.left) ?? other[0];
    }
    if (!next) return true;
    this.point(next.span.id);
    this.announce(this.tip(next.span), next.left, next.top + next.height);
    return true;
  }

  private bright(id: string): boolean {
    return this.selected.size === 0 || this.selected.has(id);
  }

  private placeAt({ x, y }: Spot): Place | undefined {
    return this.places.findLast(({ left, right, top, height }) => {
      return x >= left - 1 && x <= right + 1 && y >= top && y <= top + height;
    });
  }

  private tip(span: Span): Tip {
    const until = span.to_ms ?? this.data?.now_ms ?? span.from_ms;
    const rows: TipRow[] = [
      { name: 'state', value: span.state, colour: this.colourOf(span), strong: true },
      { name: 'slot', value: visible(span.lane) },
      { name: 'from', value: moment(span.from_ms) },
      { name: 'to', value: span.to_ms === null ? 'now' : moment(span.to_ms) },
      { name: 'length', value: duration((until - span.from_ms) / 1000) },
      ...(span.facts ?? []).map(({ name, value }) => ({ name, value: visible(value, 60) })),
    ];
    return { title: span.label, rows };
  }

  private colourOf(span: Span): string {
    if (span.colour !== undefined) return span.colour;
    const { dark, muted } = this.theme;
    switch (this.options.colour) {
      case 'run':
        return runColour(span.id, dark);
      case 'group':
        return span.group === undefined ? muted : runColour(span.group, dark);
      case 'result':
        return span.rank === undefined ? muted : resultColour(span.rank, dark);
      default:
    }
    return stateLook(span.state, this.theme).colour;
  }

  private drawLanes(pen: Pen): void {
    const { theme, scale } = this;
    const bottom = above + this.row * this.lanes.length;
    this.lanes.forEach((lane, index) => {
      const top = above + index * this.row;
      pen.begin();
      pen.rect(scale.start, top + 2, scale.end - scale.start, this.row - 4);
      pen.fill(theme.grid, 0.55);
      const style = { colour: theme.ink, align: 'right' } as const;
      pen.text(shorten(visible(lane), 22), scale.start - 8, top + this.row / 2, style);
    });
    pen.begin();
    for (const { value, label } of xTicks(pen, scale)) {
      const x = crisp(scale.to(value));
      pen.move(x, above);
      pen.line(x, bottom + 3);
      const edge = scale.end + 8 - pen.measure(label) / 2;
      const style = { colour: theme.muted, align: 'center', base: 'top' } as const;
      pen.text(label, Math.min(x, edge), bottom + 6, style);
    }
    pen.stroke({ colour: theme.muted, alpha: 0.25 });
  }

  private drawSpan(pen: Pen, { span, left, right, top, height }: Place): void {
    const { theme } = this;
    const colour = this.colourOf(span);
    const strength = this.bright(span.id) ? 1 : 0.25;
    const { shape } = stateLook(span.state, theme);
    const hollow = shape === 'ring' || shape === 'small';
    pen.begin();
    pen.rect(left, top, right - left, height);
    pen.fill(colour, (hollow ? 0.3 : 0.85) * strength);
    if (hollow) pen.stroke({ colour, alpha: 0.8 * strength });
    pen.clip(left, top, right - left, height);
    if (shape === 'cross') hatch(pen, left, right, top, height, theme.ground);
    const text = visible(span.label, 40);
    if (pen.measure(text) + 10 <= right - left) {
      const ink = hollow ? theme.ink : theme.dark ? '#10141a' : '#ffffff';
      pen.text(text, left + 5, top + height / 2, { colour: ink });
    }
    pen.unclip();
    if (span.to_ms !== null || right >= this.scale.end + 1) return;
    // The open end of a run that goes on.
    pen.begin();
    pen.move(right, top);
    pen.line(right + 5, top + height / 2);
    pen.line(right, top + height);
    pen.close();
    pen.fill(colour, 0.85 * strength);
  }

  private drawPointer(pen: Pen): void {
    if (this.drag) {
      pen.begin();
      pen.rect(this.drag[0], above, this.drag[1] - this.drag[0], this.row * this.lanes.length);
      pen.fill(this.theme.accent, 0.16);
    }
    let before: Place | undefined;
    for (const place of this.places) {
      const { span, left, right, top, height } = place;
      if (span.id !== this.hovered) continue;
      // Several spans of one run are its attempts, and a line leads from each to the next.
      if (before) {
        pen.begin();
        pen.move(before.right, before.top + before.height / 2);
        pen.line(left, top + height / 2);
        pen.stroke({ colour: this.theme.ink, width: 1.4, dash: [4, 3] });
      }
      before = place;
      pen.begin();
      pen.rect(left, top, right - left, height);
      pen.stroke({ colour: this.theme.ink, width: 2 });
    }
  }
}

/** Draws slanted lines over a rectangle. */
function hatch(
  pen: Pen,
  left: number,
  right: number,
  top: number,
  height: number,
  colour: string,
): void {
  pen.begin();
  for (let x = left - height; x < right; x += 6) {
    pen.move(x, top + height);
    pen.line(x + height, top);
  }
  pen.stroke({ colour, width: 1.4, alpha: 0.35 });
}
