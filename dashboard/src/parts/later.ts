// Spreads the drawing of many charts over frames, so that a brush stays quick while other charts
// follow it. A newer job of the same kind replaces one that still waits.

/** How long the jobs of one frame may take, in milliseconds. */
const SLICE = 8;

const jobs = new Map<object, Map<string, () => void>>();
let asked = false;

function ask(): void {
  if (asked) return;
  asked = true;
  requestAnimationFrame(work);
}

function work(): void {
  asked = false;
  const end = performance.now() + SLICE;
  for (const [owner, kinds] of jobs) {
    jobs.delete(owner);
    for (const job of kinds.values()) job();
    if (performance.now() > end) break;
  }
  if (jobs.size > 0) ask();
}

/** Does the job of an owner in one of the next frames. */
export function later(owner: object, kind: string, job: () => void): void {
  const kinds = jobs.get(owner) ?? new Map<string, () => void>();
  jobs.set(owner, kinds.set(kind, job));
  ask();
}

/** Forgets the jobs of an owner that is gone. */
export function forget(owner: object): void {
  jobs.delete(owner);
}
