/** Bars with error bars: how important each parameter is. */

import { crisp } from './axes';
import { Chart } from './chart';
import { categoryColour } from './colours';
import type { Table } from './data';
import { number, shorten, visible } from './format';
import { rulerOf, type Picture } from './layer';
import type { Pen } from './pen';
import type { Spot } from './pointer';
import { Scale } from './scale';
import { linearTicks } from './ticks';
import type { Tip } from './tooltip';

export interface Bar {
  name: string;
  value: number;
  /** The ends of the error bar. */
  low?: number | undefined;
  high?: number | undefined;
  /** The part of the value that does not come from interactions. */
  alone?: number | undefined;
}

export interface BarsData {
  /** The largest first. */
  bars: readonly Bar[];
  /** The values are shares of one, to be shown in percent. */
  percent?: boolean | undefined;
  /** Why the bars should not be trusted; they are grey then. */
  weak?: string | undefined;
  /** How the values were computed. */
  note?: string | undefined;
}

const thickest = 30;
const thinnest = 17;

export class Bars extends Chart<BarsData> {
  protected readonly kind: string = 'bars';
  private shown: readonly Bar[] = [];
  private scale = new Scale('linear', 0, 1);
  private row = 0;
  private top = 0;

  table(): Table {
    const rows = (this.data?.bars ?? []).map(({ name, value, alone, low, high }) => {
      return [name, value, alone ?? null, low ?? null, high ?? null];
    });
    return { columns: ['name', 'value', 'alone', 'low', 'high'], rows };
  }

  protected arrange(data: BarsData): void {
    const pen = rulerOf(this.theme);
    this.top = 4 + 15 * this.lines().length;
    const bottom = this.height - 20;
    const room = Math.max(1, Math.floor((bottom - this.top) / thinnest));
    this.shown = data.bars.slice(0, room);
    this.row = Math.min(thickest, (bottom - this.top) / Math.max(1, this.shown.length));
    const names = this.shown.map((bar) => pen.measure(this.label(bar)));
    const left = Math.min(this.width * 0.45, Math.max(20, ...names) + 14);
    const highest = Math.max(
      ...this.shown.map(({ value, high }) => Math.max(value, high ?? value)),
      0,
    );
    this.scale = new Scale('linear', 0, highest || 1).place(left, this.width - 58);
  }

  protected paint(layer: number, pen: Pen): Picture {
    if (layer === this.last) {
      const index = this.shown.findIndex((bar) => bar.name === this.hovered);
      if (index < 0) return;
      pen.begin();
      pen.rect(0, this.top + index * this.row, this.width, this.row);
      pen.fill(this.theme.ink, 0.06);
      return;
    }
    this.lines().forEach((text, index) => {
      const colour = index === 0 && this.data?.weak ? this.theme.warn : this.theme.muted;
      pen.text(text, 4, 4 + 15 * index, { colour, base: 'top' });
    });
    this.drawGrid(pen);
    this.shown.forEach((bar, index) => this.drawBar(pen, bar, index));
  }

  protected visibleIds(): string[] {
    return this.shown.map((bar) => bar.name);
  }

  protected pixels(): Record<string, [number, number]> {
    return Object.fromEntries(
      this.shown.map(({ name, value }, index) => [
        name,
        [this.scale.to(value), this.middle(index)],
      ]),
    );
  }

  protected override notes(): string[] {
    return this.lines();
  }

  protected override moved(at: Spot): void {
    const bar = this.shown[Math.floor((at.y - this.top) / this.row)];
    this.root.style.cursor = bar ? 'pointer' : 'default';
    if (bar) this.point(bar.name, this.tip(bar), at);
    else this.point(null);
  }

  protected override clicked(at: Spot): void {
    const bar = this.shown[Math.floor((at.y - this.top) / this.row)];
    if (bar) this.toggle(bar.name, at.several);
  }

