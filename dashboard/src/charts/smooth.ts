/** Smooths a noisy line. */

import { at } from './data';

/** The smoothing is the same at every width: it acts as if the axis had this many points. */
const places = 1000;

/**
 * For each place of a shared x axis, the factor by which the smoothing forgets what lies before
 * the step to this place. A long step forgets more: the smoothing is weighted by time.
 */
export function decays(x: ArrayLike<number>, strength: number): Float64Array {
  const span = at(x, x.length - 1) - at(x, 0);
  const result = new Float64Array(x.length).fill(1);
  for (let index = 1; index < x.length && span > 0; index += 1) {
    result[index] = strength ** (((at(x, index) - at(x, index - 1)) / span) * places);
  }
  return result;
}

/**
 * The exponential moving average of a line. It is debiased: its first value is the line's first
 * value. Places without a finite value stay without one.
 */
export function smooth(values: ArrayLike<number>, decay: Float64Array): Float64Array {
  const result = new Float64Array(values.length).fill(NaN);
  let sum = 0;
  let weight = 0;
  for (let index = 0; index < values.length; index += 1) {
    const factor = at(decay, index);
    sum *= factor;
    weight *= factor;
    const value = at(values, index);
    if (!Number.isFinite(value)) continue;
    sum += value;
    weight += 1;
    result[index] = sum / weight;
  }
  return result;
}

/**
 * The longest step of x that a line bridges. A run logs its metric every so often, and the shared
 * axis has more places than that; only an unusually long step is a gap.
 */
export function bridge(x: ArrayLike<number>, values: ArrayLike<number>): number {
  const steps = new Float64Array(x.length);
  let [found, before, least, most] = [0, NaN, Infinity, 0];
  for (let index = 0; index < x.length; index += 1) {
    if (!Number.isFinite(at(values, index))) continue;
    const place = at(x, index);
    const step = place - before;
    before = place;
    if (!(step > 0)) continue;
    steps[found] = step;
    found += 1;
    if (step < least) least = step;
    if (step > most) most = step;
  }
  if (found === 0) return Infinity;
  // Most runs log at equal distances, and then there is nothing to sort.
  const middle = least === most ? least : at(steps.subarray(0, found).sort(), found >> 1);
  return middle * 3.5;
}
