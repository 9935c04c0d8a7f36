// Words about what a link opens. This module is pure.

import type { OnlyThing, SharedThing } from '../api/types';
import { links } from '../state/routes';

export type Kind = 'project' | 'sweep' | 'run' | 'report';

export const NAMES: Record<Kind, string> = {
  project: 'this project',
  sweep: 'this sweep',
  run: 'this run',
  report: 'this report',
};

export const WORDS: Record<Kind, string> = {
  project: 'the whole project',
  sweep: 'this sweep and its trials',
  run: 'this run with its files',
  report:
    'this report with the runs and sweeps that its panels name. Freeze the panels that choose ' +
    'runs by filters: a reader sees only named runs',
};

/** What kind of thing it is, and its id. */
export function thingOf(only: OnlyThing): { kind: Exclude<Kind, 'project'>; id: string } {
  if ('run' in only) return { kind: 'run', id: only.run };
  if ('sweep' in only) return { kind: 'sweep', id: only.sweep };
  return { kind: 'report', id: only.report };
}

/** The page of the one thing that a key opens. */
export function pageOf(shared: SharedThing): string {
  const { kind, id } = thingOf(shared.thing);
  return links[kind](shared, id);
}
