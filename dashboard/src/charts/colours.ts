/** Colours for values, categories, runs and states. All of them work for colour-blind people. */

const viridisStops = [
  0x440154, 0x481a6c, 0x472f7d, 0x414487, 0x39568c, 0x31688e, 0x2a788e, 0x23888e, 0x1f988b,
  0x22a884, 0x35b779, 0x54c568, 0x7ad151, 0xa5db36, 0xd2e21b, 0xfde725,
];

/** The colour of a value in [0, 1] on the scale viridis. A value outside is moved to the edge. */
export function viridis(unit: number): string {
  const place = Math.min(1, Math.max(0, Number.isFinite(unit) ? unit : 0)) * 15;
  const below = Math.min(14, Math.floor(place));
  return hex(blend(viridisStops[below] ?? 0, viridisStops[below + 1] ?? 0, place - below));
}

/**
 * The colour of a result, from 0 for the worst to 1 for the best. The best has the strongest
 * contrast to the ground: dark violet on a light ground, and yellow on a dark one.
 */
export function resultColour(unit: number, dark: boolean): string {
  return viridis(dark ? 0.16 + 0.84 * unit : 0.94 * (1 - unit));
}

/** The palette of Okabe and Ito, darkened or lightened until it has contrast to the ground. */
const categoriesOnLight = [
  '#0072b2',
  '#d55e00',
  '#009066',
  '#b9588f',
  '#b07a00',
  '#2f93cc',
  '#7d7600',
  '#3d4450',
];
const categoriesOnDark = [
  '#4aa3df',
  '#f0762b',
  '#1fbf92',
  '#e094c0',
  '#f0b033',
  '#8fd0f5',
  '#f0e442',
  '#c4ccd6',
];

/** How many different colours `categoryColour` has. */
export const categoryColours = categoriesOnLight.length;

/** The colour of a category by its number; the colours repeat. */
export function categoryColour(index: number, dark: boolean): string {
  const palette = dark ? categoriesOnDark : categoriesOnLight;
  return palette[((index % palette.length) + palette.length) % palette.length] ?? '#888888';
}

/**
 * The number of the colour of a run. It depends on the id alone, so a run keeps its colour on
 * every page. Neighbouring trials of a sweep differ.
 */
export function runIndex(id: string): number {
  const trial = /(\d{1,9})$/.exec(id)?.[1] ?? '';
  let hash = 0x811c9dc5;
  for (const sign of id.slice(0, id.length - trial.length)) {
    hash = Math.imul(hash ^ (sign.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  }
  return (hash + Number(trial)) % categoryColours;
}

/** The colour of a run, the same on every page. */
export function runColour(id: string, dark: boolean): string {
  return categoryColour(runIndex(id), dark);
}

/** A colour between two colours of the form `#rrggbb`. */
export function mix(from: string, to: string, share: number): string {
  return hex(blend(parseInt(from.slice(1), 16), parseInt(to.slice(1), 16), share));
}

function blend(from: number, to: number, share: number): number {
  const part = (shift: number): number => {
    const low = (from >> shift) & 255;
    return Math.round(low + (((to >> shift) & 255) - low) * share) << shift;
  };
  return part(16) | part(8) | part(0);
}

function hex(value: number): string {
  return '#' + value.toString(16).padStart(6, '0');
}
