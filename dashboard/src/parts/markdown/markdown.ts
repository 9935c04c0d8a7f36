// Asks the controller for the trees of texts in Markdown. Texts that are asked for at the same time
// share a request, and a tree that is known is not asked for again.

import { send } from '../../api/client';
import type { TextTree, TextTrees, Texts } from '../../api/types';

/** How many trees the page remembers. */
const KNOWN = 300;
/** How many texts, and how many of their letters, one request carries. */
const TEXTS = 100;
const LETTERS = 200_000;

const known = new Map<string, TextTree>();

interface Waiting {
  text: string;
  resolve: (tree: TextTree) => void;
  reject: (error: unknown) => void;
}

let waiting: Waiting[] = [];

function remember(text: string, tree: TextTree): void {
  known.set(text, tree);
  const oldest = known.keys().next().value;
  if (known.size > KNOWN && oldest !== undefined) known.delete(oldest);
}

async function ask(some: readonly Waiting[]): Promise<void> {
  const texts = [...new Set(some.map(({ text }) => text))];
  try {
    const body: Texts = { texts };
    const { trees } = await send<TextTrees>('POST', '/markdown', body);
    texts.forEach((text, index) => {
      const tree = trees[index];
      if (tree) remember(text, tree);
    });
    for (const one of some) one.resolve(known.get(one.text) ?? { blocks: [], cut: true });
  } catch (error) {
    for (const one of some) one.reject(error);
  }
}

function flush(): void {
  const all = waiting;
  waiting = [];
  let some: Waiting[] = [];
  let letters = 0;
  for (const one of all) {
    if (some.length > 0 && (some.length >= TEXTS || letters + one.text.length > LETTERS)) {
      void ask(some);
      some = [];
      letters = 0;
    }
    some.push(one);
    letters += one.text.length;
  }
  void ask(some);
}

/** The tree of a text. */
export function treeOf(text: string): Promise<TextTree> {
  const tree = known.get(text);
  if (tree) return Promise.resolve(tree);
  return new Promise((resolve, reject) => {
    if (waiting.length === 0) queueMicrotask(flush);
    waiting.push({ text, resolve, reject });
  });
}

/** The address behind a link: `null` if it leads to another place than this dashboard. */
export function inside(to: string, origin: string, base: string): string | null {
  if (!URL.canParse(to, base)) return null;
  const url = new URL(to, base);
  return url.origin === origin ? url.pathname + url.search + url.hash : null;
}
