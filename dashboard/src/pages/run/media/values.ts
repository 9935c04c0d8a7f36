// Reads the values that the SDK and W&B's client log for media. This module is pure.

import type { Json, MediaItem } from '../../../api/types';

/** A file that a value names. */
export interface Clip {
  path: string;
  caption: string;
}

/** An image with what lies on it, by the names of the groups: each is a value or names a file. */
export interface Picture extends Clip {
  boxes: Record<string, Json>;
  masks: Record<string, Json>;
  /** The bytes as an address `data:`, if they are kept; without them, the file is shown. */
  data?: string;
}

export type Fields = Record<string, Json | undefined>;

/** The fields of an object; none for another value. */
export function fields(value: Json | undefined): Fields {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? value : {};
}

export function list(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : [];
}

export function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

/** Whether a path stays in the run. A browser would follow `..` to another address. */
function stays(path: string): boolean {
  return path !== '' && path.split('/').every((part) => !['', '.', '..'].includes(part));
}

/** The path of the file that a value names; `null` if it names none. */
export function pathOf(value: Json | undefined): string | null {
  const path = text(fields(value).path);
  return stays(path) ? path : null;
}

/** The bytes of an address `data:` with base64. */
export function bytesOf(address: string): Blob {
  const text = atob(address.slice(address.indexOf(',') + 1));
  return new Blob([Uint8Array.from(text, (sign) => sign.charCodeAt(0))]);
}

/** The values in a value: those of a list, or itself. */
function single(value: Json): Json[] {
  const { items, audio, videos, html } = fields(value);
  const found = [items, audio, videos, html].find((part) => Array.isArray(part));
  return found ? list(found) : [value];
}

/** The audio clips, videos or pages of a value. */
export function clipsOf(value: Json): Clip[] {
  const captions = list(fields(value).captions);
  return single(value).flatMap((one, index) => {
    const path = pathOf(one);
    const caption = text(fields(one).caption) || text(captions[index]);
    return path === null ? [] : [{ path, caption }];
  });
}

function groups(value: Json | undefined): Record<string, Json> {
  return fields(value) as Record<string, Json>;
}

/** The images of a value. */
export function picturesOf(value: Json): Picture[] {
  const all = fields(value);
  if (!Array.isArray(all.filenames)) {
    return single(value).flatMap((one) => {
      const [path, own] = [pathOf(one), fields(one)];
      const [boxes, masks] = [groups(own.boxes), groups(own.masks)];
      return path === null ? [] : [{ path, caption: text(own.caption), boxes, masks }];
    });
  }
  // W&B's client writes a list for each part of the images.
  const [captions, boxes, masks] = [all.captions, all.all_boxes, all.all_masks].map(list);
  return all.filenames.flatMap((name, index) => {
    const path = text(name);
    const caption = text(captions?.[index]);
    const [box, mask] = [groups(boxes?.[index]), groups(masks?.[index])];
    return stays(path) ? [{ path, caption, boxes: box, masks: mask }] : [];
  });
}

/** The media of one key, by ascending steps. */
export interface KeyMedia {
  key: string;
  items: MediaItem[];
}

/** Tables and their charts come after what only this page shows. */
function isTable({ items }: KeyMedia): boolean {
  return items.every(({ kind }) => kind === 'table' || kind === 'plot');
}

/** The media by their keys, and then the tables. The order of the steps stays. */
export function byKey(items: readonly MediaItem[]): KeyMedia[] {
  const found = new Map<string, MediaItem[]>();
  for (const item of items) {
    const own = found.get(item.key);
    if (own) own.push(item);
    else found.set(item.key, [item]);
  }
  return [...found]
    .map(([key, own]) => ({ key, items: own }))
    .sort((a, b) => Number(isTable(a)) - Number(isTable(b)) || (a.key < b.key ? -1 : 1));
}

/** The steps with media, each once. */
export function stepsOf(items: readonly MediaItem[]): number[] {
  return [...new Set(items.map(({ step }) => step))].sort((a, b) => a - b);
}

/** The index of the last step up to the one that is asked for, or 0. */
export function placeOf(steps: readonly number[], step: number): number {
  return Math.max(
    0,
    steps.findLastIndex((one) => one <= step),
  );
}
