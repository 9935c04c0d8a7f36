// How all line charts of a page are drawn. All but the zoom is in the address.

import { router } from '../../state/router.svelte';

export type Axis = 'step' | 'time' | `metric:${string}`;

export class LineView {
  readonly #first: Axis;
  /** The range of x that the reader zoomed to, in the unit of the axis. */
  zoom: [number, number] | null = $state.raw(null);

  constructor(first: Axis) {
    this.#first = first;
  }

  readonly x = $derived.by(() => (router.get('x') as Axis | null) ?? this.#first);
  readonly smooth = $derived(Math.min(0.99, Math.max(0, Number(router.get('smooth') ?? 0) || 0)));
  readonly logX = $derived(router.get('logx') === '1');
  readonly logY = $derived(router.get('log') === '1');
  readonly outliers = $derived(router.get('outliers') !== '0');
  readonly filter = $derived(router.get('m') ?? '');

  setX(x: Axis): void {
    this.zoom = null;
    router.set({ x: x === this.#first ? null : x });
  }

  flip(entry: 'log' | 'logx'): void {
    router.set({ [entry]: router.get(entry) === '1' ? null : '1' });
  }

  /** Every chart of the group tells its zoom; only a new one counts. */
  setZoom = (range: [number, number] | null): void => {
    if (range?.[0] !== this.zoom?.[0] || range?.[1] !== this.zoom?.[1]) this.zoom = range;
  };
}
