/** The elements with which a keyboard reaches the axes of parallel coordinates. */

import type { Brushes } from './brushes';
import { write } from './data';
import type { Axis } from './parallelaxes';

export class Handles {
  private readonly elements = new Map<string, HTMLDivElement>();

  constructor(private readonly root: HTMLElement) {}

  /** Puts a handle on each axis, in the order of the axes. */
  show(axes: readonly Axis[], brushes: Brushes): void {
    const names = new Set(axes.map((axis) => axis.dimension.name));
    for (const [name, element] of this.elements) {
      if (names.has(name)) continue;
      element.remove();
      this.elements.delete(name);
    }
    const wanted = axes.map((axis) => this.handle(axis));
    const present = [...this.root.querySelectorAll(':scope > .chart-handle')];
    // The order decides where the tab key goes next. Moving an element would take its focus.
    if (wanted.some((element, index) => present[index] !== element)) this.root.append(...wanted);
    this.label(axes, brushes);
  }

  /** Tells screen readers what the brushes hold. */
  label(axes: readonly Axis[], brushes: Brushes): void {
    for (const { dimension, scale } of axes) {
      const element = this.elements.get(dimension.name);
      if (!element) continue;
      const range = brushes.get(dimension.name);
      const inner = scale.kind === 'category' ? 0.5 : 0;
      const ends = range && [range[0] + inner, range[1] - inner];
      const text = ends?.map((end) => write(dimension, end)).join(' to ') ?? 'everything';
      if (element.getAttribute('aria-valuetext') === text) continue;
      // The numbers are places along the axis, because ARIA does not know 8e-7.
      element.setAttribute('aria-valuemin', '0');
      element.setAttribute('aria-valuemax', '100');
      const now = range ? scale.unit(range[1]) : 1;
      element.setAttribute('aria-valuenow', String(Math.round(100 * (now || 0))));
      element.setAttribute('aria-valuetext', text);
    }
  }

  /** The dimension whose handle an event came from. */
  nameOf(target: EventTarget | null): string | undefined {
    return [...this.elements].find(([, element]) => element === target)?.[0];
  }

  focus(name: string): void {
    // The handles move to the new order only with the next picture.
    requestAnimationFrame(() => this.elements.get(name)?.focus());
  }

  private handle({ dimension, scale, x }: Axis): HTMLDivElement {
    const { name } = dimension;
    let element = this.elements.get(name);
    if (!element) {
      element = document.createElement('div');
      element.className = 'chart-handle';
      element.tabIndex = 0;
      element.setAttribute('role', 'slider');
      element.setAttribute('aria-orientation', 'vertical');
      element.setAttribute('aria-label', name);
      this.elements.set(name, element);
    }
    element.style.left = `${x - 10}px`;
    element.style.top = `${scale.end - 6}px`;
    element.style.width = '20px';
    element.style.height = `${scale.start - scale.end + 12}px`;
    return element;
  }
}
