// Asks the controller for what a panel of a report shows.

import { ApiError, blob, columns, fileTarget, get, path, runTarget } from '../../api/client';
import { Frame } from '../../api/columns';
import type {
  Explanation,
  Json,
  Media,
  ReportBlock,
  ReportPanel,
  RunDetail,
  SweepDetail,
} from '../../api/types';
import { count } from '../../parts/text';
import { session } from '../../state/session.svelte';
import { BASICS, columnOf, everyRow, limitColumns } from '../../state/trials';
import { linesOfRuns } from '../lines/linesOf';
import { hasOverlay, painted } from '../run/media/overlay';
import { clipsOf, fields, pathOf, type Picture, picturesOf } from '../run/media/values';
import { barsData, historyData, parallelData, sliceData } from '../sweep/data';
import { unpack, type Drawn } from './drawn';

export type PanelBlock = Extract<ReportBlock, { kind: 'panel' }>;

interface Place {
  team: string;
  project: string;
}

/** How many curves, and rows of a table, a panel has at most. */
const CURVES = 50;
const ROWS = 200;
const BUCKETS = 300;
/** How many images of one value a panel shows. */
const SHOTS = 24;
/** The largest image that is kept with a report, in bytes. */
const SHOT_BYTES = 700_000;

type Shows<K extends ReportPanel['shows']> = Extract<ReportPanel, { shows: K }>;

function nothing(why: string): Drawn {
  return { chart: 'nothing', why, names: {}, note: '' };
}

/** The rows of the wanted runs, in their order; of all runs that pass the filters, the newest. */
async function found(
  panel: Shows<'curves'> | Shows<'table'>,
  at: Place,
  wanted: readonly string[],
  signal: AbortSignal,
): Promise<{ frame: Frame; rows: number[] }> {
  const named = panel.runs.length > 0;
  const body = {
    filters: named ? [] : panel.filters,
    sort: [],
    columns: [...new Set(['id', 'name', 'created_ms', ...wanted])],
  };
  const frame = await columns(`/projects${path(at.team, at.project)}/columns`, body, signal);
  if (!named) {
    const created = (row: number) => frame.number('created_ms', row) ?? 0;
    return { frame, rows: everyRow(frame).sort((a, b) => created(b) - created(a)) };
  }
  const place = new Map(everyRow(frame).map((row) => [frame.text('id', row), row]));
  return { frame, rows: panel.runs.flatMap((id) => place.get(id) ?? []) };
}

function namesOf(frame: Frame, rows: readonly number[]): Record<string, string> {
  const pair = (row: number) => {
    const id = frame.text('id', row) ?? '';
    return [id, frame.text('name', row) || id] as const;
  };
  return Object.fromEntries(rows.map(pair));
}

function shortened(shown: number, all: number, missing: number): string {
  const parts = [
    shown < all ? `${count(shown)} of ${count(all)} runs` : '',
    missing > 0 ? `${count(missing)} of the chosen runs are gone` : '',
  ];
  return parts.filter(Boolean).join(', ');
}

const NOT_OPENED =
  'The panel chooses its runs by filters, and the link opens only named runs. The sender can ' +
  'freeze the panel.';
const NO_RUNS = 'No run is left to show. The runs may be deleted, or none passes the filter.';

async function curves(panel: Shows<'curves'>, at: Place, signal: AbortSignal): Promise<Drawn> {
  const { frame, rows } = await found(panel, at, [], signal);
  if (rows.length === 0) return nothing(NO_RUNS);
  const shown = rows.slice(0, CURVES);
  const names = namesOf(frame, shown);
  const body = {
    runs: Object.keys(names),
    keys: [panel.metric],
    x: panel.x,
    from: null,
    to: null,
    buckets: BUCKETS,
    system: panel.system,
  };
  const answer = await columns('/series', body, signal);
  const data = linesOfRuns(answer, panel.x, (id) => names[id] ?? id, [], null);
  if (data.series.length === 0) return nothing(`The runs have no point of ${panel.metric}.`);
  const options = {
    smooth: panel.smooth,
    logX: panel.log_x && panel.x !== 'time',
    logY: panel.log_y,
    outliers: panel.outliers,
  };
  const note = shortened(
    shown.length,
    rows.length,
    panel.runs.length && panel.runs.length - rows.length,
  );
  return { chart: 'lines', data: { ...data, yName: panel.metric }, options, names, note };
}

