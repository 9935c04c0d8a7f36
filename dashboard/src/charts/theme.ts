/** The colours and the font of the charts, which the style sheets decide. */

export interface Theme {
  dark: boolean;
  ground: string;
  surface: string;
  ink: string;
  muted: string;
  grid: string;
  accent: string;
  good: string;
  bad: string;
  warn: string;
  font: string;
}

const names = [
  'ground',
  'surface',
  'ink',
  'muted',
  'grid',
  'accent',
  'good',
  'bad',
  'warn',
] as const;

/** The theme of a chart that is not part of a page. */
export const plain: Theme = {
  dark: false,
  ground: '#ffffff',
  surface: '#ffffff',
  ink: '#1b2129',
  muted: '#5b6572',
  grid: '#e6e9ee',
  accent: '#0067b8',
  good: '#00785a',
  bad: '#c2361b',
  warn: '#94650a',
  font: 'system-ui, sans-serif',
};

/** Reads the theme from the CSS variables that apply to an element. */
export function readTheme(element: HTMLElement): Theme {
  const probe = document.createElement('span');
  probe.hidden = true;
  element.append(probe);
  const theme = { ...plain, font: getComputedStyle(element).fontFamily || plain.font };
  for (const name of names) {
    // A computed colour resolves `light-dark()` and `var()`, which the variable itself does not.
    probe.style.color = `var(--chart-${name}, ${plain[name]})`;
    theme[name] = hexOf(getComputedStyle(probe).color);
  }
  probe.remove();
  theme.dark = brightness(theme.ground) < 0.4;
  return theme;
}

let pixel: CanvasRenderingContext2D | null = null;

/** Turns any CSS colour into `#rrggbb`. */
function hexOf(colour: string): string {
  pixel ??= document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  if (!pixel) return '#808080';
  pixel.fillStyle = colour;
  pixel.fillRect(0, 0, 1, 1);
  const [red = 0, green = 0, blue = 0] = pixel.getImageData(0, 0, 1, 1).data;
  return '#' + [red, green, blue].map((part) => part.toString(16).padStart(2, '0')).join('');
}

function brightness(hex: string): number {
  const value = parseInt(hex.slice(1), 16);
  return (0.299 * (value >> 16) + 0.587 * ((value >> 8) & 255) + 0.114 * (value & 255)) / 255;
}

const watchers = new Set<() => void>();
let watching = false;

/** Calls back when the theme may have changed. Returns a function that ends this. */
export function watchTheme(changed: () => void): () => void {
  watchers.add(changed);
  if (!watching) {
    watching = true;
    const tell = (): void => {
      for (const watcher of watchers) watcher();
    };
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', tell);
    const attributes = { attributes: true, attributeFilter: ['class', 'data-theme', 'style'] };
    new MutationObserver(tell).observe(document.documentElement, attributes);
  }
  return () => {
    watchers.delete(changed);
  };
}
