// Loads what lies on images and draws it: boxes, and masks with the class of each pixel.

import { blob, fileTarget, get } from '../../../api/client';
import type { Json } from '../../../api/types';
import { categoryColour } from '../../../charts/colours';
import { visible } from '../../../parts/text';
import { type Box, boxesOf, type Class, classId, isSure, namesOf } from './boxes';
import { bytesOf, fields, pathOf, type Picture, text } from './values';

/** The most pixels of a mask. A larger one would take too much memory. */
const PIXELS = 16_000_000;
/** The least width of an image that has boxes painted into it, in pixels. */
const WIDE = 480;
/** The width from which on boxes have their captions, which would hide a smaller image. */
const ROOMY = 120;
/** The strength of the colour of a mask, of 255. */
const ALPHA = 120;

interface Mask {
  group: string;
  width: number;
  height: number;
  /** The class of each pixel. */
  classes: Uint8Array;
  /** The classes that the mask has, ascending. */
  present: number[];
}

/** What lies on an image. */
export interface Overlay {
  boxes: Box[];
  masks: Mask[];
  names: Map<string, string>;
  /** What could not be loaded. */
  errors: unknown[];
}

/** What the reader wants to see of it. */
export interface Shown {
  hidden: ReadonlySet<string>;
  score: string;
  least: number;
}

export function hasOverlay({ boxes, masks }: Picture): boolean {
  return Object.keys(boxes).length + Object.keys(masks).length > 0;
}

function context(width: number, height: number): CanvasRenderingContext2D {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [width, height];
  const made = canvas.getContext('2d', { willReadFrequently: true });
  if (!made) throw new Error('The browser gives no canvas.');
  return made;
}

async function maskOf(group: string, content: Blob): Promise<Mask> {
  const options = { colorSpaceConversion: 'none', premultiplyAlpha: 'none' } as const;
  const image = await createImageBitmap(content, options);
  const { width, height } = image;
  if (width * height > PIXELS) throw new Error('The mask is too large to be drawn.');
  const pen = context(width, height);
  pen.drawImage(image, 0, 0);
  image.close();
  const { data } = pen.getImageData(0, 0, width, height);
  const classes = new Uint8Array(width * height);
  for (let at = 0; at < classes.length; at += 1) classes[at] = data[4 * at] ?? 0;
  const present = [...new Set(classes)].sort((a, b) => a - b);
  return { group, width, height, classes, present };
}

/** Loads what lies on one image. A part that fails leaves the others. */
async function load(source: string, picture: Picture, signal: AbortSignal): Promise<Overlay> {
  const overlay: Overlay = { boxes: [], masks: [], names: new Map(), errors: [] };
  const name = (group: string, value: Json) => {
    for (const [id, label] of namesOf(value)) overlay.names.set(classId(group, id), label);
  };
  const boxes = Object.entries(picture.boxes).map(async ([group, value]) => {
    const path = fields(value).box_data === undefined ? pathOf(value) : null;
    const found = path === null ? value : await get<Json>(fileTarget(source, path), {}, signal);
    overlay.boxes.push(...boxesOf(group, found));
    name(group, found);
  });
  const masks = Object.entries(picture.masks).map(async ([group, value]) => {
    const [kept, path] = [text(fields(value).data), pathOf(value)];
    if (kept) overlay.masks.push(await maskOf(group, bytesOf(kept)));
    else if (path === null) return;
    else overlay.masks.push(await maskOf(group, await blob(fileTarget(source, path), signal)));
    name(group, value);
  });
  for (const done of await Promise.allSettled([...boxes, ...masks])) {
    if (done.status === 'rejected') overlay.errors.push(done.reason);
  }
  return overlay;
}

export function loadAll(
  source: string,
  pictures: readonly Picture[],
  signal: AbortSignal,
): Promise<Overlay[]> {
  return Promise.all(pictures.map((picture) => load(source, picture, signal)));
}

/** The classes of overlays, by their groups and numbers. */
export function classesOf(overlays: readonly Overlay[]): Class[] {
  const found = new Map<string, Class>();
  const add = (group: string, number: number, { names }: Overlay) => {
    const id = classId(group, number);
    const name = names.get(id) || found.get(id)?.name || '';
    found.set(id, { id, group, class: number, name });
  };
  for (const overlay of overlays) {
    for (const { group, class: number } of overlay.boxes) add(group, number, overlay);
    for (const { group, present } of overlay.masks) {
      for (const number of present) add(group, number, overlay);
    }
  }
  return [...found.values()].sort((a, b) =>
    a.group === b.group ? a.class - b.class : a.group < b.group ? -1 : 1,
  );
}

