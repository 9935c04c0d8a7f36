/** What all charts share: size, theme, layers, pointer, keyboard, selection and export. */

import './charts.css';
import { csv, type Table } from './data';
import { visible } from './format';
import { inFrame, notInFrame } from './frame';
import { contextOf, Layer, rulerOf, type Picture } from './layer';
import { CanvasPen, SvgPen, type Pen } from './pen';
import { Pointer, type Spot } from './pointer';
import { plain, readTheme, watchTheme, type Theme } from './theme';
import { hideTip, showTip, type Tip } from './tooltip';

export interface Options {
  /** The accessible name of the chart. */
  label: string;
  /** The user chose these ids; an empty list ends the choice. */
  onselect?: ((ids: string[]) => void) | undefined;
  onhover?: ((id: string | null) => void) | undefined;
  /** The user wants to open a run: a double click, or Enter on it. */
  onopen?: ((id: string) => void) | undefined;
  /** What to call a run; without it, a run is called by its id. */
  name?: ((id: string) => string) | undefined;
}

/** What a test may know about a chart. */
export interface Snapshot {
  chart: string;
  width: number;
  height: number;
  /** The ids that the chart shows at full strength. */
  visible: string[];
  selected: string[];
  hovered: string | null;
  /** The pixel of each id, relative to the chart. */
  points: Record<string, [number, number]>;
  /** The texts that tell a reader about limits of the picture. */
  notes: string[];
}

/** How long a slice of a long picture lasts, in milliseconds. */
const slice = 8;

export abstract class Chart<Data, Chosen extends Options = Options> {
  /** The name of the kind of chart, for tests. */
  protected abstract readonly kind: string;
  readonly root = document.createElement('div');
  protected theme: Theme = plain;
  protected width = 0;
  protected height = 0;
  protected data: Data | null = null;
  protected options: Chosen;
  protected selected: ReadonlySet<string> = new Set();
  protected hovered: string | null = null;
  private readonly layers: Layer[];
  private readonly dirty = new Set<number>();
  private readonly spoken = document.createElement('div');
  private readonly observer = new ResizeObserver(() => this.resize());
  private readonly forget: () => void;
  private readonly channel = new MessageChannel();
  private stale = true;
  private readonly draw = (): void => this.drawDirty();

  /** `long`: which layers draw long pictures. */
  constructor(element: HTMLElement, options: Chosen, long: readonly boolean[] = [false, false]) {
    this.options = options;
    this.layers = long.map((one) => new Layer(one));
    this.root.className = 'chart';
    this.root.tabIndex = 0;
    this.root.setAttribute('role', 'application');
    this.root.setAttribute('aria-roledescription', 'chart');
    this.root.setAttribute('aria-label', options.label);
    this.spoken.className = 'chart-spoken';
    this.spoken.setAttribute('aria-live', 'polite');
    this.root.append(...this.layers.map((layer) => layer.canvas), this.spoken);
    Object.defineProperty(this.root, 'chart', { value: this });
    element.append(this.root);
    this.listen();
    this.channel.port1.onmessage = () => this.proceed();
    this.forget = watchTheme(() => this.recolour());
    this.observer.observe(this.root);
    this.recolour();
  }

  set(data: Data): void {
    this.data = data;
    this.update();
  }

  /** Shows a selection that was made elsewhere. */
  select(ids: Iterable<string>): void {
    const before = this.selected;
    this.selected = setOf(ids);
    // The chart that made the selection gets it back, and has drawn it already.
    if (!sameSet(before, this.selected)) this.selectionChanged();
  }

  /** Shows what the pointer of another chart is on. */
  hover(id: string | null): void {
    if (id === this.hovered) return;
    this.hovered = id;
    this.redraw(this.last);
  }

  configure(change: Partial<Chosen>): void {
    this.options = { ...this.options, ...change };
    this.root.setAttribute('aria-label', this.options.label);
    this.update();
  }

  resize(): void {
    const { clientWidth, clientHeight } = this.root;
    this.width = clientWidth;
    this.height = clientHeight;
    for (const layer of this.layers) layer.resize(clientWidth, clientHeight);
    this.update();
  }

  destroy(): void {
    notInFrame(this.draw);
    for (const layer of this.layers) layer.cancel();
    this.channel.port1.close();
    this.observer.disconnect();
    this.forget();
    hideTip();
    this.root.remove();
  }

  abstract table(): Table;

  csv(): string {
    return csv(this.table());
  }

  /** The picture as the text of an SVG file, as large as on the screen. */
  svg(): string {
    this.settle();
    const pen = new SvgPen(this.width, this.height, this.theme, rulerOf(this.theme));
    this.paintAll(pen);
    return pen.toString();
  }

  /** The picture as a PNG file, `scale` times as large as on the screen. */
  png(scale = 2): Promise<Blob> {
    this.settle();
    const canvas = document.createElement('canvas');
    canvas.width = Math.max(1, Math.round(this.width * scale));
    canvas.height = Math.max(1, Math.round(this.height * scale));
    const context = contextOf(canvas);
    context.scale(scale, scale);
    context.fillStyle = this.theme.ground;
    context.fillRect(0, 0, this.width, this.height);
    this.paintAll(new CanvasPen(context, this.theme));
    return new Promise((resolve, reject) => {
      canvas.toBlob((blob) => {
        if (blob) resolve(blob);
        else reject(new Error('The browser could not make an image of this chart.'));
      });
    });
  }

