// Boxes and the classes of what lies on images. This module is pure.

import type { ClassNames, Json } from '../../../api/types';
import { fields, list, text } from './values';

/** A box on an image. The numbers are shares of the image's sides, or pixels. */
export interface Box {
  group: string;
  class: number;
  caption: string;
  scores: Record<string, number>;
  inPixels: boolean;
  left: number;
  top: number;
  width: number;
  height: number;
}

/** A class of a group that the reader can switch. */
export interface Class {
  id: string;
  group: string;
  class: number;
  name: string;
}

export function classId(group: string, number: number): string {
  return `${group}\n${number}`;
}

function number(value: Json | undefined): number {
  return typeof value === 'number' ? value : NaN;
}

function numbers(value: Json | undefined): Record<string, number> {
  const found = Object.entries(fields(value)).map(([name, one]) => [name, number(one)] as const);
  return Object.fromEntries(found.filter(([, one]) => Number.isFinite(one)));
}

/** The left, top, width and height of a box: from its corners, or from its middle and size. */
function sides(position: Json | undefined): [number, number, number, number] {
  const own = fields(position);
  if (Array.isArray(own.middle)) {
    const [x, y] = [number(own.middle[0]), number(own.middle[1])];
    const [width, height] = [number(own.width), number(own.height)];
    return [x - width / 2, y - height / 2, width, height];
  }
  const [left, top] = [number(own.minX), number(own.minY)];
  return [left, top, number(own.maxX) - left, number(own.maxY) - top];
}

/** The boxes of a group. Boxes without a place are left out. */
export function boxesOf(group: string, value: Json): Box[] {
  // W&B's client writes a bare list into the cells of tables.
  const data = Array.isArray(value) ? value : list(fields(value).box_data);
  return data.flatMap((one) => {
    const own = fields(one);
    const [left, top, width, height] = sides(own.position);
    if (![left, top, width, height].every(Number.isFinite)) return [];
    const box = {
      group,
      class: number(own.class_id) || 0,
      caption: text(own.box_caption),
      scores: numbers(own.scores),
      inPixels: own.domain === 'pixel',
      ...{ left, top, width, height },
    };
    return [box];
  });
}

/** The names of the classes in a group, by their numbers. */
export function namesOf(value: Json | undefined): Map<number, string> {
  const labels = Object.entries(fields(fields(value).class_labels));
  return new Map(labels.map(([id, name]) => [Number(id), text(name)]));
}

/** The classes with the names that the config of the run has for those without a name. */
export function named(classes: readonly Class[], told: readonly ClassNames[]): Class[] {
  return classes.map((one) => {
    const own = told.find(({ group }) => group === one.group);
    return one.name ? one : { ...one, name: own?.names[String(one.class)] ?? '' };
  });
}

/** The bounds of the scores under a name: 0 to 1 if they fit in there. */
export function bounds(boxes: readonly Box[], score: string): [number, number] {
  const all = boxes.map((box) => box.scores[score] ?? 0);
  return [all.reduce((a, b) => Math.min(a, b), 0), all.reduce((a, b) => Math.max(a, b), 1)];
}

/** Whether a box is sure enough. A box without this score is always shown. */
export function isSure(box: Box, score: string, least: number): boolean {
  return (box.scores[score] ?? Infinity) >= least;
}
