// One stream of events for all tabs of a browser. A browser opens only six connections to an origin
// over HTTP/1.1, so the tabs elect a leader by a Web Lock. The leader holds the stream and passes
// the events on by a BroadcastChannel.

import { BASE, withQuery } from './client';
import type { Changed } from './types';

export type Status = 'connecting' | 'live' | 'lost';
type What = Changed['what'] | 'resync';
type Listener = (what: What) => void;

type Message =
  | { kind: 'topics'; tab: string; topics: string[] }
  | { kind: 'bye'; tab: string }
  | { kind: 'who' }
  | { kind: 'status'; status: Status }
  | { kind: 'changed'; changed: Changed }
  | { kind: 'resync'; topics: string[] | null };

const NAME = 'besom-events';
/** How long the stream waits for more topics before it opens again, in milliseconds. */
const GATHER = 60;
const FIRST_WAIT = 500;
const LONGEST_WAIT = 15_000;
/** A tab repeats its topics at this pace, and the leader forgets a tab that is silent for longer. */
const ANNOUNCE = 30_000;
const FORGET = 150_000;

/** The wait before the next try to connect, after so many tries that failed. */
export function backOff(failures: number, random: number): number {
  const full = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** failures);
  return full * (0.5 + random / 2);
}

export class Events {
  #listeners = new Map<string, Set<Listener>>();
  #tab = crypto.getRandomValues(new Uint32Array(2)).join('-');
  #channel = globalThis.BroadcastChannel ? new BroadcastChannel(NAME) : null;
  #others = new Map<string, { topics: string[]; seen: number }>();
  #leading = false;
  #source: EventSource | null = null;
  #open = '';
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #onstatus: (status: Status) => void;
  #lost = false;

  constructor(onstatus: (status: Status) => void) {
    this.#onstatus = onstatus;
  }

  /** Takes part in the election. Without Web Locks, each tab has a stream of its own. */
  start(): void {
    if (this.#channel) {
      this.#channel.onmessage = (event: MessageEvent<Message>) => this.#hear(event.data);
      addEventListener('pagehide', () => this.#say({ kind: 'bye', tab: this.#tab }));
      setInterval(() => this.#announce(), ANNOUNCE);
    }
    if (!this.#channel || !('locks' in navigator)) {
      this.#lead();
      return;
    }
    void navigator.locks.request(NAME, () => {
      this.#lead();
      return new Promise(() => undefined);
    });
  }

  /** Calls the listener at each change of the topic, until the answered function is called. */
  listen(topic: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(topic) ?? new Set();
    this.#listeners.set(topic, listeners.add(listener));
    this.#announce();
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(topic) === listeners) {
        this.#listeners.delete(topic);
      }
      this.#announce();
    };
  }

  /** Tries at once to connect if the stream is lost. */
  retry(): void {
    if (this.#leading && !this.#source) this.#connect();
  }

  #lead(): void {
    this.#leading = true;
    this.#say({ kind: 'who' });
    this.#later(GATHER);
  }

  #say(message: Message): void {
    this.#channel?.postMessage(message);
  }

  #announce(): void {
    if (this.#leading) this.#later(GATHER);
    else this.#say({ kind: 'topics', tab: this.#tab, topics: [...this.#listeners.keys()] });
  }

  #hear(message: Message): void {
    if (message.kind === 'changed') this.#tell(message.changed);
    else if (message.kind === 'resync') this.#resync(message.topics);
    else if (message.kind === 'status') this.#onstatus(message.status);
    else if (message.kind === 'who') this.#announce();
    else if (this.#leading) {
      if (message.kind === 'bye') this.#others.delete(message.tab);
      else {
        this.#others.set(message.tab, { topics: message.topics, seen: Date.now() });
        if (this.#source?.readyState === EventSource.OPEN) {
          this.#say({ kind: 'status', status: 'live' });
        }
      }
      this.#later(GATHER);
    }
  }

  #tell(changed: Changed): void {
    for (const listener of [...(this.#listeners.get(changed.topic) ?? [])]) {
      listener(changed.what);
    }
  }

  /** Tells the listeners of these topics, or of all, that they may have missed changes. */
  #resync(topics: string[] | null): void {
    for (const topic of topics ?? [...this.#listeners.keys()]) {
      for (const listener of [...(this.#listeners.get(topic) ?? [])]) listener('resync');
    }
  }

  #later(wait: number): void {
    if (this.#lost && wait === GATHER) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect(), wait);
  }

  #topics(): string[] {
    const all = new Set(this.#listeners.keys());
    for (const [tab, other] of this.#others) {
      if (Date.now() - other.seen > FORGET) this.#others.delete(tab);
      else for (const topic of other.topics) all.add(topic);
    }
    return [...all].sort();
  }

  /** Opens a stream of all wanted topics. The old stream ends only after the new one is open. */
  #connect(): void {
    clearTimeout(this.#timer);
    const topics = this.#topics();
    const wanted = topics.join('\n');
    if (this.#source && wanted === this.#open) return;
    if (topics.length === 0) return;
    const old = this.#source;
    // What changed before the stream of a topic was open is lost.
    const known = new Set(this.#open.split('\n'));
    const fresh = topics.filter((topic) => !known.has(topic));
    this.#open = wanted;
    const source = new EventSource(BASE + withQuery('/events', { topic: topics }));
    this.#source = source;
    source.onopen = () => {
      old?.close();
      this.#failures = 0;
      this.#lost = false;
      this.#report('live');
      if (fresh.length > 0) this.#pass({ kind: 'resync', topics: fresh });
    };
    source.addEventListener('changed', (event) => {
      this.#pass({ kind: 'changed', changed: JSON.parse(event.data) as Changed });
    });
    source.addEventListener('resync', () => this.#pass({ kind: 'resync', topics: null }));
    source.onerror = () => {
      source.close();
      old?.close();
      if (this.#source === source) this.#fail();
    };
  }

  #fail(): void {
    this.#source = null;
    this.#open = '';
    this.#lost = true;
    this.#report('lost');
    this.#later(backOff(this.#failures, Math.random()));
    this.#failures += 1;
  }

  #report(status: Status): void {
    this.#onstatus(status);
    this.#say({ kind: 'status', status });
  }

  #pass(message: Message): void {
    this.#hear(message);
    this.#say(message);
  }
}
