// The options that the linked charts of the sweep page share.

import { router } from '../../state/router.svelte';
import { links } from '../../state/routes';
import type { Shared } from './shared';

export function chartOptions(shared: Shared, label: string) {
  return {
    label,
    onselect: shared.selection.choose,
    onhover: shared.selection.hover,
    onopen: (id: string) => router.go(links.run(shared.at, id)),
    name: (id: string) => nameOf(shared, id),
  };
}

/** The names of runs by their ids, made once for each answer. */
const known = new WeakMap<object, Map<string, string>>();

export function nameOf(shared: Shared, id: string): string {
  const frame = shared.trials.value;
  if (!frame) return id;
  let names = known.get(frame);
  if (!names) {
    const texts = frame.texts('name');
    names = new Map(frame.texts('id').map((key, row) => [key ?? '', texts[row] || (key ?? '')]));
    known.set(frame, names);
  }
  return names.get(id) ?? id;
}
