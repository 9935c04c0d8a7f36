// Writes parts of a report as HTML that needs nothing else. Every text from data is escaped, and no
// address is kept but those of links and of images in the file itself. This module is pure.

import type { TextBlock, Side, TextSpan } from '../../api/types';
import type { Table } from '../../charts/data';
import { number } from '../../parts/text';
import type { Picture } from '../run/media/values';
import { isImage } from './drawn';

export function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** The address of a link as it is from everywhere; `null` if it is none that a page may open. */
function address(to: string, base: string): string | null {
  if (!URL.canParse(to, base)) return null;
  const url = new URL(to, base);
  return ['http:', 'https:', 'mailto:'].includes(url.protocol) ? url.href : null;
}

function spansOf(spans: readonly TextSpan[], base: string): string {
  const inside = (more: readonly TextSpan[]) => spansOf(more, base);
  return spans
    .map((span) => {
      switch (span.kind) {
        case 'text':
          return escape(span.text);
        case 'code':
          return `<code>${escape(span.text)}</code>`;
        case 'emphasis':
          return `<em>${inside(span.spans)}</em>`;
        case 'strong':
          return `<strong>${inside(span.spans)}</strong>`;
        case 'strike':
          return `<s>${inside(span.spans)}</s>`;
        case 'link': {
          const to = address(span.to, base);
          const words = inside(span.spans);
          return to ? `<a href="${escape(to)}" rel="noopener noreferrer">${words}</a>` : words;
        }
        case 'image':
          return escape(span.text);
        default:
          return '<br>';
      }
    })
    .join('');
}

function cellOf(tag: 'th' | 'td', cell: string, side: Side | undefined): string {
  return side && side !== 'left'
    ? `<${tag} class="${side}">${cell}</${tag}>`
    : `<${tag}>${cell}</${tag}>`;
}

/** The blocks of a text in Markdown. `base` is the address to which links are relative. */
export function blocksOf(blocks: readonly TextBlock[], base: string): string {
  const spans = (more: readonly TextSpan[]) => spansOf(more, base);
  return blocks
    .map((block) => {
      switch (block.kind) {
        case 'heading': {
          const tag = `h${Math.min(6, block.level + 1)}`;
          return `<${tag}>${spans(block.spans)}</${tag}>`;
        }
        case 'paragraph':
          return `<p>${spans(block.spans)}</p>`;
        case 'quote':
          return `<blockquote>${blocksOf(block.blocks, base)}</blockquote>`;
        case 'code':
          return `<pre><code>${escape(block.text)}</code></pre>`;
        case 'rule':
          return '<hr>';
        case 'list': {
          const items = block.items.map(({ done, blocks: inner }) => {
            const box = done === null ? '' : done ? '☑ ' : '☐ ';
            return `<li${done === null ? '' : ' class="task"'}>${box}${blocksOf(inner, base)}</li>`;
          });
          if (block.first === null) return `<ul>${items.join('')}</ul>`;
          return `<ol start="${Number(block.first)}">${items.join('')}</ol>`;
        }
        default: {
          const line = (tag: 'th' | 'td', cells: readonly TextSpan[][]) =>
            `<tr>${cells.map((cell, at) => cellOf(tag, spans(cell), block.sides[at])).join('')}</tr>`;
          const rows = block.rows.map((row) => line('td', row)).join('');
          return `<table><thead>${line('th', block.head)}</thead><tbody>${rows}</tbody></table>`;
        }
      }
    })
    .join('\n');
}

/** The rows of a table of runs. */
export function tableOf({ columns, rows }: Table): string {
  const head = columns.map((column) => `<th>${escape(column)}</th>`).join('');
  const cell = (value: string | number | null) =>
    typeof value === 'number'
      ? `<td class="right">${escape(number(value))}</td>`
      : `<td>${escape(value ?? '–')}</td>`;
  const body = rows.map((row) => `<tr>${row.map(cell).join('')}</tr>`).join('');
  return `<table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table>`;
}

/** Images whose bytes are in the file. */
export function shotsOf(shots: readonly Picture[]): string {
  return shots
    .map(({ data, caption, path }) => {
      const words = escape(caption || path);
      if (!data || !isImage(data)) return `<p>${words}</p>`;
      return `<figure class="shot"><img src="${data}" alt="${words}"><figcaption>${words}</figcaption></figure>`;
    })
    .join('');
}

/** The picture of a chart in light or dark, with ids that no other picture of the file has. */
export function inline(svg: string, scheme: 'light' | 'dark', id: string, label: string): string {
  return svg
    .replace('<svg ', `<svg class="${scheme}" role="img" aria-label="${escape(label)}" `)
    .replaceAll('<clipPath id="', `<clipPath id="${id}`)
    .replaceAll('clip-path="url(#', `clip-path="url(#${id}`);
}

const STYLE = `
:root { color-scheme: light dark; }
body { max-width: 900px; margin: 0 auto; padding: 32px 20px 64px; background: light-dark(#fff, #0d1117);
  color: light-dark(#16202b, #e6ebf1); font: 15px/1.6 system-ui, 'Segoe UI', sans-serif; }
h1, h2, h3, h4, h5, h6 { line-height: 1.25; margin: 1.4em 0 0.5em; }
h1 { font-size: 26px; margin-top: 0; }
header p, figcaption, footer { color: light-dark(#566270, #98a4b3); font-size: 13px; }
a { color: light-dark(#0b7069, #45cfc0); }
p, li, td, th { overflow-wrap: anywhere; }
pre { overflow-x: auto; padding: 10px 12px; border-radius: 6px; background: light-dark(#eef1f4, #151b23); }
code { font: 13px ui-monospace, Menlo, 'DejaVu Sans Mono', monospace; }
blockquote { margin: 1em 0; padding-left: 14px; border-left: 3px solid light-dark(#c2cad3, #3d4754); }
table { border-collapse: collapse; font-size: 13px; }
th, td { padding: 4px 10px; border: 1px solid light-dark(#dde2e8, #2a323d); text-align: left; }
.right { text-align: right; font-variant-numeric: tabular-nums; }
.center { text-align: center; }
li.task { list-style: none; margin-left: -18px; }
li.task p, li > p { display: inline; }
.panel { margin: 24px 0; padding: 14px; border: 1px solid light-dark(#dde2e8, #2a323d); border-radius: 10px;
  background: light-dark(#fff, #151b23); overflow-x: auto; break-inside: avoid; }
.panel > h2 { margin: 0 0 8px; font-size: 15px; }
.panel small { color: light-dark(#566270, #98a4b3); font-weight: 400; }
.shot { display: inline-block; max-width: 360px; margin: 0 12px 12px 0; vertical-align: top; }
svg, img { display: block; max-width: 100%; height: auto; }
svg.dark { display: none; }
hr { border: 0; border-top: 1px solid light-dark(#dde2e8, #2a323d); }
@media screen and (prefers-color-scheme: dark) { svg.light { display: none; } svg.dark { display: block; } }
@media print { :root { color-scheme: light; } body { max-width: none; padding: 0; }
  h1, h2, h3 { break-after: avoid; } tr, pre, blockquote { break-inside: avoid; } }
@page { margin: 16mm; }
`;

/** The whole file. Its policy lets it load nothing and run nothing. */
export function page(title: string, about: string, body: string): string {
  const policy =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width">
<meta name="referrer" content="no-referrer">
<title>${escape(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<header><h1>${escape(title)}</h1><p>${escape(about)}</p></header>
<main>
${body}
</main>
</body>
</html>
`;
}