  snapshot(): Snapshot {
    this.settle();
    return {
      chart: this.kind,
      width: this.width,
      height: this.height,
      visible: this.visibleIds(),
      selected: [...this.selected],
      hovered: this.hovered,
      points: this.pixels(),
      notes: this.notes(),
    };
  }

  /** Computes scales and places from the data and the size. */
  protected abstract arrange(data: Data): void;

  /** Draws one layer. The layer `last` holds what follows the pointer. */
  protected abstract paint(layer: number, pen: Pen): Picture;

  protected abstract visibleIds(): string[];

  protected abstract pixels(): Record<string, [number, number]>;

  protected notes(): string[] {
    return [];
  }

  /** The pointer is over the chart, and no button is pressed. */
  protected moved?(at: Spot): void;

  protected clicked?(at: Spot): void;

  protected doubled?(at: Spot): void;

  /** The pointer is dragged. At the end of the drag, `done` is true. */
  protected dragged?(from: Spot, to: Spot, done: boolean): void;

  protected wheeled?(at: Spot, event: WheelEvent): void;

  /** Handles a key. Returns whether it means something here. */
  protected pressed?(event: KeyboardEvent): boolean;

  /** The pointer leaves the chart. */
  protected left(): void {
    this.point(null);
  }

  protected selectionChanged(): void {
    this.redraw();
  }

  /** The user chose these ids. */
  protected choose(ids: Iterable<string>): void {
    this.select(ids);
    this.options.onselect?.([...this.selected]);
  }

  /** Adds an id to the selection, or removes it, or selects nothing else. */
  protected toggle(id: string, several: boolean): void {
    if (!several) {
      this.choose(this.selected.size === 1 && this.selected.has(id) ? [] : [id]);
      return;
    }
    const ids = new Set(this.selected);
    if (!ids.delete(id)) ids.add(id);
    this.choose(ids);
  }

  /** The user points at an id. */
  protected point(id: string | null, tip?: Tip, at?: Spot): void {
    if (tip && at) showTip(tip, at.clientX, at.clientY);
    else hideTip();
    if (id === this.hovered) return;
    this.hover(id);
    this.options.onhover?.(id);
  }

  /** Tells a screen reader what the keyboard is on, and shows it in the box at a pixel. */
  protected announce(tip: Tip, x: number, y: number): void {
    const { left, top } = this.root.getBoundingClientRect();
    showTip(tip, left + x, top + y);
    const rows = tip.rows.slice(0, 4).map((row) => `${row.name} ${row.value}`);
    this.spoken.textContent = [tip.title, ...rows].join(', ');
  }

  protected nameOf(id: string): string {
    return visible(this.options.name?.(id) ?? id);
  }

  /** Draws layers again at the next frame; all of them if none is named. */
  protected redraw(...layers: number[]): void {
    for (const layer of layers.length > 0 ? layers : this.layers.keys()) this.dirty.add(layer);
    inFrame(this.draw);
  }

  /** Arranges and draws everything again at the next frame. */
  protected update(): void {
    this.stale = true;
    for (const layer of this.layers) layer.cancel();
    this.redraw();
  }

  /** The layer of what follows the pointer. */
  protected get last(): number {
    return this.layers.length - 1;
  }

  private recolour(): void {
    this.theme = readTheme(this.root);
    this.update();
  }

  private settle(): void {
    if (!this.stale || this.data === null) return;
    this.stale = false;
    this.arrange(this.data);
  }

  private drawDirty(): void {
    if (this.width === 0 || this.height === 0 || this.data === null) return;
    this.settle();
    for (const index of this.dirty) {
      this.layers[index]?.start((pen) => this.paint(index, pen), this.theme);
    }
    this.dirty.clear();
    this.proceed();
  }

  private proceed(): void {
    const deadline = performance.now() + slice;
    // What the user just changed lies above. All layers must be asked, so `some` would be wrong.
    const above = [...this.layers].reverse();
    const unfinished = above.filter((layer) => layer.proceed(deadline, this.theme));
    if (unfinished.length > 0) this.channel.port2.postMessage(null);
  }

  private paintAll(pen: Pen): void {
    if (this.data === null) return;
    for (const layer of this.layers.keys()) {
      const picture = this.paint(layer, pen);
      if (picture) for (const step of picture) void step;
    }
  }

  private listen(): void {
    const ready = (): boolean => this.data !== null;
    new Pointer(this.root, {
      moved: (at) => ready() && this.moved?.(at),
      left: () => this.left(),
      clicked: (at) => ready() && this.clicked?.(at),
      doubled: (at) => ready() && this.doubled?.(at),
      dragged: (from, to, done) => ready() && this.dragged?.(from, to, done),
      wheeled: (at, event) => ready() && this.wheeled?.(at, event),
    });
    this.root.addEventListener('keydown', (event) => {
      if (!ready() || event.ctrlKey || event.metaKey || event.altKey) return;
      if (!this.pressed?.(event)) return;
      event.preventDefault();
      event.stopPropagation();
    });
    this.root.addEventListener('blur', () => hideTip());
  }
}

/** The ids as a set. A set that is given is not copied, so nobody may change it later. */
export function setOf(ids: Iterable<string>): ReadonlySet<string> {
  return ids instanceof Set ? (ids as ReadonlySet<string>) : new Set(ids);
}

/** Whether two sets hold the same ids. */
export function sameSet(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  if (one === other) return true;
  if (one.size !== other.size) return false;
  for (const id of one) if (!other.has(id)) return false;
  return true;
}
