// Turns the colour codes of terminals into typed spans of text. This module is pure.

export interface Span {
  text: string;
  /** A number of the palette of 16, or a CSS colour. */
  colour: number | string | null;
  ground: number | string | null;
  bold: boolean;
  dim: boolean;
  italic: boolean;
  underline: boolean;
}

type Look = Omit<Span, 'text'>;

const PLAIN: Look = {
  colour: null,
  ground: null,
  bold: false,
  dim: false,
  italic: false,
  underline: false,
};

/* eslint-disable no-control-regex -- these signs are what this module looks for */

/** The escape sequences: colours, other control sequences, and texts for the terminal. */
const ESCAPE =
  /\u001b\[([0-9;:]*)m|\u001b\[[0-?]*[ -/]*[@-~]|\u001b\].*?(?:\u0007|\u001b\\)|\u001b./g;
const HIDDEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/* eslint-enable no-control-regex */

/** What a terminal shows of a line that returns to its begin, such as a progress bar. */
function overwritten(line: string): string {
  const text = line.replace(/\r+$/, '');
  return text.slice(text.lastIndexOf('\r') + 1);
}

const LEVELS = [0, 95, 135, 175, 215, 255];

/** A colour of the palette of 256. */
function palette(index: number): number | string {
  if (index < 16) return index;
  if (index >= 232) {
    const grey = 8 + 10 * (index - 232);
    return `rgb(${grey} ${grey} ${grey})`;
  }
  const cube = index - 16;
  const part = (size: number) => LEVELS[Math.floor(cube / size) % 6] ?? 0;
  return `rgb(${part(36)} ${part(6)} ${part(1)})`;
}

/** Reads `5;N` or `2;R;G;B` after the code 38 or 48: the colour and how many codes it took. */
function extended(codes: number[]): [number | string | null, number] {
  const inRange = (value: number | undefined) => Math.min(255, Math.max(0, value ?? 0));
  if (codes[0] === 5) return [palette(inRange(codes[1])), 2];
  if (codes[0] === 2) {
    return [`rgb(${inRange(codes[1])} ${inRange(codes[2])} ${inRange(codes[3])})`, 4];
  }
  return [null, codes.length];
}

const SWITCHES: Record<number, Partial<Look>> = {
  0: PLAIN,
  1: { bold: true },
  2: { dim: true },
  3: { italic: true },
  4: { underline: true },
  22: { bold: false, dim: false },
  23: { italic: false },
  24: { underline: false },
  39: { colour: null },
  49: { ground: null },
};

function apply(look: Look, parameters: string): Look {
  const codes = parameters.split(/[;:]/).map(Number);
  let next = look;
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at] ?? 0;
    if (code === 38 || code === 48) {
      const [colour, length] = extended(codes.slice(at + 1));
      next = { ...next, [code === 38 ? 'colour' : 'ground']: colour };
      at += length;
    } else if (code >= 30 && code <= 37) next = { ...next, colour: code - 30 };
    else if (code >= 90 && code <= 97) next = { ...next, colour: code - 82 };
    else if (code >= 40 && code <= 47) next = { ...next, ground: code - 40 };
    else if (code >= 100 && code <= 107) next = { ...next, ground: code - 92 };
    else next = { ...next, ...SWITCHES[code] };
  }
  return next;
}

/** The spans of a line of a terminal. Hidden signs become visible. */
export function spans(line: string): Span[] {
  const text = overwritten(line);
  const found: Span[] = [];
  let look = PLAIN;
  let from = 0;
  const add = (to: number) => {
    const part = text.slice(from, to).replace(HIDDEN, '\ufffd');
    if (part) found.push({ text: part, ...look });
  };
  for (const escape of text.matchAll(ESCAPE)) {
    add(escape.index);
    if (escape[1] !== undefined) look = apply(look, escape[1]);
    from = escape.index + escape[0].length;
  }
  add(text.length);
  return found;
}
