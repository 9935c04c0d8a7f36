// Who uses the page.

import { get, hooks, send } from '../api/client';
import type { Session } from '../api/types';
import { live } from './live.svelte';
import { router } from './router.svelte';

class CurrentSession {
  value: Session | null = $state.raw(null);
  error: unknown = $state.raw(null);

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
    const next = router.get('next');
    // A `next` that names another host would lead a person away after the login.
    router.go(next?.startsWith('/') && !next.startsWith('//') ? next : '/', true);
  }

  async logout(): Promise<void> {
    await send<undefined>('DELETE', '/session');
    this.expire();
  }

  expire(): void {
    this.value = null;
    if (router.page === 'login') return;
    const next = router.href;
    router.go(next === '/' ? '/login' : `/login?${new URLSearchParams({ next })}`, true);
  }
}

export const session = new CurrentSession();
