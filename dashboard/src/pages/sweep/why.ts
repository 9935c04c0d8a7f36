// Why the search chose a point, and why a trial was stopped, in words. This module is pure.

import type { Json, RunDetail, Rung } from '../../api/types';
import { number } from '../../parts/text';

/** Half of a 95 % interval of a normal distribution, in standard deviations. */
const SIGMAS = 1.96;

/** Why a point was chosen, by the name of its origin. */
export function originOf(kind: string): string {
  switch (kind) {
    case 'grid':
      return 'the next cell of the grid';
    case 'random':
      return 'drawn at random';
    case 'sobol':
      return 'the next point of an even cover of the space';
    case 'initial':
      return 'one of the first points, before there is a model';
    case 'listed':
      return 'a point of the configuration';
    case 'queued':
      return 'a point that a person queued';
    case 'model':
      return 'the model expects the largest improvement there';
    default:
      return 'the run was not chosen by a search';
  }
}

/** What the model predicted when it chose a point. */
export interface Expectation {
  mean: number;
  deviation: number;
  low: number;
  high: number;
  acquisition: number;
}

/** The origin of a run's point, and the prediction if a model chose it. */
export function chosenBy(run: RunDetail): { kind: string; expected: Expectation | null } {
  const origin = fields(fields(run.suggestion).origin ?? run.suggestion);
  const kind = typeof origin.kind === 'string' ? origin.kind : '';
  const [mean, deviation, acquisition] = ['mean', 'deviation', 'improvement'].map((name) =>
    Number(origin[name] ?? NaN),
  );
  if (kind !== 'model' || mean === undefined || deviation === undefined) {
    return { kind, expected: null };
  }
  const reach = SIGMAS * deviation;
  const expected = { mean, deviation, low: mean - reach, high: mean + reach };
  return { kind, expected: { ...expected, acquisition: acquisition ?? NaN } };
}

function fields(value: Json): Record<string, Json> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}

/** How the result compares with what the model expected. */
export function verdict(value: number | null, expected: Expectation, maximize: boolean): string {
  if (value === null) return 'It has no value yet.';
  const { low, high } = expected;
  if (value >= low && value <= high) return 'The result lies in the interval.';
  const better = maximize ? value > high : value < low;
  return better
    ? 'The result is better than the interval.'
    : 'The result is worse than the interval.';
}

/** The decision at a rung, as a sentence. */
export function decisionOf(rung: Rung, maximize: boolean): string {
  const rank = `${number(rung.value)}, rank ${rung.rank} of ${rung.of}`;
  if (rung.threshold === null) return `${rank}: too few trials were there to compare with.`;
  const bar = `${maximize ? 'at least' : 'at most'} ${number(rung.threshold)}`;
  return rung.stop
    ? `${rank}: stopped, because going on needed ${bar}.`
    : `${rank}: it went on, which needed ${bar}.`;
}
