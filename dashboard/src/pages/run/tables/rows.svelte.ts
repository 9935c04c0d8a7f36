// The rows of a logged table, loaded page by page as the reader scrolls.

import { get } from '../../../api/client';
import type { Json, LoggedTable } from '../../../api/types';

/** How many rows one request brings, and how many pages the page keeps. */
const PAGE = 100;
const KEPT = 60;

export interface View {
  sort: number | null;
  descending: boolean;
  /** Conditions as the API has them: `COLUMN:CONDITION`. */
  filters: string[];
}

export class Rows {
  /** The newest answer, for the columns and the counts. */
  about: LoggedTable | undefined = $state.raw();
  error: unknown = $state.raw();
  loading = $state(false);
  #pages: Map<number, LoggedTable> = $state.raw(new Map());
  #wanted = new Set<number>();
  #target: string;
  #file: string;
  #view: View;
  #abort = new AbortController();

  constructor(source: string, file: string, view: View) {
    this.#target = `${source}/tables`;
    this.#file = file;
    this.#view = view;
  }

  /** The cells of a row; `undefined` until they are loaded. */
  row(at: number): { cells: Json[]; number: number } | undefined {
    const page = this.#pages.get(Math.floor(at / PAGE));
    const cells = page?.rows[at % PAGE];
    return cells && { cells, number: page?.numbers[at % PAGE] ?? at };
  }

  /** Loads the pages with these rows. */
  need(from: number, to: number): void {
    for (let page = Math.floor(from / PAGE); page * PAGE < Math.max(to, 1); page += 1) {
      if (!this.#wanted.has(page)) void this.#load(page);
    }
  }

  stop(): void {
    this.#abort.abort();
  }

  async #load(page: number): Promise<void> {
    this.#wanted.add(page);
    this.loading = true;
    const { sort, descending, filters } = this.#view;
    const query = { path: this.#file, from: page * PAGE, limit: PAGE, sort, filter: filters };
    const order = sort === null ? {} : { descending };
    try {
      const signal = this.#abort.signal;
      const found = await get<LoggedTable>(this.#target, { ...query, ...order }, signal);
      const pages = new Map(this.#pages).set(page, found);
      for (const old of pages.keys()) {
        if (pages.size <= KEPT) break;
        pages.delete(old);
        this.#wanted.delete(old);
      }
      this.#pages = pages;
      this.about = found;
      this.error = undefined;
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      this.#wanted.delete(page);
      this.error = error;
    } finally {
      this.loading = false;
    }
  }
}