  protected override pressed(event: KeyboardEvent): boolean {
    const now = this.shown.findIndex((bar) => bar.name === this.hovered);
    if (event.key === 'Enter' || event.key === ' ') {
      if (this.hovered !== null) this.toggle(this.hovered, event.shiftKey);
      return true;
    }
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return false;
    const next = Math.max(
      0,
      Math.min(this.shown.length - 1, now + (event.key === 'ArrowDown' ? 1 : -1)),
    );
    const bar = this.shown[next];
    if (!bar) return true;
    this.point(bar.name);
    this.announce(this.tip(bar), this.scale.to(bar.value), this.middle(next));
    return true;
  }

  /** The texts above the bars. */
  private lines(): string[] {
    const all = this.data?.bars.length ?? 0;
    const hidden = this.shown.length < all ? [`${this.shown.length} of ${all} shown`] : [];
    const note = [this.data?.note ?? [], hidden].flat().join(' · ');
    return [this.data?.weak ?? '', note].filter((text) => text !== '');
  }

  private drawGrid(pen: Pen): void {
    const { start, end, low, high } = this.scale;
    const [top, bottom] = [this.top, this.top + this.row * this.shown.length];
    const factor = this.data?.percent ? 100 : 1;
    pen.begin();
    const ticks = linearTicks(
      low * factor,
      high * factor,
      Math.max(2, Math.floor((end - start) / 60)),
    );
    for (const { value, label } of ticks) {
      const x = crisp(this.scale.to(value / factor));
      pen.move(x, top);
      pen.line(x, bottom);
      const style = { colour: this.theme.muted, align: 'center', base: 'top' } as const;
      pen.text(this.data?.percent ? `${label} %` : label, x, bottom + 5, style);
    }
    pen.stroke({ colour: this.theme.grid });
  }

  private drawBar(pen: Pen, bar: Bar, index: number): void {
    const { theme, scale } = this;
    const y = this.middle(index);
    const half = Math.min(9, this.row * 0.32);
    // The selection of other charts holds runs, which are no names of bars.
    const chosen = this.shown.some((one) => this.selected.has(one.name));
    const faded = chosen && !this.selected.has(bar.name);
    const colour = this.data?.weak ? theme.muted : categoryColour(0, theme.dark);
    const strength = faded ? 0.3 : 1;
    pen.begin();
    pen.rect(scale.start, y - half, Math.max(1, scale.to(bar.value) - scale.start), 2 * half);
    pen.fill(colour, (bar.alone === undefined ? 0.8 : 0.38) * strength);
    if (bar.alone !== undefined) {
      pen.begin();
      pen.rect(scale.start, y - half, Math.max(1, scale.to(bar.alone) - scale.start), 2 * half);
      pen.fill(colour, 0.75 * strength);
    }
    const name = {
      colour: theme.ink,
      align: 'right',
      bold: this.selected.has(bar.name),
    } as const;
    pen.text(this.label(bar), scale.start - 8, y, name);
    const edge = Math.max(scale.to(bar.value), scale.to(bar.high ?? bar.value));
    pen.text(this.write(bar.value), edge + 7, y, { colour: theme.ink });
    if (bar.low === undefined || bar.high === undefined) return;
    const [low, high] = [scale.to(bar.low), scale.to(bar.high)];
    pen.begin();
    pen.move(low, crisp(y));
    pen.line(high, crisp(y));
    for (const end of [low, high]) {
      pen.move(crisp(end), y - 4);
      pen.line(crisp(end), y + 4);
    }
    pen.stroke({ colour: theme.ink, width: 1.2, alpha: strength });
  }

  private middle(index: number): number {
    return this.top + (index + 0.5) * this.row;
  }

  private label({ name }: Bar): string {
    return shorten(visible(name), 22);
  }

  private write(value: number): string {
    return this.data?.percent ? `${number(value * 100, 2)} %` : number(value, 3);
  }

  private tip(bar: Bar): Tip {
    const rows = [{ name: 'total', value: this.write(bar.value), strong: true }];
    const add = (name: string, value: string): number =>
      rows.push({ name, value, strong: false });
    if (bar.alone !== undefined) add('alone', this.write(bar.alone));
    if (bar.low !== undefined && bar.high !== undefined) {
      add('range', `${this.write(bar.low)} to ${this.write(bar.high)}`);
    }
    return { title: bar.name, rows };
  }
}
