/** Ranks of results, which colours show: a single bad outlier does not use up the whole scale. */

import { at } from './data';

/** The rank of each value from 0 for the worst to 1 for the best. NaN stays NaN. */
export function ranks(values: ArrayLike<number>, maximize: boolean): Float64Array {
  const sign = maximize ? 1 : -1;
  const order = Array.from({ length: values.length }, (_, row) => row)
    .filter((row) => !Number.isNaN(at(values, row)))
    .sort((a, b) => sign * compare(at(values, a), at(values, b)));
  const result = new Float64Array(values.length).fill(NaN);
  let first = 0;
  for (let place = 0; place < order.length; place += 1) {
    const row = order[place] ?? 0;
    // Equal values share the rank of the first of them, and thus the colour.
    if (at(values, order[first] ?? 0) !== at(values, row)) first = place;
    result[row] = order.length > 1 ? first / (order.length - 1) : 1;
  }
  return result;
}

function compare(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Whether a run can be the best of its sweep: it has finished, and breaks no limit. */
export function counts(state: string | undefined, keeps: boolean | undefined): boolean {
  return state === 'finished' && keeps !== false;
}

/** For each row, the best value until then; NaN before the first one. */
export function bestSoFar(values: ArrayLike<number>, maximize: boolean): Float64Array {
  let best = NaN;
  return Float64Array.from({ length: values.length }, (_, row) => {
    const value = at(values, row);
    const better = Number.isFinite(value) && !(maximize ? value <= best : value >= best);
    if (better) best = value;
    return best;
  });
}

/** The rank that a value would have among others, for a scale of colours beside an axis. */
export function rankAmong(
  values: ArrayLike<number>,
  maximize: boolean,
): (value: number) => number {
  const sorted = Float64Array.from(values)
    .filter((value) => !Number.isNaN(value))
    .sort();
  return (value) => {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (at(sorted, middle) < value) low = middle + 1;
      else high = middle;
    }
    const unit = sorted.length > 1 ? Math.min(1, low / (sorted.length - 1)) : 1;
    return maximize ? unit : 1 - unit;
  };
}
