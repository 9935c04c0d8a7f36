// What the parts of the sweep page share.

import type { Frame } from '../../api/columns';
import type { SweepDetail } from '../../api/types';
import type { Resource } from '../../state/resource.svelte';
import type { Selection } from '../../state/selection.svelte';
import type { Explained } from './explained.svelte';
import type { MetricAxis } from './metrics';

export interface Shared {
  readonly at: { team: string; project: string };
  readonly detail: SweepDetail;
  readonly trials: Resource<Frame>;
  readonly selection: Selection;
  readonly explained: Explained;
  /** The metrics that the reader added as axes. */
  readonly metrics: readonly MetricAxis[];
}
