/** One call for each frame of the screen, so that linked charts change in the same frame. */

/** How long the work of one frame may take, in milliseconds. The rest waits for the next one. */
const slice = 12;

const waiting = new Set<() => void>();
let asked = false;

/** Does some work in the next frame, or in this one if the work of a frame asks for it. */
export function inFrame(work: () => void): void {
  waiting.add(work);
  if (asked) return;
  asked = true;
  requestAnimationFrame(run);
}

/** Forgets work that still waits. */
export function notInFrame(work: () => void): void {
  waiting.delete(work);
}

function run(): void {
  const end = performance.now() + slice;
  try {
    // The loop also reaches what is added while it runs.
    for (const work of waiting) {
      waiting.delete(work);
      work();
      if (performance.now() > end) break;
    }
  } finally {
    asked = waiting.size > 0;
    if (asked) requestAnimationFrame(run);
  }
}
