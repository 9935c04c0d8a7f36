// The table of pages, and the links to them. This module is pure.

export interface Match {
  page: string;
  params: Record<string, string>;
}

const ROUTES: Record<string, string> = {
  home: '/',
  login: '/login',
  share: '/share',
  project: '/p/:team/:project',
  sweeps: '/p/:team/:project/sweeps',
  newSweep: '/p/:team/:project/sweeps/new',
  sweep: '/p/:team/:project/s/:sweep',
  run: '/p/:team/:project/r/:run',
  compare: '/p/:team/:project/compare',
  reports: '/p/:team/:project/reports',
  report: '/p/:team/:project/reports/:report',
  artifacts: '/p/:team/:project/artifacts',
  artifact: '/p/:team/:project/artifacts/:name',
  version: '/p/:team/:project/artifacts/:name/:version',
  bin: '/p/:team/:project/bin',
  fleet: '/fleet',
  settings: '/settings',
};

/** The pages that need no session. */
export const OPEN_PAGES = ['login', 'share'];

function parts(path: string): string[] {
  return path.split('/').filter((part) => part !== '');
}

function decoded(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}

/** Whether the parts of a path fit a pattern: the values of the pattern's names, or `null`. */
function fit(pattern: string[], path: string[]): Record<string, string> | null {
  if (pattern.length !== path.length) return null;
  const params: Record<string, string> = {};
  for (const [index, wanted] of pattern.entries()) {
    const value = decoded(path[index] ?? '');
    if (value === null) return null;
    if (wanted.startsWith(':')) params[wanted.slice(1)] = value;
    else if (wanted !== value) return null;
  }
  return params;
}

/** A function that finds the page of a path. A path without a page has the page `missing`. */
export function compile(): (path: string) => Match {
  const patterns = Object.entries(ROUTES).map(([page, path]) => ({ page, parts: parts(path) }));
  return (path) => {
    const wanted = parts(path);
    for (const pattern of patterns) {
      const params = fit(pattern.parts, wanted);
      if (params) return { page: pattern.page, params };
    }
    return { page: 'missing', params: {} };
  };
}

/** The place that an address asks for, if it is one of this host. Otherwise the home page. */
export function safePlace(wanted: string | null): string {
  if (!wanted || !/^\/(?![/\\])/.test(wanted)) return '/';
  const base = 'http://host.invalid';
  if (!URL.canParse(wanted, base)) return '/';
  const url = new URL(wanted, base);
  // A browser drops tabs and dots, so another host may show only now.
  if (url.origin !== base || url.pathname.startsWith('//')) return '/';
  return url.pathname + url.search + url.hash;
}

/** The link that opens a page with a key. A browser never sends what is behind the `#`. */
export function shareLink(page: string, key: string): string {
  return `/share?next=${encodeURIComponent(page)}#${key}`;
}

function link(...names: string[]): string {
  return names.map((name) => `/${encodeURIComponent(name)}`).join('');
}

interface InProject {
  team: string;
  project: string;
}

export const links = {
  project: (at: InProject) => link('p', at.team, at.project),
  sweeps: (at: InProject) => link('p', at.team, at.project, 'sweeps'),
  /** The form for a new sweep, or for a clone of another. */
  newSweep: (at: InProject, from?: string) =>
    link('p', at.team, at.project, 'sweeps', 'new') +
    (from ? `?${new URLSearchParams({ from })}` : ''),
  sweep: (at: InProject, sweep: string) => link('p', at.team, at.project, 's', sweep),
  run: (at: InProject, run: string) => link('p', at.team, at.project, 'r', run),
  reports: (at: InProject) => link('p', at.team, at.project, 'reports'),
  report: (at: InProject, report: string) => link('p', at.team, at.project, 'reports', report),
  artifacts: (at: InProject) => link('p', at.team, at.project, 'artifacts'),
  artifact: (at: InProject, name: string) => link('p', at.team, at.project, 'artifacts', name),
  version: (at: InProject, name: string, version: number) =>
    link('p', at.team, at.project, 'artifacts', name, `v${version}`),
  bin: (at: InProject) => link('p', at.team, at.project, 'bin'),
  compare: (at: InProject, runs: string[], baseline: string | null = null) => {
    const query = new URLSearchParams({
      runs: runs.join(','),
      ...(baseline && { base: baseline }),
    });
    return `${link('p', at.team, at.project, 'compare')}?${query}`;
  },
};
