// What the address of a page holds beside a saved view. This module is pure.

/** The entry of the address that names the view, or says that the page opens without one. */
export const VIEW = 'view';
/** The name of no view: a page with it never opens with the standard view. */
export const NONE = 'none';

/** The entries of an address in a fixed order, without the name of the view. */
export function entries(query: string): string {
  const search = new URLSearchParams(query);
  search.delete(VIEW);
  // Equal names keep their order, because the sort is stable.
  search.sort();
  return search.toString();
}

/** The address of a page with a view: all that the view holds, and the view's name. */
export function withView(path: string, view: { id: string; query: string } | null): string {
  const search = new URLSearchParams(view?.query ?? '');
  search.set(VIEW, view?.id ?? NONE);
  return `${path}?${search}`;
}
