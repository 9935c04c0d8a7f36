// What the page says about the surrogate. This module is pure.

import type { Frame } from '../../api/columns';
import type { Explanation, Json, Parameter } from '../../api/types';
import type { Dimension } from '../../charts/data';
import { count } from '../../parts/text';
import { everyRow, idsOf } from '../../state/trials';

/** Below this share the surrogate explains too little to believe its bars. */
const BELIEVABLE = 0.3;

/** Why the bars deserve no belief, if they do not. */
export function weakness(value: Explanation): string | undefined {
  if (value.accuracy >= BELIEVABLE) return undefined;
  const share = Math.round(100 * value.accuracy);
  return `The surrogate predicts only ${share} % of the variance, so these bars may be wrong.`;
}

/** How well the intervals hold: 95 % of the held-out trials should lie inside. */
export function calibration(value: Explanation): string {
  if (value.held_out === 0) return 'not known';
  const share = Math.round((100 * value.covered) / value.held_out);
  return `${value.covered} of ${value.held_out} (${share} %)`;
}

/** The axis of a curve or of a surface: the values of a parameter, as the answer lists them. */
export function axisOf(
  name: string,
  values: Json[],
  parameter: Parameter | undefined,
): Dimension {
  const numeric = parameter && (parameter.kind === 'number' || parameter.kind === 'integer');
  if (numeric) return { name, scale: parameter.scale, values: values.map(Number) };
  const texts = (list: Json[]) =>
    list.map((one) => (typeof one === 'string' ? one : JSON.stringify(one)));
  const own = texts(values);
  // The order of the configuration, as in the charts of the trials.
  const categories = [...new Set([...texts(parameter?.values ?? []), ...own])];
  return {
    name,
    scale: 'category',
    values: own.map((text) => categories.indexOf(text)),
    categories,
  };
}

/** Which trials an explanation knows. */
export function asOf(value: Explanation | null): string {
  return value ? `as of ${count(value.ended)} trials` : '';
}

/** The trials with a value: what the surrogate saw. */
export function observed(frame: Frame | undefined) {
  if (!frame) return null;
  const rows = everyRow(frame).filter((row) => frame.number('value', row) !== null);
  return { frame, rows, ids: idsOf(frame, rows) };
}

/** The ids of the trials by their numbers. */
export function trialIds(frame: Frame | undefined): Map<number, string> {
  const all = frame ? everyRow(frame) : [];
  return new Map(
    all.map((row) => [frame?.number('trial', row) ?? -1, frame?.text('id', row) ?? '']),
  );
}

/** With fewer left-out trials, the share inside says little. */
const ENOUGH = 20;

/** What a person should conclude from the predictions of left-out trials. */
export function conclusion(value: Explanation): string {
  const { covered, held_out: all, accuracy } = value;
  const inside = `${count(covered)} of ${count(all)} left-out trials lie in their interval.`;
  if (all < ENOUGH) return `${inside} Too few trials are there to judge the model by.`;
  // Below this share, chance alone explains the misses in fewer than 1 of 40 cases.
  const least = 0.95 - 2 * Math.sqrt((0.95 * 0.05) / all);
  if (covered / all < least) {
    return `${inside} The model is too sure of itself: take its ranges as wider than drawn.`;
  }
  if (accuracy < BELIEVABLE) {
    return `${inside} The ranges hold, but they are wide: the model hardly tells good from bad.`;
  }
  if (accuracy < 0.7) {
    return `${inside} The ranges hold. Trust where the curves differ by more than their bands.`;
  }
  return `${inside} The model predicts well: you can trust its curves and its ranges.`;
}
