// The runs that the reader chose and the run under the pointer, shared by all views of a page.

const NONE: ReadonlySet<string> = new Set();

export class Selection {
  chosen: ReadonlySet<string> = $state.raw(NONE);
  hovered: string | null = $state(null);

  /** Chooses exactly these runs. */
  choose = (ids: Iterable<string>): void => {
    const next = new Set(ids);
    if (next.size === 0 && this.chosen.size === 0) return;
    this.chosen = next;
  };

  toggle = (id: string): void => {
    const next = new Set(this.chosen);
    if (!next.delete(id)) next.add(id);
    this.chosen = next;
  };

  clear = (): void => this.choose([]);

  hover = (id: string | null): void => {
    this.hovered = id;
  };
}
