/** What a chart of lines draws. */

import type { ScaleKind } from './data';
import type { Breaks } from './linepath';

export interface LineSeries {
  /** The id of the run. */
  id: string;
  label: string;
  /** NaN: there is no point here. */
  last: ArrayLike<number>;
  min?: ArrayLike<number> | undefined;
  max?: ArrayLike<number> | undefined;
  /** Without it, the line has the colour of its run. */
  colour?: string | undefined;
  /** The id whose colour the line has, such as that of the run's group. */
  colourOf?: string | undefined;
  /** Whether the line stands out: it is what the others are compared with. */
  baseline?: boolean | undefined;
  /** How many NaN, ∞ and -∞ the run logged. */
  odd?: readonly number[] | undefined;
  /** Where the run logged NaN. */
  nanAt?: readonly number[] | undefined;
}

/** A place on the x axis: a dashed line with a text, and a bar at a height. */
export interface LineMark {
  x: number;
  text: string;
  bar?: number | null | undefined;
}

export interface LinesData {
  x: ArrayLike<number>;
  xName: string;
  xScale: Exclude<ScaleKind, 'category'>;
  yName?: string | undefined;
  /** The range of x; without it, the range of the points. */
  from?: number | undefined;
  to?: number | undefined;
  series: readonly LineSeries[];
  /** Lines without gaps, because the points need no equal distances. */
  whole?: boolean | undefined;
  /** Places on the x axis that mean something, in ascending order. */
  marks?: readonly LineMark[] | undefined;
  /** What the reader must know: "120 of 1,000 runs drawn". */
  note?: string | undefined;
}

/** A line as it is drawn. */
export interface Line {
  series: LineSeries;
  /** The smoothed values, or those that the run logged. */
  values: ArrayLike<number>;
  breaks: Breaks;
}
