// What was just deleted, and how to get it back. The offer goes away by itself.

import { explain, send } from '../api/client';
import type { Restored } from '../api/types';

/** How long an offer stays, in milliseconds. */
const LASTS = 12_000;
/** One call restores this many. */
const AT_ONCE = 256;

class Undo {
  text = $state('');
  /** Whether there is something to undo; otherwise the text is only news. */
  isOffer = $state(false);
  #ids: string[] = [];
  #onundone: (() => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Says what was deleted. `onundone` runs after the reader took it back. */
  offer(text: string, ids: string[], onundone?: () => void): void {
    this.#ids = ids;
    this.#onundone = onundone;
    this.#say(text, true);
  }

  async take(): Promise<void> {
    const [ids, after] = [this.#ids, this.#onundone];
    this.isOffer = false;
    try {
      for (let at = 0; at < ids.length; at += AT_ONCE) {
        const some = ids.slice(at, at + AT_ONCE);
        await send<Restored>('POST', '/bin/restore', { ids: some });
      }
      this.#say('It is back.', false);
      after?.();
    } catch (error) {
      this.#say(explain(error).message, false);
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    this.text = '';
    this.isOffer = false;
  }

  #say(text: string, isOffer: boolean): void {
    clearTimeout(this.#timer);
    this.text = text;
    this.isOffer = isOffer;
    this.#timer = setTimeout(() => this.close(), LASTS);
  }
}

export const undo = new Undo();
