// What the search knows about a sweep, for all tabs of its page: the explanation of its trials, and
// the points that it would try next. Several panels share one request.

import { ApiError, get, path } from '../../api/client';
import type { Explanation, Proposals } from '../../api/types';
import { live } from '../../state/live.svelte';
import { Resource } from '../../state/resource.svelte';

/** An explanation, or why there is none yet. */
export type Answer = Explanation | { few: string };

/** The least time between two requests: the controller renews an explanation even less often. */
const PACE = 10_000;

/** Asks for an explanation, with details about some parameters. */
export async function explanation(
  sweep: string,
  parameters: string[],
  signal: AbortSignal,
): Promise<Answer> {
  try {
    const query = { parameter: parameters };
    return await get<Explanation>(`/sweeps${path(sweep, 'explain')}`, query, signal);
  } catch (error) {
    if (error instanceof ApiError && error.status === 409) return { few: error.message };
    throw error;
  }
}

/** A resource that loads again when its explanation may be renewed. */
export function renewing<T extends Answer>(
  load: (signal: AbortSignal) => Promise<T> | null,
  sweep: () => string,
  when?: () => boolean,
): Resource<T> {
  const topics = () => [`sweep:${sweep()}`];
  const options = { topics, what: ['state' as const], pace: PACE };
  const resource = new Resource<T>(load, when ? { ...options, when } : options);
  $effect(() => {
    const value = resource.value;
    if (!value || !('renews_in_ms' in value) || value.renews_in_ms === null) return;
    if (live.paused) return;
    const timer = setTimeout(resource.retry, value.renews_in_ms + 100);
    return () => clearTimeout(timer);
  });
  return resource;
}

export class Explained {
  readonly whole: Resource<Answer>;
  readonly proposals: Resource<Proposals>;

  constructor(sweep: () => string, tab: () => string) {
    // A change of the address that does not concern these must not load them again.
    const explains = $derived(['overview', 'model'].includes(tab()));
    const proposes = $derived(['model', 'explore'].includes(tab()));
    this.whole = renewing(
      (signal) => explanation(sweep(), [], signal),
      sweep,
      () => explains,
    );
    this.proposals = new Resource(
      (signal) => get<Proposals>(`/sweeps${path(sweep(), 'proposals')}`, {}, signal),
      {
        topics: () => [`sweep:${sweep()}`],
        what: ['state'],
        pace: PACE,
        when: () => proposes,
      },
    );
  }
}
