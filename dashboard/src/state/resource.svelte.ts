// Something that the page loads, keeps while it loads again, and loads again when it changes.

import { untrack } from 'svelte';

import { ApiError } from '../api/client';
import { live } from './live.svelte';

/** After this time a panel says what it waits for; after the longer one it gives up. */
const SLOW = 2_000;
const TOO_SLOW = 15_000;
/** The pause before a panel tries again by itself when the controller is away. */
const AGAIN = 4_000;

interface Options<T> {
  /** The topics whose changes load this again, and which of their changes do so. */
  topics?: () => string[];
  what?: readonly string[];
  /** The shortest time between two loads, in milliseconds. */
  pace?: number | ((value: T | undefined) => number);
  /** Whether to load at all, for example only while a panel can be seen. */
  when?: () => boolean;
}

/**
 * Loads a value in an effect of the component that makes it. The function `load` runs again when
 * state that it reads changes. A new load never clears the value that is shown. If `load` answers
 * `null` in place of a promise, there is nothing to load.
 */
export class Resource<T> {
  value: T | undefined = $state.raw();
  error: unknown = $state.raw();
  loading = $state(false);
  slow = $state(false);
  /** Whether a value ever arrived. Only then the topics exist for sure. */
  #arrived = $state(false);
  /** When the value arrived, in milliseconds since 1970. */
  at = $state(0);
  #load: (signal: AbortSignal) => Promise<T> | null;
  #options: Options<T>;
  #abort: AbortController | null = null;
  #begun = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #again: ReturnType<typeof setTimeout> | undefined;
  #dirty = false;

  constructor(load: (signal: AbortSignal) => Promise<T> | null, options: Options<T> = {}) {
    this.#load = load;
    this.#options = options;
    $effect(() => {
      if (options.when && !options.when()) return;
      this.#fetch();
    });
    $effect(() => this.#follow());
    $effect(() => () => this.#stop());
  }

  /** Loads again, at once. */
  retry = (): void => {
    this.error = undefined;
    untrack(() => this.#fetch());
  };

  /** Takes a value that the page has already, such as the answer to a change. */
  put(value: T): void {
    this.value = value;
    this.#arrived = true;
    this.error = undefined;
    this.at = Date.now();
  }

  #stop(): void {
    this.#abort?.abort();
    clearTimeout(this.#timer);
    clearTimeout(this.#again);
  }

  #follow(): (() => void) | undefined {
    const topics = this.#arrived ? (this.#options.topics?.() ?? []) : [];
    if (topics.length === 0) return undefined;
    const wanted = this.#options.what;
    const ends = topics.map((topic) =>
      live.listen(topic, (what) => {
        if (what === 'resync' || !wanted || wanted.includes(what)) this.#changed();
      }),
    );
    ends.push(live.onresume(() => this.#dirty && this.#soon()));
    const onvisible = () => !document.hidden && this.#dirty && this.#soon();
    document.addEventListener('visibilitychange', onvisible);
    ends.push(() => document.removeEventListener('visibilitychange', onvisible));
    return () => ends.forEach((end) => end());
  }

  #changed(): void {
    this.#dirty = true;
    if (live.paused) live.waiting += 1;
    else if (!document.hidden) this.#soon();
  }

  /** Loads again after the pace; many changes in this time cause one load. */
  #soon(): void {
    if (this.#again !== undefined || this.loading) return;
    if (untrack(() => this.#options.when?.() === false)) return;
    const { pace = 500 } = this.#options;
    const wanted = typeof pace === 'number' ? pace : pace(untrack(() => this.value));
    const wait = Math.max(0, this.#begun + wanted - Date.now());
    this.#again = setTimeout(() => {
      this.#again = undefined;
      untrack(() => this.#fetch());
    }, wait);
  }

  #fetch(): void {
    this.#abort?.abort();
    clearTimeout(this.#timer);
    const abort = new AbortController();
    this.#abort = abort;
    const promise = this.#load(abort.signal);
    if (!promise) {
      untrack(() => this.#settle());
      return;
    }
    this.#begun = Date.now();
    this.#dirty = false;
    this.loading = true;
    this.#watch(abort);
    promise.then(
      (value) => {
        if (this.#abort !== abort) return;
        this.put(value);
        this.#settle();
      },
      (error: unknown) => {
        if (this.#abort !== abort || abort.signal.aborted) return;
        this.#fail(error);
      },
    );
  }

  #watch(abort: AbortController): void {
    this.#timer = setTimeout(() => {
      this.slow = true;
      this.#timer = setTimeout(() => {
        abort.abort();
        this.#fail(new ApiError(0, 'The controller did not answer within 15 seconds.'));
      }, TOO_SLOW - SLOW);
    }, SLOW);
  }

  #fail(error: unknown): void {
    this.#settle();
    this.error = error;
    // A controller that is away comes back: a restart needs no click.
    if (error instanceof ApiError && error.unreachable) {
      this.#again = setTimeout(() => {
        this.#again = undefined;
        untrack(() => this.#fetch());
      }, AGAIN);
    }
  }

  #settle(): void {
    clearTimeout(this.#timer);
    this.loading = false;
    this.slow = false;
    if (this.#dirty && !live.paused && !document.hidden) this.#soon();
  }
}
