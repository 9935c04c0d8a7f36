// Sorts metrics into sections by the part of their names before the first `/`. This module is pure.

export interface Section {
  name: string;
  keys: string[];
  /** Whether the section is open before the reader changes it. */
  open: boolean;
}

/** The name of the section of metrics without a prefix. */
export const PLAIN = 'metrics';
/** The name of the section of what programs log about themselves, such as `_runtime`. */
export const OWN = 'about the program';
/** Sections after so many charts begin closed, because the page fetches what is open. */
const MOST_OPEN = 40;

const order = new Intl.Collator('en', { numeric: true });

function prefix(key: string): string {
  if (key.startsWith('_')) return OWN;
  const at = key.indexOf('/');
  return at > 0 ? key.slice(0, at) : PLAIN;
}

/**
 * Metrics by relevance: those with a goal first, then those that most runs have, then by name.
 */
export function byRelevance(
  keys: readonly { name: string; runs: number }[],
  goals: Readonly<Record<string, boolean>>,
): string[] {
  const rank = (name: string) => (goals[name] === undefined ? 1 : 0);
  return [...keys]
    .sort(
      (a, b) => rank(a.name) - rank(b.name) || b.runs - a.runs || order.compare(a.name, b.name),
    )
    .map(({ name }) => name);
}

/** The name of the section of the charts that the reader has pinned. */
export const PINNED = 'pinned';

/** The place of a section: the one without a prefix comes first, that about the program last. */
function place(name: string): number {
  return name === PLAIN ? 0 : name === OWN ? 2 : 1;
}

/**
 * The sections in the order of their names; pinned metrics come first, then those without a
 * prefix. The last one, about the program, begins closed if there are others. `keeps` leaves the
 * metrics of a section in the order in which they come.
 */
export function sections(
  keys: readonly string[],
  pinned: readonly string[] = [],
  keeps = false,
): Section[] {
  const found = new Map<string, string[]>();
  const top = pinned.filter((key) => keys.includes(key));
  const rest = keys.filter((key) => !top.includes(key));
  for (const key of keeps ? rest : rest.sort(order.compare)) {
    const name = prefix(key);
    found.set(name, [...(found.get(name) ?? []), key]);
  }
  const names = [...found.keys()].sort((a, b) => place(a) - place(b) || order.compare(a, b));
  let charts = 0;
  const first = top.length > 0 ? [{ name: PINNED, keys: top, open: true }] : [];
  const others = names.map((name) => {
    const inside = found.get(name) ?? [];
    const fits = name !== OWN && charts + inside.length <= MOST_OPEN;
    const open = charts === 0 || fits;
    if (open) charts += inside.length;
    return { name, keys: inside, open };
  });
  return [...first, ...others];
}
