// The columns of the virtual table.

import type { Cell } from '../api/columns';

export interface TableColumn {
  id: string;
  label: string;
  width: number;
  kind: 'text' | 'number' | 'state' | 'dot' | 'time' | 'duration' | 'link';
  cell: (row: number) => Cell;
  href?: (row: number) => string;
  /** A colour beside the text, such as the colour of the run's lines. */
  colour?: (row: number) => string | null;
}
