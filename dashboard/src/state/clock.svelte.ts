// The time of day for texts such as "3 minutes ago". One timer serves the whole page.

class Clock {
  now = $state(Date.now());

  start(): void {
    setInterval(() => {
      if (!document.hidden) this.now = Date.now();
    }, 1_000);
  }
}

export const clock = new Clock();
