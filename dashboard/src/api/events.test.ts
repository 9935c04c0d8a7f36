import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { backOff, Events, type Status } from './events';

class FakeSource {
  static OPEN = 1;
  static all: FakeSource[] = [];
  readyState = 0;
  closed = false;
  onopen: () => void = () => undefined;
  onerror: () => void = () => undefined;
  #listeners = new Map<string, (event: { data: string }) => void>();

  constructor(readonly url: string) {
    FakeSource.all.push(this);
  }

  addEventListener(name: string, listener: (event: { data: string }) => void): void {
    this.#listeners.set(name, listener);
  }

  close(): void {
    this.closed = true;
  }

  open(): void {
    this.readyState = 1;
    this.onopen();
  }

  tell(topic: string, what: string): void {
    this.#listeners.get('changed')?.({ data: JSON.stringify({ topic, what }) });
  }
}

let statuses: Status[];
let events: Events;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('EventSource', FakeSource);
  vi.stubGlobal('BroadcastChannel', undefined);
  FakeSource.all = [];
  statuses = [];
  events = new Events((status) => statuses.push(status));
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const last = () => FakeSource.all.at(-1) as FakeSource;

test('topics that come together share one stream', () => {
  events.start();
  events.listen('home', () => undefined);
  events.listen('run:a', () => undefined);
  vi.advanceTimersByTime(100);
  expect(FakeSource.all.map(({ url }) => url)).toEqual([
    '/api/v1/events?topic=home&topic=run%3Aa',
  ]);
});

test('the old stream ends only when the new one is open, and new topics load once more', () => {
  const heard: string[] = [];
  events.start();
  events.listen('home', (what) => heard.push(`home ${what}`));
  vi.advanceTimersByTime(100);
  const first = last();
  first.open();
  heard.length = 0;
  events.listen('run:a', (what) => heard.push(`run ${what}`));
  vi.advanceTimersByTime(100);
  expect(first.closed).toBe(false);
  first.tell('home', 'state');
  last().open();
  expect(first.closed).toBe(true);
  expect(heard).toEqual(['home state', 'run resync']);
});

test('a lost stream opens again after a pause, and everything loads once more', () => {
  const heard: string[] = [];
  events.start();
  events.listen('home', (what) => heard.push(what));
  vi.advanceTimersByTime(100);
  last().open();
  heard.length = 0;
  last().onerror();
  expect(statuses.at(-1)).toBe('lost');
  vi.advanceTimersByTime(600);
  expect(FakeSource.all.length).toBe(2);
  last().open();
  expect(statuses.at(-1)).toBe('live');
  expect(heard).toEqual(['resync']);
});

test('the pause grows to a limit', () => {
  expect(backOff(0, 0)).toBe(250);
  expect(backOff(3, 1)).toBe(4_000);
  expect(backOff(50, 1)).toBe(15_000);
});
