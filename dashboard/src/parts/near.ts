// Tells when an element comes near the screen and when it leaves.

/** How far outside of the screen an element still counts as near. */
const NEAR = '400px';

/** An observer for all elements with the same margin, and what each of them calls. */
class Watch {
  readonly #callbacks = new Map<Element, (near: boolean) => void>();
  readonly #observer: IntersectionObserver;

  constructor(rootMargin: string) {
    const tell = (entries: IntersectionObserverEntry[]) => {
      for (const entry of entries) this.#callbacks.get(entry.target)?.(entry.isIntersecting);
    };
    this.#observer = new IntersectionObserver(tell, { rootMargin });
  }

  add(element: Element, callback: (near: boolean) => void): () => void {
    this.#callbacks.set(element, callback);
    this.#observer.observe(element);
    return () => {
      this.#callbacks.delete(element);
      this.#observer.unobserve(element);
    };
  }
}

const watches = new Map<string, Watch>();

/** Calls back when the element comes near the screen, or, with the margin `0px`, on it. */
export function near(
  element: Element,
  callback: (near: boolean) => void,
  margin: '0px' | typeof NEAR = NEAR,
): () => void {
  const watch = watches.get(margin) ?? new Watch(margin);
  watches.set(margin, watch);
  return watch.add(element, callback);
}
