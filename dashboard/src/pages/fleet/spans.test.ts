import { expect, test } from 'vitest';

import type { AgentDetail, Span } from '../../api/types';
import { ganttOf, idleHours, ranks } from './spans';

const HOUR = 3_600_000;

function span(run: string, from: number, to: number | null, more: Partial<Span> = {}): Span {
  return {
    agent: 'one',
    run,
    sweep: 's',
    trial: 1,
    state: 'finished',
    from_ms: from * HOUR,
    to_ms: to === null ? null : to * HOUR,
    value: null,
    maximize: false,
    ...more,
  };
}

test('the best value of each sweep has the rank 1', () => {
  const found = ranks([
    span('a', 0, 1, { value: 3 }),
    span('b', 0, 1, { value: 1 }),
    span('c', 0, 1),
    span('d', 0, 1, { sweep: 't', value: 3, maximize: true }),
    span('e', 0, 1, { sweep: 't', value: 1, maximize: true }),
  ]);
  expect(Object.fromEntries(found)).toEqual({ a: 0, b: 1, d: 1, e: 0 });
});

test('spans get lanes in order, and say their sweep and their rank', () => {
  const spans = [span('a', 0, 2, { value: 1 }), span('b', 1, null, { value: 2, sweep: null })];
  const data = ganttOf(spans, 3 * HOUR);
  expect(data.lanes).toEqual(['one · 1', 'one · 2']);
  expect(data.spans.map(({ group }) => group)).toEqual(['s', undefined]);
  expect(data.spans.map(({ rank }) => rank)).toEqual([0, undefined]);
});

test('idle hours count the slots since the first run in the window', () => {
  const agent = { name: 'one', slots: 2, last_seen_ms: 10 * HOUR } as AgentDetail;
  const found = idleHours([agent], [span('a', 6, 8), span('b', 7, null)], 5 * HOUR, 10 * HOUR);
  expect(found).toEqual({ whole: 8, idle: 3 });
  expect(idleHours([agent], [], 5 * HOUR, 10 * HOUR)).toEqual({ whole: 0, idle: 0 });
});
