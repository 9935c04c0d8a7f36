// What the workspace of a project shows, from its address and from what the controller answers.

import { columns, get, path } from '../../api/client';
import type { Frame } from '../../api/columns';
import type { ProjectKeys, Sweeps, TableExtra } from '../../api/types';
import { readSort, writeSort } from '../../parts/order';
import { number as written } from '../../parts/text';
import { Resource } from '../../state/resource.svelte';
import { router } from '../../state/router.svelte';
import { Selection } from '../../state/selection.svelte';
import type { Draw, LineGroup, Several } from '../lines/view.svelte';
import { frozen, waitingText } from './frozen';
import { columnName, groupsOf, listedRows, type Group } from './groups';
import { firstColumns, firstDrawn, LISTED, MOST_LISTED } from './runs';
import { readStat, statColumn, withChosen } from './stats';

/** The most lines and groups that one chart draws. */
const MOST_DRAWN = 100;
const MOST_GROUPS = 24;
/** The most sweeps whose names and goals the page knows. */
const MOST_SWEEPS = 200;
/** The most config values of the drawn runs that are compared, and that a box shows. */
const MOST_COMPARED = 200;
const MOST_DETAILS = 8;

/** The table of all listed runs, with the question that it answers. */
interface Listed {
  frame: Frame;
  question: string;
}

export class Workspace {
  readonly at = $derived({
    team: router.params.team ?? '',
    project: router.params.project ?? '',
  });
  readonly base = $derived(`/projects${path(this.at.team, this.at.project)}`);
  readonly topics = $derived([`project:${this.at.team}/${this.at.project}`]);
  readonly tab = $derived(router.get('tab') ?? 'charts');
  readonly sort = $derived(readSort(router.get('sort')));
  readonly group = $derived(router.get('group') ?? '');
  readonly baseline = $derived(router.get('base'));
  readonly draw = $derived<Draw>(
    (['deviation', 'lines'] as const).find((draw) => draw === router.get('draw')) ?? 'range',
  );
  readonly stat = $derived(readStat(router.get('stat')));
  readonly filters = $derived(router.all('filter'));
  readonly selection = new Selection();
  /** The order of the runs that the reader has seen, and the question that it answered. */
  #seen: { question: string; ids: readonly string[] } | null = $state.raw(null);

  readonly keys = new Resource((signal) => get<ProjectKeys>(`${this.base}/keys`, {}, signal), {
    topics: () => this.topics,
    what: ['state'],
    pace: 8_000,
  });
  readonly sweeps = new Resource(
    (signal) => get<Sweeps>(`${this.base}/sweeps`, { limit: MOST_SWEEPS }, signal),
    { topics: () => this.topics, what: ['state'], pace: 10_000 },
  );

  readonly goals = $derived(withChosen(this.keys.value?.goals ?? {}, router.all('goal')));
  /** The columns that the reader chose, before a choice between last and best values. */
  readonly chosen = $derived.by(() => {
    const asked = router.get('cols');
    if (asked) return asked.split(',').filter(Boolean);
    return this.keys.value ? firstColumns(this.keys.value) : [];
  });
  readonly columns = $derived(
    this.chosen.map((column) => statColumn(column, this.stat, this.goals)),
  );

  /** What the list answers: the same text means the same question. */
  readonly question = $derived(
    JSON.stringify({
      filters: this.filters,
      sweeps: router.all('sweep').length > 0 ? router.all('sweep') : null,
      search: router.get('q') ?? '',
      sort: this.sort ? [writeSort(this.sort)] : [],
      limit: MOST_LISTED,
      columns: [
        ...new Set([
          ...LISTED,
          ...(this.sort ? [this.sort.column] : []),
          ...(this.group ? [this.group] : []),
        ]),
      ],
    }),
  );

  readonly runs = new Resource<Listed>(
    (signal) => {
      const question = this.question;
      const asked = columns(`${this.base}/columns`, JSON.parse(question), signal);
      return asked.then((frame) => {
        this.#take({ frame, question });
        return { frame, question };
      });
    },
    {
      topics: () => this.topics,
      what: ['state'],
      // A long list loads again less often, because each load moves all of it.
      pace: (listed) => Math.min(15_000, 1_500 + (listed?.frame.rows ?? 0)),
    },
  );

