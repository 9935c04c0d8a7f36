// What a panel of a report shows, as plain data that can be kept with the report. This module is
// pure.

import type { ClassNames, Json, MediaItem } from '../../api/types';
import type { BarsData } from '../../charts/bars';
import type { Table } from '../../charts/data';
import type { HistoryData } from '../../charts/history';
import type { LinesData } from '../../charts/linedata';
import type { ParallelData } from '../../charts/parallel';
import type { ScatterData } from '../../charts/scatter';
import type { Clip, Picture } from '../run/media/values';

/** A value of the history that names media. */
interface MediaData {
  run: string;
  step: number;
  /** Images with what lies on them, and the names of its classes. */
  shots: Picture[];
  classes: ClassNames[];
  /** Audio clips, videos or pages, and their kind. */
  kind: MediaItem['kind'];
  clips: Clip[];
  /** The value of a table; `null` for another value. */
  table: Json;
  /** What the page names, because it shows nothing of it. */
  files: string[];
}

type Body =
  | { chart: 'lines'; data: LinesData; options: Record<string, unknown> }
  | { chart: 'history'; data: HistoryData; options: Record<string, unknown> }
  | { chart: 'bars'; data: BarsData }
  | { chart: 'parallel'; data: ParallelData }
  | { chart: 'scatter'; data: ScatterData }
  | { chart: 'table'; data: Table }
  | ({ chart: 'media' } & MediaData)
  | { chart: 'nothing'; why: string };

export type Drawn = Body & {
  /** The names of the runs by their ids. */
  names: Record<string, string>;
  /** What the reader must know about what is shown: "50 of 1,000 runs". */
  note: string;
};

/** How many digits a frozen number keeps. A curve needs no more, and the data is bounded. */
const DIGITS = 10;
const KINDS = ['lines', 'history', 'bars', 'parallel', 'scatter', 'table', 'media', 'nothing'];

/** A number as JSON: JSON has no way to write one that is not finite. */
function packed(value: number): unknown {
  if (Number.isNaN(value)) return null;
  if (value === Infinity) return { inf: 1 };
  if (value === -Infinity) return { inf: -1 };
  return Number(value.toPrecision(DIGITS));
}

/** What a panel shows as JSON. Lists of numbers keep NaN and infinities. */
export function pack(drawn: Drawn): string {
  return JSON.stringify(drawn, (_, value: unknown) => {
    if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
      return Array.from(value as unknown as ArrayLike<number>, packed);
    }
    if (Array.isArray(value) && value.some((one) => typeof one === 'number')) {
      return value.map((one: unknown) => (typeof one === 'number' ? packed(one) : one));
    }
    return value;
  });
}

/** The numbers of a list that was packed. */
function unpacked(value: unknown): unknown {
  if (Array.isArray(value)) {
    const isNumbers = value.every(
      (one) => one === null || typeof one === 'number' || isInfinite(one),
    );
    if (!isNumbers) return value.map(unpacked);
    return value.map((one: unknown) => {
      if (one === null) return NaN;
      return isInfinite(one) ? (one.inf > 0 ? Infinity : -Infinity) : one;
    });
  }
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, unpacked(one)]));
}

function isInfinite(value: unknown): value is { inf: number } {
  return typeof value === 'object' && value !== null && 'inf' in value;
}

/** Reads what was packed. Throws an error if it is something else. */
export function unpack(kept: unknown): Drawn {
  const drawn = kept as Partial<Drawn> | null;
  const isKnown = drawn !== null && typeof drawn === 'object';
  if (!isKnown || !KINDS.includes(String(drawn.chart))) {
    throw new Error('The data of this panel is not of a kind that the page knows.');
  }
  // The cells of a table are no list of numbers: `null` stays empty.
  const kind = drawn.chart;
  const whole = kind === 'table' ? kept : unpacked(kept);
  const back = { names: {}, note: '', ...(whole as object) } as Drawn;
  return back.chart === 'media' ? { ...back, ...shown(back) } : back;
}

/** Media as they were kept, some of them before they had boxes and masks. */
function shown(kept: Partial<MediaData>): Partial<MediaData> {
  const shots = (kept.shots ?? []).map(({ data, ...shot }) => ({
    ...shot,
    boxes: shot.boxes ?? {},
    masks: shot.masks ?? {},
    ...(data && isImage(data) && { data }),
  }));
  const none = { kind: 'image', classes: [], clips: [], table: null, files: [] } as const;
  return { ...none, ...kept, shots } as Partial<MediaData>;
}

/** An image that shows nothing but itself. Other addresses of kept data are not followed. */
export function isImage(data: string): boolean {
  return /^data:image\/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]*$/.test(data);
}
