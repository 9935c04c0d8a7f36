// Spreads the jobs of many charts over frames, so that a brush stays quick while other charts
// follow it. A newer job of the same kind replaces one that still waits.

import { inFrame } from '../charts/frame';

const jobs = new Map<object, Map<string, () => void>>();

function work(owner: object): void {
  const kinds = jobs.get(owner);
  jobs.delete(owner);
  for (const job of kinds?.values() ?? []) job();
}

/** Does the job of an owner in one of the next frames. */
export function later(owner: object, kind: string, job: () => void): void {
  const kinds = jobs.get(owner);
  if (kinds) {
    kinds.set(kind, job);
    return;
  }
  jobs.set(owner, new Map([[kind, job]]));
  inFrame(() => work(owner));
}

/** Forgets the jobs of an owner that is gone. */
export function forget(owner: object): void {
  jobs.delete(owner);
}
