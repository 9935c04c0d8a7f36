// What the pages need of every chart; the classes in `src/charts` have these methods.

export interface ChartTable {
  columns: string[];
  rows: (string | number | null)[][];
}

export interface ChartLike<D> {
  set(data: D): void;
  select(ids: Iterable<string>): void;
  hover(id: string | null): void;
  configure(options: Record<string, unknown>): void;
  table(): ChartTable;
  resize(): void;
  svg(): string;
  png(): Promise<Blob>;
  csv(): string;
  destroy(): void;
}
