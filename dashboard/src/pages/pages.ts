// The component of each page. The home page is part of the first file, the others load on demand.

import type { Component } from 'svelte';

import Home from './Home.svelte';

type Loaded = Promise<{ default: Component }>;

export const pages: Record<string, (() => Loaded) | undefined> = {
  home: () => Promise.resolve({ default: Home }),
  login: () => import('./Login.svelte'),
  share: () => import('./Share.svelte'),
  project: () => import('./project/Project.svelte'),
  sweeps: () => import('./Sweeps.svelte'),
  newSweep: () => import('./NewSweep.svelte'),
  sweep: () => import('./sweep/Sweep.svelte'),
  run: () => import('./run/Run.svelte'),
  compare: () => import('./compare/Compare.svelte'),
  reports: () => import('./report/Reports.svelte'),
  report: () => import('./report/Report.svelte'),
  artifacts: () => import('./artifacts/Artifacts.svelte'),
  artifact: () => import('./artifacts/Artifact.svelte'),
  version: () => import('./artifacts/Version.svelte'),
  bin: () => import('./Bin.svelte'),
  fleet: () => import('./Fleet.svelte'),
  settings: () => import('./settings/Settings.svelte'),
};