  readonly frame = $derived(this.runs.value?.frame);
  readonly ids = $derived(this.frame?.texts('id').map((id) => id ?? '') ?? []);
  readonly rowOf = $derived(new Map(this.ids.map((id, row) => [id, row])));
  /** The number of all runs that the filters pass. */
  readonly total = $derived(
    (this.frame?.extra as TableExtra | undefined)?.total ?? this.frame?.rows ?? 0,
  );
  readonly list = $derived(frozen(this.#seen?.ids ?? null, this.ids));
  readonly waiting = $derived(waitingText(this.list.waiting, this.list.moved));

  /** A new question changes the list at once. The answer to the same one waits for the reader. */
  #take({ frame, question }: Listed): void {
    const isNew = this.#seen?.question !== question || this.#seen.ids.length === 0;
    if (isNew) this.#seen = { question, ids: frame.texts('id').map((id) => id ?? '') };
  }

  /** Takes in what waits. */
  takeIn = (): void => {
    this.#seen = { question: this.question, ids: this.ids };
  };

  readonly sweepOf = $derived(
    new Map((this.sweeps.value?.sweeps ?? []).map((sweep) => [sweep.id, sweep])),
  );
  sweepName = (id: string): string => this.sweepOf.get(id)?.name || id;

  readonly groups: Group[] = $derived.by(() => {
    if (!this.frame || !this.group) return [];
    const nameOf = this.group === 'sweep' ? this.sweepName : undefined;
    return groupsOf(this.frame, this.group, this.list.rows, nameOf);
  });
  readonly closed = $derived(new Set(router.all('closed')));
  readonly listed = $derived(this.group ? listedRows(this.groups, this.closed) : this.list.rows);

  /** Closes a group of the list, or opens it. */
  turn = (index: number): void => {
    const label = this.groups[index]?.label;
    if (label === undefined) return;
    const next = new Set(this.closed);
    if (!next.delete(label)) next.add(label);
    router.set({ closed: [...next] });
  };

  nameOf = (id: string): string => {
    const row = this.rowOf.get(id);
    return (row !== undefined && this.frame?.text('name', row)) || id;
  };

  /** The groups that the charts draw: those of the chosen runs, or the largest ones. */
  readonly drawnGroups: LineGroup[] = $derived.by(() => {
    const { chosen } = this.selection;
    const all = this.groups.map(({ id, label, rows }) => {
      const runs = rows.map((row) => this.ids[row] ?? '');
      return { id, label, runs: chosen.size > 0 ? runs.filter((run) => chosen.has(run)) : runs };
    });
    const some = all.filter(({ runs }) => runs.length > 0);
    if (some.length <= MOST_GROUPS) return some;
    const largest = some.toSorted((a, b) => b.runs.length - a.runs.length);
    const kept = new Set(largest.slice(0, MOST_GROUPS));
    return some.filter((group) => kept.has(group));
  });

  /** The runs whose lines the charts draw. */
  readonly drawn: string[] = $derived.by(() => {
    const { frame } = this;
    if (!frame) return [];
    const { chosen } = this.selection;
    const rank = (sweep: string | null) =>
      sweep === null ? undefined : this.sweepOf.get(sweep)?.maximize;
    let found: string[];
    if (this.group && this.draw === 'lines') found = inTurn(this.drawnGroups);
    else if (chosen.size > 0) found = [...chosen];
    else found = firstDrawn(frame, this.list.rows, rank);
    const rest = found.filter((id) => id !== this.baseline);
    const first = this.baseline !== null ? [this.baseline] : [];
    return [...first, ...rest].slice(0, MOST_DRAWN);
  });

  readonly note: string | undefined = $derived.by(() => {
    if (this.group && this.draw !== 'lines') {
      const [drawn, all] = [this.drawnGroups.length, this.groups.length];
      return drawn < all ? `${drawn} of ${all} groups drawn` : undefined;
    }
    const [drawn, all] = [this.drawn.length, this.list.rows.length];
    if (drawn >= all) return undefined;
    return `${drawn.toLocaleString('en')} of ${all.toLocaleString('en')} runs drawn`;
  });

  /** The config values of the drawn runs. */
  readonly values = new Resource<Frame>(
    (signal) => {
      const config = this.compared;
      const runs = this.drawn.slice(0, MOST_DRAWN);
      if (runs.length === 0 || config.length === 0) return null;
      return columns(`${this.base}/columns`, { runs, columns: ['id', ...config] }, signal);
    },
    {
      topics: () => this.topics,
      what: ['state'],
      pace: 10_000,
      when: () => this.tab !== 'table',
    },
  );
  readonly compared = $derived(
    (this.keys.value?.config ?? [])
      .filter(({ kind, name }) => kind !== 'other' && !name.startsWith('_'))
      .toSorted((a, b) => b.runs - a.runs)
      .slice(0, MOST_COMPARED)
      .map(({ name }) => `config.${name}`),
  );
  /** The config values that differ among the drawn runs. */
  readonly differing = $derived.by(() => {
    const { value: frame } = this.values;
    if (!frame) return [];
    return this.compared.filter((column) => new Set(frame.texts(column)).size > 1);
  });
  readonly valueRows = $derived(
    new Map(this.values.value?.texts('id').map((id, row) => [id ?? '', row]) ?? []),
  );

  /** The value of a run under a column of `values`, as a person reads it. */
  #shown(id: string, column: string): string | null {
    const [frame, row] = [this.values.value, this.valueRows.get(id)];
    const cell = frame && row !== undefined ? frame.cell(column, row) : null;
    return typeof cell === 'number' ? written(cell) : cell;
  }

  details = (id: string): [string, string][] =>
    this.differing.slice(0, MOST_DETAILS).flatMap((column): [string, string][] => {
      const value = this.#shown(id, column);
      return value === null ? [] : [[columnName(column), value]];
    });

  /** The name of a run in legends: with the config values that the reader chose. */
  legendName = (id: string): string => {
    const chosen = router.all('label').flatMap((column) => {
      const value = this.#shown(id, column);
      return value === null ? [] : [`${columnName(column)} ${value}`];
    });
    return [this.nameOf(id), ...chosen].join(' · ');
  };

  readonly several: Several = $derived({
    groups: this.group ? this.drawnGroups : [],
    draw: this.draw,
    baseline: this.baseline,
    goals: this.goals,
    details: this.details,
    labels: [...new Set([...router.all('label'), ...this.differing])],
  });

  /** Marks a run as the one that the others are compared with, or ends it. */
  mark = (id: string): void => router.set({ base: this.baseline === id ? null : id });
}

/** The runs of groups, one of each group in turn. */
function inTurn(groups: readonly LineGroup[]): string[] {
  const most = Math.max(0, ...groups.map(({ runs }) => runs.length));
  const found = new Set<string>();
  for (let place = 0; place < most && found.size < MOST_DRAWN; place += 1) {
    for (const { runs } of groups) {
      const run = runs[place];
      if (run !== undefined) found.add(run);
    }
  }
  return [...found];
}
