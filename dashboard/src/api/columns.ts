// Reads the binary answer `application/x-columns`: a JSON header and then typed arrays.

/** The code of a dictionary column that stands for an absent value. */
const ABSENT = 0xffffffff;
const ALIGNMENT = 8;

interface ColumnHead {
  name: string;
  kind: 'f64' | 'u32' | 'dictionary';
  offset: number;
  count: number;
  values?: string[];
}

interface Head {
  rows: number;
  columns: ColumnHead[];
  extra?: unknown;
}

export type Column =
  | { kind: 'numbers'; data: Float64Array | Uint32Array }
  | { kind: 'texts'; codes: Uint32Array; values: string[] };

/** The contents of a cell: `null` means that the row has no value in this column. */
export type Cell = number | string | null;

/** A table whose columns are typed arrays. */
export class Frame {
  readonly rows: number;
  readonly extra: unknown;
  readonly #columns: Map<string, Column>;

  constructor(rows: number, columns: Map<string, Column>, extra: unknown = null) {
    this.rows = rows;
    this.#columns = columns;
    this.extra = extra;
  }

  get names(): string[] {
    return [...this.#columns.keys()];
  }

  has(name: string): boolean {
    return this.#columns.has(name);
  }

  /** Whether the column holds texts. A column that does not exist holds none. */
  isText(name: string): boolean {
    return this.#columns.get(name)?.kind === 'texts';
  }

  /** The numbers of a column, with NaN for absent ones; texts that are numbers count as numbers. */
  numbers(name: string): Float64Array {
    const column = this.#columns.get(name);
    if (!column) return new Float64Array(this.rows).fill(NaN);
    if (column.kind === 'numbers') {
      return column.data instanceof Float64Array ? column.data : Float64Array.from(column.data);
    }
    const values = column.values.map((text) => (text.trim() === '' ? NaN : Number(text)));
    return Float64Array.from(column.codes, (code) => values[code] ?? NaN);
  }

  /** The codes of a column of texts and the texts that they stand for. */
  codes(name: string): { codes: Uint32Array; values: string[] } | null {
    const column = this.#columns.get(name);
    return column?.kind === 'texts' ? column : null;
  }

  /** The texts of a column, with `null` for absent ones; numbers are written as texts. */
  texts(name: string): (string | null)[] {
    return Array.from({ length: this.rows }, (_, row) => this.text(name, row));
  }

  cell(name: string, row: number): Cell {
    const column = this.#columns.get(name);
    if (!column) return null;
    if (column.kind === 'texts') return column.values[column.codes[row] ?? ABSENT] ?? null;
    const value = column.data[row];
    return value === undefined || Number.isNaN(value) ? null : value;
  }

  number(name: string, row: number): number | null {
    const cell = this.cell(name, row);
    if (cell === null || cell === '') return null;
    const value = Number(cell);
    return Number.isNaN(value) ? null : value;
  }

  text(name: string, row: number): string | null {
    const cell = this.cell(name, row);
    return cell === null ? null : String(cell);
  }
}

/** Reads the bytes of an answer. Throws an error that says what is wrong with them. */
export function decode(bytes: ArrayBuffer): Frame {
  if (bytes.byteLength < 4) throw new Error('the answer is too short to be a table of columns');
  const length = new DataView(bytes).getUint32(0, true);
  if (length + 4 > bytes.byteLength) {
    throw new Error('the answer ends before the end of its header');
  }
  const text = new TextDecoder().decode(new Uint8Array(bytes, 4, length));
  const head = JSON.parse(text) as Head;
  const begin = Math.ceil((4 + length) / ALIGNMENT) * ALIGNMENT;
  const columns = new Map<string, Column>();
  for (const column of head.columns) columns.set(column.name, read(bytes, begin, column));
  return new Frame(head.rows, columns, head.extra ?? null);
}

function read(bytes: ArrayBuffer, begin: number, column: ColumnHead): Column {
  const width = column.kind === 'f64' ? 8 : 4;
  const from = begin + column.offset;
  if (from + column.count * width > bytes.byteLength) {
    throw new Error(`the answer ends before the end of the column ${column.name}`);
  }
  if (column.kind === 'f64') {
    return { kind: 'numbers', data: new Float64Array(bytes, from, column.count) };
  }
  const data = new Uint32Array(bytes, from, column.count);
  if (column.kind === 'u32') return { kind: 'numbers', data };
  return { kind: 'texts', codes: data, values: column.values ?? [] };
}
