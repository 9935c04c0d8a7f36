// The state of the stream of events, for the dot in the top bar and for every live resource.

import { Events, type Status } from '../api/events';

class Live {
  status: Status = $state('connecting');
  /** When the status last became `lost`, in milliseconds since 1970. */
  lostAt = $state(0);
  /** Whether the reader paused the page. Events still arrive, and count as waiting. */
  paused = $state(false);
  waiting = $state(0);
  #resumed = new Set<() => void>();
  #events = new Events((status) => {
    if (status === 'lost' && this.status !== 'lost') this.lostAt = Date.now();
    this.status = status;
  });

  #started = false;

  /** Opens the stream, once the reader may use it. The home page's topic keeps it open. */
  start(): void {
    if (this.#started) {
      this.#events.retry();
      return;
    }
    this.#started = true;
    this.#events.listen('home', () => undefined);
    this.#events.start();
    addEventListener('online', () => this.#events.retry());
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) this.#events.retry();
    });
  }

  retry(): void {
    this.#events.retry();
  }

  listen(topic: string, listener: (what: string) => void): () => void {
    return this.#events.listen(topic, listener);
  }

  /** Registers what happens when the reader ends a pause. */
  onresume(action: () => void): () => void {
    this.#resumed.add(action);
    return () => this.#resumed.delete(action);
  }

  toggle(): void {
    this.paused = !this.paused;
    this.waiting = 0;
    if (!this.paused) for (const action of [...this.#resumed]) action();
  }
}

export const live = new Live();
