// Sorts system metrics into charts: the numbers of all GPUs, cores or interfaces that are of one
// kind belong into one chart. This module is pure.

export interface MetricGroup {
  section: string;
  title: string;
  unit: string;
  /** The metrics, each with the name of its line. */
  lines: { key: string; label: string }[];
}

const ORDER = ['GPU', 'GPU of this run', 'CPU', 'Memory', 'Disk', 'Network', 'Other'];

/** A part of a metric's name, and what a chart calls it. */
const TITLES: [RegExp, string, string][] = [
  [/^gpu\.N\.gpu$/, 'GPU load', '%'],
  [/^gpu\.N\.memory$/, 'Access to GPU memory', '%'],
  [/^gpu\.N\.memoryAllocated$/, 'GPU memory', '%'],
  [/^gpu\.N\.memoryAllocatedBytes$/, 'GPU memory', 'bytes'],
  [/^gpu\.N\.temp$/, 'GPU temperature', '°C'],
  [/^gpu\.N\.powerWatts$/, 'GPU power', 'W'],
  [/^gpu\.N\.powerPercent$/, 'GPU power', '%'],
  [/^gpu\.N\.enforcedPowerLimitWatts$/, 'GPU power limit', 'W'],
  [/^cpu$/, 'CPU of the run', '% of all cores'],
  [/^cpu_percent$/, 'CPU of the machine', '% of all cores'],
  [/^cpu\.N\.cpu_percent$/, 'CPU by core', '%'],
  [/^proc\.cpu\.percent$/, 'CPU of the run', '% of one core'],
  [/^proc\.cpu\.threads$/, 'Threads of the run', ''],
  [/^proc\.count$/, 'Processes of the run', ''],
  [/^proc\.memory\.rssMB$/, 'Memory of the run', 'MB'],
  [/^proc\.memory\.percent$/, 'Memory of the run', '%'],
  [/^proc\.memory\.availableMB$/, 'Available memory', 'MB'],
  [/^memory(_percent)?$/, 'Memory of the machine', '%'],
  [/^memory\.usedMB$/, 'Memory of the machine', 'MB'],
  [/^disk(\..*)?\.usagePercent$/, 'Full disk', '%'],
  [/^disk(\..*)?\.usageGB$/, 'Used disk', 'GB'],
  [/^network\.(recv|sent)$/, 'Network', 'bytes'],
  [/^disk\.(in|out)$/, 'Disk of the machine', 'MB'],
  [/^proc\.disk\.(in|out)$/, 'Disk of the run', 'MB'],
];

const UNITS: [RegExp, string][] = [
  [/percent$|Percent$/, '%'],
  [/Bytes$/, 'bytes'],
  [/MB$/, 'MB'],
  [/GB$/, 'GB'],
  [/Watts$/, 'W'],
];

function sectionOf(name: string): string {
  if (/gpu/i.test(name)) return 'GPU';
  if (/cpu|threads|count/.test(name)) return 'CPU';
  if (/memory|swap/i.test(name)) return 'Memory';
  if (/disk/.test(name)) return 'Disk';
  return /network/.test(name) ? 'Network' : 'Other';
}

/** The metrics in groups, in the order of the page. */
export function metricGroups(keys: readonly string[]): MetricGroup[] {
  const groups = new Map<string, MetricGroup>();
  for (const key of keys) {
    const bare = key.replace(/^system\./, '');
    const own = bare.startsWith('gpu.process.');
    const name = bare.replace(/^gpu\.process\./, 'gpu.');
    const kind = name.replace(/(^|\.)\d+(?=\.|$)/g, '$1N');
    const known = TITLES.find(([pattern]) => pattern.test(kind));
    const unit = known?.[2] ?? UNITS.find(([pattern]) => pattern.test(kind))?.[1] ?? '';
    const title = known?.[1] ?? name.replace(/(^|\.)\d+(?=\.|$)/g, '').replace(/^\./, '');
    const section = own ? 'GPU of this run' : sectionOf(name);
    const id = `${section}\n${title}\n${unit}`;
    const group = groups.get(id) ?? { section, title, unit, lines: [] };
    groups.set(id, group);
    const number = /(?:^|\.)(\d+)(?:\.|$)/.exec(name)?.[1];
    const part = section.startsWith('GPU') ? 'GPU' : section === 'CPU' ? 'core' : '';
    const way = /\.(in|out|recv|sent)$/.exec(name)?.[1] ?? '';
    const words: Record<string, string> = {
      in: 'read',
      out: 'written',
      recv: 'received',
      sent: 'sent',
    };
    const label = number !== undefined ? `${part} ${number}`.trim() : (words[way] ?? title);
    group.lines.push({ key, label });
  }
  const place = (group: MetricGroup) => ORDER.indexOf(group.section);
  const order = new Intl.Collator('en', { numeric: true });
  for (const group of groups.values()) {
    group.lines.sort((a, b) => order.compare(a.label, b.label));
  }
  return [...groups.values()].sort(
    (a, b) => place(a) - place(b) || order.compare(a.title, b.title),
  );
}
