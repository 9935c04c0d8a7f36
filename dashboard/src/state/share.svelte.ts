// The key of a link that someone shares, `/share?next=PATH#KEY`. Only this module holds it.

import { get, send } from '../api/client';
import type { Session } from '../api/types';

class SharedLink {
  /** The key, until it is used. */
  key: string | null = $state.raw(null);

  /** Takes the key out of the address, so that neither the history nor a copy has it. */
  #take = (): void => {
    if (location.pathname !== '/share' || location.hash.length < 2) return;
    this.key = location.hash.slice(1);
    history.replaceState(null, '', location.pathname + location.search);
  };

  /** Watches the address. A second link in the same tab does not load the page again. */
  start(): void {
    this.#take();
    addEventListener('hashchange', this.#take);
  }

  /** Whom the browser is logged in as, and whether this link already did that. */
  async current(): Promise<{ session: Session; same: boolean } | null> {
    const session = await get<Session>('/session');
    if (!session.open && !session.admin && session.user === null) return null;
    const { key } = session;
    return { session, same: key !== null && !!this.key?.startsWith(`besom-${key}`) };
  }

  /** Opens a session with the key. */
  async open(): Promise<void> {
    const key = this.key;
    this.key = null;
    await send<undefined>('POST', '/session', { key });
  }
}

export const shared = new SharedLink();
