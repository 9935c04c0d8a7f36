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
 * axis has more places than that; only an unusually long step is a gap. `has` tells whether the
 * line has a value at a place.
 */
export function bridge(x: ArrayLike<number>, has: (index: number) => boolean): number {
  const steps: number[] = [];
  let before = NaN;
  for (let index = 0; index < x.length; index += 1) {
    if (!has(index)) continue;
    const step = at(x, index) - before;
    if (step > 0) steps.push(step);
    before = at(x, index);
  }
  if (steps.length === 0) return Infinity;
  const middle = Float64Array.from(steps).sort()[Math.floor(steps.length / 2)] ?? Infinity;
  return middle * 3.5;
}
