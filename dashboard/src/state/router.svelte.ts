// The router: the path names the page, and the query holds the page's state.

import { compile, type Match } from './routes';

const match = compile();

interface Location {
  match: Match;
  path: string;
  query: URLSearchParams;
}

/** The place of the window. The match stays the same object while the path stays the same. */
function here(before?: Location): Location {
  const { pathname: path, search } = window.location;
  const found = before?.path === path ? before.match : match(path);
  return { match: found, path, query: new URLSearchParams(search) };
}

class Router {
  #location: Location = $state.raw(here());
  /** These change only with the path, so a change of the query leaves the page's loads alone. */
  readonly path = $derived(this.#location.path);
  readonly page = $derived(this.#location.match.page);
  readonly params = $derived(this.#location.match.params);

  /** The path with its query, to come back to after a login. */
  get href(): string {
    const query = this.#location.query.toString();
    return query ? `${this.#location.path}?${query}` : this.#location.path;
  }

  get(name: string): string | null {
    return this.#location.query.get(name);
  }

  all(name: string): string[] {
    return this.#location.query.getAll(name);
  }

  /** Changes entries of the query. `null` removes an entry. Only `push` makes a step back. */
  set(entries: Record<string, string | string[] | null>, push = false): void {
    const query = new URLSearchParams(this.#location.query);
    for (const [name, value] of Object.entries(entries)) {
      query.delete(name);
      if (value === null) continue;
      for (const one of Array.isArray(value) ? value : [value]) query.append(name, one);
    }
    const text = query.toString();
    const href = text ? `${this.#location.path}?${text}` : this.#location.path;
    if (push) history.pushState(null, '', href);
    else history.replaceState(null, '', href);
    this.#location = here(this.#location);
  }

  go(href: string, replace = false): void {
    if (replace) history.replaceState(null, '', href);
    else history.pushState(null, '', href);
    const before = this.#location.path;
    this.#location = here(this.#location);
    if (this.#location.path !== before) scrollTo(0, 0);
  }

  /** Follows the links of the page without loading it again. */
  start(): void {
    addEventListener('popstate', () => (this.#location = here(this.#location)));
    document.addEventListener('click', (event) => {
      if (event.defaultPrevented || event.button !== 0) return;
      if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
      const link = (event.target as Element | null)?.closest?.('a');
      if (!link || link.target || link.hasAttribute('download')) return;
      const url = new URL(link.href, window.location.href);
      if (url.origin !== window.location.origin || url.pathname.startsWith('/api/')) return;
      event.preventDefault();
      this.go(url.pathname + url.search + url.hash);
    });
  }
}

export const router = new Router();
