// The step that a page shows, among those that have something to show. The address holds it.

import { router } from '../../../state/router.svelte';
import { placeOf } from './values';

export class StepChoice {
  readonly #all: () => readonly number[];
  /** The step under the moving slider; the address follows when the slider rests. */
  #moving: number | null = $state(null);

  readonly steps = $derived.by(() => this.#all());
  /** The index of the step. */
  readonly at = $derived.by(() => {
    const asked = this.#moving ?? Number(router.get('step') ?? Infinity);
    return Number.isNaN(asked) ? this.steps.length - 1 : placeOf(this.steps, asked);
  });
  readonly step = $derived.by(() => this.steps[this.at] ?? 0);

  constructor(all: () => readonly number[]) {
    this.#all = all;
  }

  /** Shows the step with this index while the slider moves. */
  move(to: number): void {
    this.#moving = this.steps[to] ?? null;
  }

  /** Goes to the step with this index, or to the nearest one. */
  go(to: number): void {
    const last = this.steps.length - 1;
    const place = Math.max(0, Math.min(last, to));
    this.#moving = null;
    // The last step stays the last one while more steps come.
    router.set({ step: place === last ? null : String(this.steps[place]) });
  }
}
