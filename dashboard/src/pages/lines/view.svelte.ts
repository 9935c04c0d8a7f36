// How all line charts of a page are drawn. All but the zoom and the pointer is in the address.

import type { Order } from '../../charts/linetip';
import { router } from '../../state/router.svelte';

export type Axis = 'step' | 'time' | `metric:${string}`;

/** How the charts draw a group of runs. */
export type Draw = 'range' | 'deviation' | 'lines';

/** What is told about the runs of the charts, if several of them are drawn. */
export interface Several {
  /** The groups to draw in place of single runs. */
  groups: readonly LineGroup[];
  draw: Draw;
  /** The run that the others are compared with. */
  baseline: string | null;
  /** Whether the largest value of each metric is the best. */
  goals: Readonly<Record<string, boolean>>;
  /** The config values of a run that differ among the drawn runs. */
  details: (id: string) => readonly (readonly [string, string])[];
  /** The config values that the legend may show. */
  labels: readonly string[];
}

export interface LineGroup {
  id: string;
  label: string;
  runs: readonly string[];
}

type Switch = 'log' | 'logx' | 'legend';

export class LineView {
  readonly #first: Axis;
  /** The range of x that the reader zoomed to, in the unit of the axis. */
  zoom: [number, number] | null = $state.raw(null);
  /** Where the cursor is that all charts share. */
  cursor: number | null = $state(null);
  /** The chart that fills the screen. */
  full: string | null = $state(null);
  /** The chart under the pointer or with the focus. */
  under: string | null = null;

  constructor(first: Axis) {
    this.#first = first;
  }

  readonly x = $derived.by(() => (router.get('x') as Axis | null) ?? this.#first);
  readonly smooth = $derived(Math.min(0.99, Math.max(0, Number(router.get('smooth') ?? 0) || 0)));
  readonly logX = $derived(router.get('logx') === '1');
  readonly logY = $derived(router.get('log') === '1');
  readonly outliers = $derived(router.get('outliers') !== '0');
  readonly filter = $derived(router.get('m') ?? '');
  readonly legend = $derived(router.get('legend') === '1');
  readonly order = $derived<Order>(
    (['last', 'best'] as const).find((order) => order === router.get('order')) ?? 'cursor',
  );
  readonly byRelevance = $derived(router.get('panels') === 'relevance');
  readonly pinned = $derived(router.all('pin'));

  setX(x: Axis): void {
    this.zoom = null;
    router.set({ x: x === this.#first ? null : x });
  }

  flip(entry: Switch): void {
    router.set({ [entry]: router.get(entry) === '1' ? null : '1' });
  }

  /** Puts a chart at the top, or back to its section. */
  pin(metric: string): void {
    const others = this.pinned.filter((one) => one !== metric);
    router.set({ pin: others.length < this.pinned.length ? others : [...others, metric] });
  }

  /** Makes the chart under the pointer fill the screen, or ends it. */
  fill = (): void => {
    this.full = this.full === null ? this.under : null;
  };

  /** Every chart of the group tells its zoom; only a new one counts. */
  setZoom = (range: [number, number] | null): void => {
    if (range?.[0] !== this.zoom?.[0] || range?.[1] !== this.zoom?.[1]) this.zoom = range;
  };
}
