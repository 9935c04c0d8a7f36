/** Turns the events of a pointer into moves, clicks and drags. */

/** A place of the pointer, relative to the chart and to the window. */
export interface Spot {
  x: number;
  y: number;
  clientX: number;
  clientY: number;
  /** The user holds a key that adds to the selection. */
  several: boolean;
}

export interface Hand {
  moved(at: Spot): void;
  left(): void;
  clicked(at: Spot): void;
  doubled(at: Spot): void;
  dragged(from: Spot, to: Spot, done: boolean): void;
  wheeled(at: Spot, event: WheelEvent): void;
}

/** A press that moves this many pixels is a drag. */
const slack = 4;

export class Pointer {
  private pressed: Spot | null = null;
  private dragging = false;

  constructor(
    private readonly element: HTMLElement,
    private readonly hand: Hand,
  ) {
    element.addEventListener('pointerdown', (event) => this.down(event));
    element.addEventListener('pointermove', (event) => this.move(event));
    element.addEventListener('pointerup', (event) => this.up(event));
    element.addEventListener('pointercancel', () => this.cancel());
    element.addEventListener('pointerleave', () => this.dragging || hand.left());
    element.addEventListener('dblclick', (event) => hand.doubled(this.spot(event)));
    element.addEventListener('wheel', (event) => hand.wheeled(this.spot(event), event), {
      passive: false,
    });
  }

  private down(event: PointerEvent): void {
    if (event.button !== 0) return;
    this.pressed = this.spot(event);
    this.dragging = false;
    this.element.setPointerCapture(event.pointerId);
  }

  private move(event: PointerEvent): void {
    const at = this.spot(event);
    const from = this.pressed;
    if (!from) {
      this.hand.moved(at);
      return;
    }
    this.dragging ||= Math.hypot(at.x - from.x, at.y - from.y) >= slack;
    if (this.dragging) this.hand.dragged(from, at, false);
  }

  private up(event: PointerEvent): void {
    const from = this.pressed;
    if (!from) return;
    this.pressed = null;
    const at = this.spot(event);
    if (this.dragging) this.hand.dragged(from, at, true);
    else this.hand.clicked(at);
    this.dragging = false;
  }

  private cancel(): void {
    if (this.pressed && this.dragging) this.hand.dragged(this.pressed, this.pressed, true);
    this.pressed = null;
    this.dragging = false;
  }

  private spot(event: MouseEvent): Spot {
    const { left, top } = this.element.getBoundingClientRect();
    const { clientX, clientY } = event;
    const several = event.shiftKey || event.ctrlKey || event.metaKey;
    return { x: clientX - left, y: clientY - top, clientX, clientY, several };
  }
}
