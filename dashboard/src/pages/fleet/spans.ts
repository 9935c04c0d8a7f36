// Turns what ran where into the data of a Gantt chart, and counts what was idle. Pure.

import type { AgentDetail, Span } from '../../api/types';
import type { GanttData } from '../../charts/gantt';
import { number } from '../../parts/text';
import { lanes } from '../../state/trials';

/** The share of a value between the worst and the best of its sweep: 1 is the best. */
export function ranks(spans: readonly Span[]): Map<string, number> {
  const values = new Map<string, { run: string; value: number; maximize: boolean }[]>();
  for (const { sweep, run, value, maximize } of spans) {
    if (sweep === null || value === null) continue;
    const known = values.get(sweep) ?? [];
    known.push({ run, value, maximize });
    values.set(sweep, known);
  }
  const ranked = new Map<string, number>();
  for (const runs of values.values()) {
    runs.sort((a, b) => (a.maximize ? a.value - b.value : b.value - a.value));
    const last = Math.max(1, runs.length - 1);
    for (const [place, { run }] of runs.entries()) ranked.set(run, place / last);
  }
  return ranked;
}

/** The spans of runs in as few lanes of their agents as possible. */
export function ganttOf(spans: readonly Span[], now: number): GanttData {
  const places = spans.map(({ agent, from_ms: from, to_ms: to }) => ({ agent, from, to }));
  const names = lanes(places, now);
  const ranked = ranks(spans);
  const drawn = spans.map((span, index) => ({
    id: span.run,
    lane: names[index] ?? '',
    label: span.trial === null ? span.run : `trial ${span.trial}`,
    state: span.state,
    from_ms: span.from_ms,
    to_ms: span.to_ms,
    group: span.sweep ?? undefined,
    rank: ranked.get(span.run),
    facts: [
      ...(span.sweep === null ? [] : [{ name: 'sweep', value: span.sweep }]),
      ...(span.value === null ? [] : [{ name: 'value', value: number(span.value) }]),
    ],
  }));
  const order = [...new Set(names)].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  return { spans: drawn, lanes: order, now_ms: now };
}

/** How many hours the slots of the agents were there in a window, and how many of them idle. */
export function idleHours(
  agents: readonly AgentDetail[],
  spans: readonly Span[],
  from: number,
  now: number,
): { idle: number; whole: number } {
  let whole = 0;
  let idle = 0;
  for (const agent of agents) {
    const own = spans.filter((span) => span.agent === agent.name);
    // Nothing says since when the agent is there, so its first span in the window does.
    const since = own.reduce((least, span) => Math.min(least, Math.max(from, span.from_ms)), now);
    const until = Math.min(now, agent.last_seen_ms + 60_000);
    const there = (Math.max(0, until - since) * agent.slots) / 3_600_000;
    const busy = own.reduce((sum, span) => {
      const length = Math.min(span.to_ms ?? now, until) - Math.max(from, span.from_ms);
      return sum + Math.max(0, length) / 3_600_000;
    }, 0);
    whole += there;
    idle += Math.max(0, there - busy);
  }
  return { idle, whole };
}
