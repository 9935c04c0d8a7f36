// The names of sweeps and runs by their ids, for the bar and the title of the window.

class Crumb {
  #names: Record<string, string> = $state({});

  /** Keeps the name that belongs to an id. */
  name(id: string, name: string): void {
    if (name) this.#names[id] = name;
  }

  of(id: string): string {
    return this.#names[id] ?? id;
  }
}

export const crumb = new Crumb();
