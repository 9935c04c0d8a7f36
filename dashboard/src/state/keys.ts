// The keyboard: single letters and pairs such as `g h`. They are off inside inputs, and a setting
// turns them off everywhere.

const STORED = 'besom-keys';
/** How long the second letter of a pair may take, in milliseconds. */
const PAIR = 1_200;

type Action = () => void;

const layers: Record<string, Action>[] = [];
let first = '';
let since = 0;

export function lettersOn(): boolean {
  try {
    return localStorage.getItem(STORED) !== 'off';
  } catch {
    return true;
  }
}

export function setLetters(on: boolean): void {
  try {
    localStorage.setItem(STORED, on ? 'on' : 'off');
  } catch {
    // The browser keeps nothing, so the setting stays as it is.
  }
}

/** Adds keys until the answered function is called. Later ones win over earlier ones. */
export function bind(keys: Record<string, Action>): Action {
  layers.push(keys);
  return () => {
    const at = layers.indexOf(keys);
    if (at >= 0) layers.splice(at, 1);
  };
}

function find(key: string): Action | undefined {
  return layers.findLast((layer) => Object.hasOwn(layer, key))?.[key];
}

/** Inputs that take letters; a box or a slider takes none. */
const TYPING = 'textarea, select, input:not([type="checkbox"]):not([type="range"])';

/** Whether a key belongs to the element in which the reader types. */
function types(target: HTMLElement): boolean {
  return target.isContentEditable || target.matches(TYPING);
}

/** The action of an event, with the pairs that begin with `g`. */
function actionOf(event: KeyboardEvent): Action | undefined {
  if (event.key === 'Escape') return find('Escape');
  if (!lettersOn() || event.key.length !== 1) return undefined;
  const pair =
    first && event.timeStamp - since < PAIR ? find(`${first} ${event.key}`) : undefined;
  first = '';
  if (pair) return pair;
  if (event.key === 'g') {
    first = 'g';
    since = event.timeStamp;
    return undefined;
  }
  return find(event.key);
}

export function startKeys(openPalette: Action): void {
  addEventListener('keydown', (event) => {
    if (event.defaultPrevented) return;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
      event.preventDefault();
      openPalette();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target instanceof HTMLElement ? event.target : document.body;
    // A window above the page handles its own keys, such as Escape.
    if (target.closest('dialog') || (types(target) && event.key !== 'Escape')) return;
    const action = actionOf(event);
    if (!action) return;
    event.preventDefault();
    action();
  });
}
