// Sorts metrics into sections by the part of their names before the first `/`. This module is pure.

export interface Section {
  name: string;
  keys: string[];
  /** Whether the section is open before the reader changes it. */
  open: boolean;
}

/** The name of the section of metrics without a prefix. */
export const PLAIN = 'metrics';
/** Sections after so many charts begin closed, because the page fetches what is open. */
const MOST_OPEN = 40;

const order = new Intl.Collator('en', { numeric: true });

function prefix(key: string): string {
  const at = key.indexOf('/');
  return at > 0 ? key.slice(0, at) : PLAIN;
}

/** The sections in the order of their names; metrics without a prefix come first. */
export function sections(keys: readonly string[]): Section[] {
  const found = new Map<string, string[]>();
  for (const key of [...keys].sort(order.compare)) {
    const name = prefix(key);
    found.set(name, [...(found.get(name) ?? []), key]);
  }
  const names = [...found.keys()].sort(
    (a, b) => Number(b === PLAIN) - Number(a === PLAIN) || order.compare(a, b),
  );
  let charts = 0;
  return names.map((name) => {
    const inside = found.get(name) ?? [];
    const open = charts === 0 || charts + inside.length <= MOST_OPEN;
    if (open) charts += inside.length;
    return { name, keys: inside, open };
  });
}
