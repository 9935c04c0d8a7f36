// Who uses the page.

import { get, hooks, send } from '../api/client';
import type { Session, SharedThing } from '../api/types';
import { live } from './live.svelte';
import { router } from './router.svelte';
import { OPEN_PAGES, safePlace } from './routes';

class CurrentSession {
  value: Session | null = $state.raw(null);
  error: unknown = $state.raw(null);

  /** Whether the reader may change something somewhere. Otherwise no button offers it. */
  get steers(): boolean {
    return this.value?.steers ?? false;
  }

  /** The one thing that the session's key opens, or `null` for more. */
  get only(): SharedThing | null {
    return this.value?.only ?? null;
  }

  /** Whether the reader may see a sweep, as far as the page knows. */
  opensSweep(sweep: string | null): sweep is string {
    if (sweep === null) return false;
    const { only } = this;
    return only === null || ('sweep' in only.thing && only.thing.sweep === sweep);
  }

  constructor() {
    hooks.onUnauthorized = () => this.expire();
  }

  async load(): Promise<void> {
    try {
      const found = await get<Session>('/session');
      this.error = null;
      // The controller answers without a name if it does not know who asks.
      if (!found.open && !found.admin && found.user === null) {
        this.expire();
        return;
      }
      this.value = found;
      live.start();
    } catch (error) {
      if ((error as { status?: number }).status === 401) this.expire();
      else this.error = error;
    }
  }

  async login(credentials: { user: string; password: string } | { key: string }): Promise<void> {
    await send<undefined>('POST', '/session', credentials);
    await this.load();
    // A `next` that names another host would lead a person away after the login.
    router.go(safePlace(router.get('next')), true);
  }

  async logout(): Promise<void> {
    await send<undefined>('DELETE', '/session');
    this.expire();
  }

  expire(): void {
    const { only } = this;
    this.value = null;
    if (OPEN_PAGES.includes(router.page)) return;
    const next = router.href;
    if (only !== null) {
      router.go(`/share?${new URLSearchParams({ ended: '1', next })}`, true);
      return;
    }
    router.go(next === '/' ? '/login' : `/login?${new URLSearchParams({ next })}`, true);
  }
}

export const session = new CurrentSession();
