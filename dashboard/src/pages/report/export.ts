// Writes a report as one file of HTML, which opens without a controller and without a network.

import { explain } from '../../api/client';
import type { ReportBlock } from '../../api/types';
import { treeOf } from '../../parts/markdown/markdown';
import { when } from '../../parts/text';
import { picture } from './charts';
import type { Drawn } from './drawn';
import { blocksOf, escape, inline, page, shotsOf, tableOf } from './html';
import { flat, load, withBytes, type PanelBlock } from './load';
import { titleOf } from './panels';

interface Place {
  team: string;
  project: string;
}

/** The most bytes of images in one panel. */
const IMAGES = 8 << 20;

function contents(drawn: Drawn, label: string, id: string): string {
  if (drawn.chart === 'nothing') return `<p>${escape(drawn.why)}</p>`;
  if (drawn.chart === 'table') return tableOf(drawn.data);
  if (drawn.chart === 'media') {
    const files = drawn.files.map((file) => `<p>${escape(file)}</p>`).join('');
    return shotsOf(drawn.shots) + files;
  }
  return (['light', 'dark'] as const)
    .map((scheme) => inline(picture(drawn, label, scheme) ?? '', scheme, `${id}${scheme}`, label))
    .join('\n');
}

async function panel(report: string, block: PanelBlock, at: Place, id: string): Promise<string> {
  const label = block.title || titleOf(block.panel);
  try {
    const { signal } = new AbortController();
    const shown = await flat(await load(report, block, at, signal), signal);
    const drawn = await withBytes(shown, IMAGES);
    const note = [block.frozen ? 'frozen' : '', drawn.note].filter(Boolean).join(' · ');
    const head = `<h2>${escape(label)} <small>${escape(note)}</small></h2>`;
    return `<section class="panel">${head}${contents(drawn, label, id)}</section>`;
  } catch (error) {
    const why = `<p>${escape(explain(error).message)}</p>`;
    return `<section class="panel"><h2>${escape(label)}</h2>${why}</section>`;
  }
}

/** The report as HTML. A panel that fails says why, and the rest is there. */
export async function exported(
  report: { id: string; title: string; author: string; changed_ms: number },
  blocks: readonly ReportBlock[],
  at: Place,
): Promise<string> {
  const parts: string[] = [];
  for (const [index, block] of blocks.entries()) {
    if (block.kind === 'panel') parts.push(await panel(report.id, block, at, `b${index}`));
    else parts.push(blocksOf((await treeOf(block.text)).blocks, location.href));
  }
  const about = [
    `${at.team}/${at.project}`,
    report.author,
    `changed ${when(report.changed_ms)}`,
  ].filter(Boolean);
  return page(report.title, about.join(' · '), parts.join('\n'));
}
