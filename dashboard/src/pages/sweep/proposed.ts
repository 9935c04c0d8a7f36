// Where the points that come next lie on the axes of the charts. This module is pure.

import type { Proposal } from '../../api/types';
import type { Dimension } from '../../charts/data';
import type { Proposed } from '../../charts/proposed';

/** Half of a 95 % interval of a normal distribution, in standard deviations. */
const SIGMAS = 1.96;

/** The values of the points on an axis. NaN: the parameter is not active, or is not on the axis. */
export function placesOn(axis: Dimension, proposals: readonly Proposal[]): number[] {
  return proposals.map(({ values }) => {
    const value = values[axis.name];
    if (value === undefined) return NaN;
    if (axis.scale !== 'category') return Number(value);
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    const place = axis.categories?.indexOf(text) ?? -1;
    return place < 0 ? NaN : place;
  });
}

/** What to call the points: the numbers of their trials. */
export function namesOf(proposals: readonly Proposal[]): string[] {
  return proposals.map(({ trial }) => `#${trial}`);
}

/** The predicted values of the points. NaN: no model chose the point. */
export function meansOf(proposals: readonly Proposal[]): number[] {
  return proposals.map(({ mean }) => mean ?? NaN);
}

/** The points over one parameter, with the predicted values. */
export function overMetric(axis: Dimension, proposals: readonly Proposal[]): Proposed {
  const end = (sign: number) =>
    proposals.map(({ mean, deviation }) => (mean ?? NaN) + sign * SIGMAS * (deviation ?? NaN));
  return {
    names: namesOf(proposals),
    x: placesOn(axis, proposals),
    y: meansOf(proposals),
    low: end(-1),
    high: end(1),
  };
}
