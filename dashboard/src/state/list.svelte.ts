// The keys of a list of runs: j and k move, x chooses, Enter opens, c compares.

import { bind } from './keys';

interface List {
  ids: () => string[];
  toggle: (id: string) => void;
  open: (id: string) => void;
  compare?: () => void;
}

/** Binds the keys while the component lives. The cursor is the number of a row, or -1. */
export function listKeys(list: List): { readonly cursor: number } {
  let cursor = $state(-1);

  function move(step: number): void {
    const { length } = list.ids();
    if (length > 0) cursor = Math.min(length - 1, Math.max(0, cursor + step));
  }

  function at(action: (id: string) => void): void {
    const id = list.ids()[cursor];
    if (id !== undefined) action(id);
  }

  $effect(() =>
    bind({
      j: () => move(1),
      k: () => move(-1),
      x: () => at(list.toggle),
      o: () => at(list.open),
      c: () => list.compare?.(),
    }),
  );

  return {
    get cursor() {
      return cursor;
    },
  };
}
