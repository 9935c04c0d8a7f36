// The colour of a run beside its name, equal to that of its lines in the charts.

import { runColour } from '../charts/colours';

/** A CSS colour that follows the theme. */
export function swatch(id: string): string {
  return `light-dark(${runColour(id, false)}, ${runColour(id, true)})`;
}
