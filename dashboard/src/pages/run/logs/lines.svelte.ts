// The lines of a run's console: all of them by their numbers, page by page, or those that a search
// finds, from the newest one backwards.

import { get, path, type Query } from '../../../api/client';
import type { Console, Line } from '../../../api/types';

/** How many lines one request brings, and how many pages are kept. */
const PAGE = 500;
const KEPT = 40;

export class AllLines {
  total = $state(0);
  loaded = $state(false);
  error: unknown = $state.raw();
  #target: string;
  #pages: Map<number, Line[]> = $state.raw(new Map());
  /** The pages that are there or under way. */
  #wanted = new Set<number>();
  #abort = new AbortController();

  constructor(run: string) {
    this.#target = `/runs${path(run, 'console')}`;
  }

  line(number: number): Line | undefined {
    return this.#pages.get(Math.floor(number / PAGE))?.[number % PAGE];
  }

  stop(): void {
    this.#abort.abort();
  }

  async #get(query: Query): Promise<Console | undefined> {
    try {
      const found = await get<Console>(this.#target, query, this.#abort.signal);
      this.error = undefined;
      this.loaded = true;
      return found;
    } catch (error) {
      if (!this.#abort.signal.aborted) this.error = error;
      return undefined;
    }
  }

  /** Finds out how many lines there are. The last page is loaded again if there are more. */
  async refresh(): Promise<void> {
    const found = await this.#get({ limit: 1 });
    if (!found || found.total === this.total) return;
    // Lines of an attempt that no longer counts are gone, so the numbers may mean other lines.
    const isOther = found.total < this.total;
    if (isOther) this.#wanted.clear();
    else this.#wanted.delete(Math.floor(this.total / PAGE));
    this.total = found.total;
  }

  /** Loads the pages with these lines. */
  need(from: number, to: number): void {
    for (let page = Math.floor(from / PAGE); page * PAGE < to; page += 1) {
      if (!this.#wanted.has(page)) void this.#load(page);
    }
  }

  async #load(page: number): Promise<void> {
    this.#wanted.add(page);
    const found = await this.#get({ before: (page + 1) * PAGE, limit: PAGE });
    if (!found) {
      this.#wanted.delete(page);
      return;
    }
    const lines: Line[] = [];
    for (const line of found.lines) {
      if (Math.floor(line.number / PAGE) === page) lines[line.number % PAGE] = line;
    }
    const pages = new Map(this.#pages);
    pages.delete(page);
    pages.set(page, lines);
    for (const old of pages.keys()) {
      if (pages.size <= KEPT) break;
      pages.delete(old);
      this.#wanted.delete(old);
    }
    this.#pages = pages;
    this.total = Math.max(this.total, found.total);
  }

  /** The number of the first line at a moment or later; that of all lines if there is none. */
  async numberAt(ms: number): Promise<number | undefined> {
    const found = await this.#get({ at_ms: ms, limit: 1 });
    return found && (found.lines[0]?.number ?? found.total);
  }
}

export class FoundLines {
  lines: Line[] = $state.raw([]);
  loaded = $state(false);
  error: unknown = $state.raw();
  busy = $state(false);
  /** The first and the last line that were looked at. */
  #first = $state(0);
  #last = 0;
  #target: string;
  #query: Query;
  #abort = new AbortController();

  constructor(run: string, search: string, errors: boolean) {
    this.#target = `/runs${path(run, 'console')}`;
    this.#query = { search, errors, limit: PAGE };
  }

  get hasOlder(): boolean {
    return this.#first > 0;
  }

  stop(): void {
    this.#abort.abort();
  }

  /** Loads the newest lines, those before the first one, or those after the last one. */
  async load(which: 'newest' | 'older' | 'newer'): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    const place =
      which === 'older'
        ? { before: this.#first }
        : which === 'newer'
          ? { after: this.#last }
          : {};
    try {
      const target = this.#target;
      const found = await get<Console>(target, { ...this.#query, ...place }, this.#abort.signal);
      if (which !== 'newer') this.#first = found.first;
      if (which !== 'older') this.#last = found.last;
      const { lines } = found;
      if (which === 'older') this.lines = [...lines, ...this.lines];
      else this.lines = which === 'newer' ? [...this.lines, ...lines] : lines;
      this.error = undefined;
      this.loaded = true;
    } catch (error) {
      if (!this.#abort.signal.aborted) this.error = error;
    } finally {
      this.busy = false;
    }
  }
}

/**
 * Loads all lines as one text, up to a bound, and says how many there are in all. `told` hears how
 * many are loaded so far.
 */
export async function download(
  run: string,
  told: (lines: number) => void,
): Promise<{ text: string; lines: number; total: number }> {
  const [target, limit, most] = [`/runs${path(run, 'console')}`, 5_000, 1_000_000];
  const parts: string[] = [];
  let total = 0;
  for (let from = 0; from < most; from += limit) {
    const query = from === 0 ? { before: limit, limit } : { after: from - 1, limit };
    const found = await get<Console>(target, query);
    parts.push(...found.lines.map(({ text }) => `${text}\n`));
    told(parts.length);
    total = found.total;
    if (from + limit >= total) break;
  }
  return { text: parts.join(''), lines: parts.length, total };
}
