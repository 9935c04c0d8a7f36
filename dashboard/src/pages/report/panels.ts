// Words and first settings for the panels of reports. This module is pure.

import type { ReportPanel } from '../../api/types';

export type Kind = ReportPanel['shows'];

export const KINDS: readonly { id: Kind; label: string; about: string }[] = [
  { id: 'curves', label: 'Curves', about: 'a metric of runs over steps or time' },
  { id: 'history', label: 'Best so far', about: 'the value of each trial of a sweep' },
  { id: 'importance', label: 'What matters', about: 'which parameters of a sweep matter' },
  { id: 'parallel', label: 'All parameters', about: 'all parameters of a sweep at once' },
  { id: 'slice', label: 'Slice', about: 'the value of a sweep over one parameter' },
  { id: 'table', label: 'Table of runs', about: 'runs with the columns that you choose' },
  { id: 'media', label: 'Media', about: 'images or files of a run at a step' },
];

/** A panel without any choice yet. */
export function empty(shows: Kind): ReportPanel {
  switch (shows) {
    case 'curves':
      return {
        shows,
        runs: [],
        filters: [],
        metric: '',
        system: false,
        x: 'step',
        smooth: 0,
        log_x: false,
        log_y: false,
        outliers: true,
      };
    case 'history':
      return { shows, sweep: '', time: false, log_y: false };
    case 'slice':
      return { shows, sweep: '', parameter: '' };
    case 'table':
      return { shows, runs: [], filters: [], columns: [] };
    case 'media':
      return { shows, run: '', key: '', step: null };
    default:
      return { shows, sweep: '' };
  }
}

/** The title of a panel before a person gives it one. */
export function titleOf(panel: ReportPanel): string {
  if (panel.shows === 'curves') return panel.metric || 'Curves';
  if (panel.shows === 'slice') return panel.parameter ? `Slice of ${panel.parameter}` : 'Slice';
  if (panel.shows === 'media') return panel.key || 'Media';
  return KINDS.find(({ id }) => id === panel.shows)?.label ?? 'Panel';
}

/** Whether everything is chosen that the panel needs. */
export function isComplete(panel: ReportPanel): boolean {
  if (panel.shows === 'curves') return panel.metric !== '';
  if (panel.shows === 'table') return true;
  if (panel.shows === 'media') return panel.run !== '' && panel.key !== '';
  return panel.sweep !== '' && (panel.shows !== 'slice' || panel.parameter !== '');
}