/** The colour of a class. It lies on images, so it is the same in both themes. */
export function classColour(number: number): string {
  return categoryColour(number, true);
}

/** Draws an overlay on a canvas that lies on an image of this size in pixels. */
export function draw(
  canvas: HTMLCanvasElement,
  overlay: Overlay,
  shown: Shown,
  image: Size,
): void {
  const scale = window.devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  [canvas.width, canvas.height] = [Math.round(width * scale), Math.round(height * scale)];
  const pen = canvas.getContext('2d');
  if (!pen || image.width === 0 || width === 0) return;
  pen.scale(scale, scale);
  lay(pen, overlay, shown, image, { width, height });
}

interface Size {
  width: number;
  height: number;
}

/** Draws an overlay on an image of this size in pixels, which takes so much room. */
function lay(
  pen: CanvasRenderingContext2D,
  overlay: Overlay,
  shown: Shown,
  image: Size,
  { width, height }: Size,
): void {
  pen.imageSmoothingEnabled = false;
  for (const mask of overlay.masks) {
    pen.drawImage(paint(mask, shown.hidden), 0, 0, width, height);
  }
  for (const box of overlay.boxes) {
    if (shown.hidden.has(classId(box.group, box.class))) continue;
    if (!isSure(box, shown.score, shown.least)) continue;
    const x = box.inPixels ? width / image.width : width;
    const y = box.inPixels ? height / image.height : height;
    const place = [box.left * x, box.top * y, box.width * x, box.height * y] as const;
    const caption = width < ROOMY ? '' : visible(box.caption, 60);
    drawBox(pen, place, classColour(box.class), caption);
  }
}

/** The classes that are hidden at first: the class 0 of a mask is mostly the ground. */
export function groundOf(overlays: readonly Overlay[]): Set<string> {
  return new Set(overlays.flatMap(({ masks }) => masks.map(({ group }) => classId(group, 0))));
}

/** An image with what lies on it, as an address `data:`. */
export async function painted(
  source: string,
  picture: Picture,
  signal: AbortSignal,
): Promise<string> {
  const { data, path } = picture;
  const content = data ? bytesOf(data) : await blob(fileTarget(source, path), signal);
  const [image, overlay] = await Promise.all([
    createImageBitmap(content),
    load(source, picture, signal),
  ]);
  const { width, height } = image;
  // The lines of boxes would hide most of a small image.
  const scale = Math.max(1, Math.ceil(WIDE / width));
  if (width * height * scale ** 2 > PIXELS)
    throw new Error('The image is too large to be drawn.');
  const room = { width: width * scale, height: height * scale };
  const pen = context(room.width, room.height);
  pen.imageSmoothingEnabled = scale === 1;
  pen.drawImage(image, 0, 0, room.width, room.height);
  image.close();
  const shown = { hidden: groundOf([overlay]), score: '', least: -Infinity };
  lay(pen, overlay, shown, { width, height }, room);
  return pen.canvas.toDataURL('image/png');
}

function paint(mask: Mask, hidden: ReadonlySet<string>): HTMLCanvasElement {
  const pen = context(mask.width, mask.height);
  const picture = pen.createImageData(mask.width, mask.height);
  const words = new Uint32Array(picture.data.buffer);
  const colours = new Uint32Array(256);
  for (const one of mask.present) {
    if (hidden.has(classId(mask.group, one))) continue;
    const rgb = parseInt(classColour(one).slice(1), 16);
    // The bytes are red, green, blue and alpha, in this order, whatever the order in a word.
    const bytes = [rgb >> 16, (rgb >> 8) & 255, rgb & 255, ALPHA];
    colours[one] = new Uint32Array(Uint8Array.from(bytes).buffer)[0] ?? 0;
  }
  mask.classes.forEach((one, at) => (words[at] = colours[one] ?? 0));
  pen.putImageData(picture, 0, 0);
  return pen.canvas;
}

function drawBox(
  pen: CanvasRenderingContext2D,
  [x, y, width, height]: readonly [number, number, number, number],
  colour: string,
  caption: string,
): void {
  pen.strokeStyle = '#000000';
  pen.lineWidth = 3.5;
  pen.strokeRect(x, y, width, height);
  pen.strokeStyle = colour;
  pen.lineWidth = 2;
  pen.strokeRect(x, y, width, height);
  if (!caption) return;
  pen.font = '600 11px system-ui, sans-serif';
  pen.textBaseline = 'top';
  const top = y >= 15 ? y - 15 : y;
  pen.fillStyle = colour;
  pen.fillRect(x - 1, top, pen.measureText(caption).width + 8, 15);
  pen.fillStyle = '#000000';
  pen.fillText(caption, x + 3, top + 2);
}
