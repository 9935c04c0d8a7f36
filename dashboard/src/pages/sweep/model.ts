// What the page says about the surrogate. This module is pure.

import type { Explanation, Json, Parameter } from '../../api/types';
import type { Dimension } from '../../charts/data';

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