async function table(panel: Shows<'table'>, at: Place, signal: AbortSignal): Promise<Drawn> {
  const { frame, rows } = await found(panel, at, ['state', ...panel.columns], signal);
  if (rows.length === 0) return nothing(NO_RUNS);
  const shown = rows.slice(0, ROWS);
  const names = namesOf(frame, shown);
  const cells = shown.map((row) => [
    frame.text('name', row) || frame.text('id', row),
    ...panel.columns.map((column) => frame.cell(column, row)),
  ]);
  const note = shortened(
    shown.length,
    rows.length,
    panel.runs.length && panel.runs.length - rows.length,
  );
  const data = { columns: ['run', ...panel.columns], rows: cells };
  return { chart: 'table', data, names, note };
}

/** The trials of a sweep, with all of their parameters. */
async function trials(sweep: string, signal: AbortSignal) {
  const detail = await get<SweepDetail>(`/sweeps${path(sweep)}`, {}, signal);
  const named = detail.parameters.map(({ name }) => columnOf(name));
  const wanted = [...BASICS, ...named, ...limitColumns(detail)];
  const body = { sweep, filters: [], sort: [], columns: wanted };
  const target = `/projects${path(detail.team, detail.project)}/columns`;
  const frame = await columns(target, body, signal);
  return { detail, frame, names: namesOf(frame, everyRow(frame)) };
}

async function importance(sweep: string, signal: AbortSignal): Promise<Drawn> {
  try {
    const value = await get<Explanation>(`/sweeps${path(sweep, 'explain')}`, {}, signal);
    return { chart: 'bars', data: barsData(value), names: {}, note: 'share of the variance' };
  } catch (error) {
    if (error instanceof ApiError && error.status === 409) return nothing(error.message);
    throw error;
  }
}

async function ofSweep(
  panel: Shows<'history'> | Shows<'parallel'> | Shows<'slice'>,
  signal: AbortSignal,
): Promise<Drawn> {
  const { detail, frame, names } = await trials(panel.sweep, signal);
  const note = '';
  if (frame.rows === 0) return nothing('The sweep has no trial.');
  if (panel.shows === 'history') {
    const data = historyData(frame, detail, panel.time ? 'time' : 'trial');
    return { chart: 'history', data, options: { logY: panel.log_y }, names, note };
  }
  if (panel.shows === 'parallel') {
    return { chart: 'parallel', data: parallelData(frame, detail), names, note };
  }
  const parameter = detail.parameters.find(({ name }) => name === panel.parameter);
  if (!parameter) return nothing(`The sweep has no parameter ${panel.parameter}.`);
  return { chart: 'scatter', data: sliceData(frame, detail, parameter), names, note };
}

async function media(panel: Shows<'media'>, signal: AbortSignal): Promise<Drawn> {
  const { run, key, step } = panel;
  const target = `/runs${path(run, 'media')}`;
  let last: Media['items'][number] | undefined;
  let from: number | null = 0;
  // The value at the step, or else the one before it.
  while (from !== null && (step === null || from <= step)) {
    const query = { key, from, limit: 1000 };
    const page: Media = await get<Media>(target, query, signal);
    last = page.items.findLast((item) => step === null || item.step <= step) ?? last;
    from = page.next;
  }
  if (!last) return nothing(`The run has no media under ${key} up to this step.`);
  const { kind, value } = last;
  const shots = kind === 'image' ? picturesOf(value).slice(0, SHOTS) : [];
  const isPlayed = kind === 'audio' || kind === 'video' || kind === 'html';
  const told = shots.some(hasOverlay) ? await get<RunDetail>(runTarget(run), {}, signal) : null;
  return {
    chart: 'media',
    run,
    step: last.step,
    shots,
    classes: told?.classes.filter((one) => one.key === key) ?? [],
    kind,
    clips: isPlayed ? clipsOf(value) : [],
    table: kind === 'table' ? value : null,
    files: shots.length > 0 ? [] : last.files,
    names: {},
    note: `step ${count(last.step)}`,
  };
}

