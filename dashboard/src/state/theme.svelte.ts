// The choices of light or dark and of still pages. Without a choice, the page follows the system.

export type Choice = 'auto' | 'light' | 'dark';

const STORED = 'besom-theme';
const CHOICES: readonly Choice[] = ['auto', 'light', 'dark'];

const STILL = 'besom-motion';

function read(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

function write(name: string, value: string): void {
  try {
    localStorage.setItem(name, value);
  } catch {
    // The browser keeps nothing. The choice holds until the page closes.
  }
}

function stored(): Choice {
  return CHOICES.find((choice) => choice === read(STORED)) ?? 'auto';
}

class Theme {
  choice: Choice = $state(stored());
  /** Whether nothing on the pages moves by itself, also if the system would allow it. */
  still: boolean = $state(read(STILL) === 'still');

  /** Writes the choices where the style sheets read them. */
  apply(): void {
    if (this.still) document.documentElement.dataset.motion = 'still';
    else delete document.documentElement.dataset.motion;
    if (this.choice === 'auto') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = this.choice;
  }

  next(): void {
    this.choose(CHOICES[(CHOICES.indexOf(this.choice) + 1) % CHOICES.length] ?? 'auto');
  }

  choose(choice: Choice): void {
    this.choice = choice;
    write(STORED, choice);
    this.apply();
  }

  hold(still: boolean): void {
    this.still = still;
    write(STILL, still ? 'still' : 'moving');
    this.apply();
  }
}

export const theme = new Theme();
