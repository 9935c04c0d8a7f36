// A report that is open in the page, with the changes that are not stored yet.

import { ApiError, get, path, send } from '../../api/client';
import type { Report, ReportBlock, ReportCard } from '../../api/types';

/** The pause after the last change before the page stores it, in milliseconds. */
const PAUSE = 700;

/** `conflict`: somebody else has changed the report, and nothing is stored from now on. */
export type Stored = 'stored' | 'changed' | 'storing' | 'failed' | 'conflict';

/** An id of a block, which is unique in its report. */
export function newId(): string {
  return crypto.randomUUID().slice(0, 8);
}

interface Removed {
  block: ReportBlock;
  place: number;
}

export class Draft {
  readonly id: string;
  title = $state('');
  blocks: ReportBlock[] = $state.raw([]);
  stored: Stored = $state('stored');
  error: unknown = $state.raw(null);
  removed: Removed | null = $state.raw(null);
  changed_ms = $state(0);
  #version = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #storing: Promise<void> = Promise.resolve();

  constructor(report: Report) {
    this.id = report.id;
    this.take(report);
  }

  /** Shows a version of the controller in place of what the page has. */
  take(report: Report): void {
    this.title = report.title;
    this.blocks = report.blocks;
    this.#version = report.version;
    this.changed_ms = report.changed_ms;
    this.stored = 'stored';
    this.error = null;
  }

  rename(title: string): void {
    this.title = title;
    this.#touch();
  }

  /** Puts a block in the place of the one with its id. */
  put(block: ReportBlock): void {
    this.blocks = this.blocks.map((one) => (one.id === block.id ? block : one));
    this.#touch();
  }

  /** Adds a block behind another; at the end if there is no such block. */
  add(block: ReportBlock, after: string | null = null): void {
    const place = this.blocks.findIndex(({ id }) => id === after);
    const at = place < 0 ? this.blocks.length : place + 1;
    this.blocks = this.blocks.toSpliced(at, 0, block);
    this.#touch();
  }

  /** Moves a block by one place. */
  move(id: string, step: 1 | -1): void {
    const place = this.blocks.findIndex((block) => block.id === id);
    const [block, to] = [this.blocks[place], place + step];
    if (!block || to < 0 || to >= this.blocks.length) return;
    this.blocks = this.blocks.toSpliced(place, 1).toSpliced(to, 0, block);
    this.#touch();
  }

  remove(id: string): void {
    const place = this.blocks.findIndex((block) => block.id === id);
    const block = this.blocks[place];
    if (!block) return;
    this.blocks = this.blocks.toSpliced(place, 1);
    this.removed = { block, place };
    this.#touch();
  }

  /** Takes the last removal of a block back. */
  undo(): void {
    if (!this.removed) return;
    const { block, place } = this.removed;
    this.blocks = this.blocks.toSpliced(place, 0, block);
    this.removed = null;
    this.#touch();
  }

  #touch(): void {
    if (this.stored === 'conflict') return;
    this.stored = 'changed';
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.store(), PAUSE);
  }

  /** Stores the changes now. Two stores never overlap. */
  store(): Promise<void> {
    clearTimeout(this.#timer);
    this.#storing = this.#storing.then(() => this.#send());
    return this.#storing;
  }

  async #send(): Promise<void> {
    if (this.stored !== 'changed' && this.stored !== 'failed') return;
    this.stored = 'storing';
    const title = this.title.trim() || 'Untitled report';
    const body = { title, blocks: this.blocks, version: this.#version };
    try {
      const card = await send<ReportCard>('PUT', `/reports${path(this.id)}`, body);
      this.#version = card.version;
      this.changed_ms = card.changed_ms;
      this.error = null;
      // What was changed meanwhile is stored by its own timer.
      if (this.#isStoring()) this.stored = 'stored';
    } catch (error) {
      this.error = error;
      this.stored = error instanceof ApiError && error.status === 409 ? 'conflict' : 'failed';
    }
  }

  /** The state may have changed while the answer was under way. */
  #isStoring(): boolean {
    return this.stored === 'storing';
  }

  /** Shows the newest version. What was not stored is lost. */
  async reload(): Promise<void> {
    this.take(await get<Report>(`/reports${path(this.id)}`));
  }

  /** Stores what the page has as a new report, with the data of its frozen panels. */
  async copy(project: string): Promise<ReportCard> {
    const title = `${this.title.trim() || 'Untitled report'} (copy)`;
    const body = { title, blocks: [] as ReportBlock[], version: 0 };
    const made = await send<ReportCard>('POST', `/projects${project}/reports`, body);
    const blocks: ReportBlock[] = [];
    for (const block of this.blocks) {
      if (block.kind === 'text' || block.frozen === null) {
        blocks.push(block);
        continue;
      }
      const data = await get<unknown>(`/reports${path(this.id, 'frozen', block.frozen)}`);
      const { key } = await send<{ key: string }>(
        'POST',
        `/reports${path(made.id, 'frozen')}`,
        data,
      );
      blocks.push({ ...block, frozen: key });
    }
    return send<ReportCard>('PUT', `/reports${path(made.id)}`, { title, blocks, version: 1 });
  }
}
