// The choice of light or dark. Without a choice, the page follows the system.

export type Choice = 'auto' | 'light' | 'dark';

const STORED = 'besom-theme';
const CHOICES: readonly Choice[] = ['auto', 'light', 'dark'];

function stored(): Choice {
  try {
    return CHOICES.find((choice) => choice === localStorage.getItem(STORED)) ?? 'auto';
  } catch {
    return 'auto';
  }
}

class Theme {
  choice: Choice = $state(stored());

  /** Writes the choice where the style sheets read it. */
  apply(): void {
    if (this.choice === 'auto') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = this.choice;
  }

  next(): void {
    this.choose(CHOICES[(CHOICES.indexOf(this.choice) + 1) % CHOICES.length] ?? 'auto');
  }

  choose(choice: Choice): void {
    this.choice = choice;
    try {
      localStorage.setItem(STORED, choice);
    } catch {
      // The browser keeps nothing. The choice holds until the page closes.
    }
    this.apply();
  }
}

export const theme = new Theme();