function fresh(panel: ReportPanel, at: Place, signal: AbortSignal): Promise<Drawn> {
  if (panel.shows === 'curves') return curves(panel, at, signal);
  if (panel.shows === 'table') return table(panel, at, signal);
  if (panel.shows === 'importance') return importance(panel.sweep, signal);
  return panel.shows === 'media' ? media(panel, signal) : ofSweep(panel, signal);
}

/** What a panel shows: the kept data of a frozen one, and what the controller has now otherwise. */
export async function load(
  report: string,
  block: PanelBlock,
  at: Place,
  signal: AbortSignal,
): Promise<Drawn> {
  if (block.frozen === null) {
    const { panel } = block;
    const byFilter = 'runs' in panel && panel.runs.length === 0;
    if (byFilter && session.only) return nothing(NOT_OPENED);
    return fresh(panel, at, signal);
  }
  return unpack(
    await get<unknown>(`/reports${path(report, 'frozen', block.frozen)}`, {}, signal),
  );
}

function dataUrl(content: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(new Error('The browser could not read an image.'));
    reader.readAsDataURL(content);
  });
}

/** The same with what lies on the images painted into them, for what shows no more than images. */
export async function flat(drawn: Drawn, signal: AbortSignal): Promise<Drawn> {
  if (drawn.chart !== 'media') return drawn;
  const source = runTarget(drawn.run);
  const paint = async (shot: Picture): Promise<Picture> =>
    hasOverlay(shot)
      ? { ...shot, data: await painted(source, shot, signal), boxes: {}, masks: {} }
      : shot;
  return { ...drawn, shots: await Promise.all(drawn.shots.map(paint)) };
}

/** An image with its bytes, and with those of what lies on it. */
async function kept(shot: Picture, read: (file: string) => Promise<Blob>): Promise<Picture> {
  const boxes = Object.entries(shot.boxes).map(async ([group, value]) => {
    const file = fields(value).box_data === undefined ? pathOf(value) : null;
    const found = file === null ? value : (JSON.parse(await (await read(file)).text()) as Json);
    return [group, found] as const;
  });
  const masks = Object.entries(shot.masks).map(async ([group, value]) => {
    const file = pathOf(value);
    const data = file === null ? {} : { data: await dataUrl(await read(file)) };
    return [group, { ...fields(value), ...data } as Json] as const;
  });
  return {
    ...shot,
    data: await dataUrl(await read(shot.path)),
    boxes: Object.fromEntries(await Promise.all(boxes)),
    masks: Object.fromEntries(await Promise.all(masks)),
  };
}

/** The same with the bytes of the images, so that nothing else is needed to show it. */
export async function withBytes(drawn: Drawn, most = SHOT_BYTES): Promise<Drawn> {
  if (drawn.chart !== 'media') return drawn;
  let room = most;
  const read = async (file: string) => {
    const content = await blob(fileTarget(runTarget(drawn.run), file));
    room -= content.size;
    return content;
  };
  const shots: Picture[] = [];
  for (const shot of drawn.shots) {
    const whole = shot.data ? shot : await kept(shot, read);
    if (room < 0) {
      const note = `${drawn.note}, the first ${count(shots.length)} images`;
      if (shots.length === 0) throw new Error('The image is too large to be kept.');
      return { ...drawn, shots, note };
    }
    shots.push(whole);
  }
  // Other files are not kept, so the panel only names them.
  return { ...drawn, shots, clips: [], table: null };
}
