// The keys of the runs of a workspace: those of any list, and `b` for the baseline.

import { bind } from '../../state/keys';
import { listKeys } from '../../state/list.svelte';
import { router } from '../../state/router.svelte';
import { links } from '../../state/routes';
import type { Workspace } from './workspace.svelte';

/** Binds the keys while the component lives. `ids` has an empty text for each heading. */
export function runKeys(
  space: () => Workspace,
  ids: () => string[],
  compare: () => void,
): { readonly cursor: number } {
  const keys = listKeys({
    ids,
    toggle: (id) => id && space().selection.toggle(id),
    open: (id) => id && router.go(links.run(space().at, id)),
    compare,
  });
  $effect(() =>
    bind({
      b: () => {
        const id = ids()[keys.cursor] || space().selection.hovered;
        if (id) space().mark(id);
      },
    }),
  );
  return keys;
}
