/** The box beside the pointer. All charts share one, and it holds nothing but text nodes. */

import { visible } from './format';

export interface TipRow {
  colour?: string;
  name: string;
  value: string;
  /** The row that the pointer is nearest to. */
  strong?: boolean;
}

export interface Tip {
  title: string;
  rows: TipRow[];
  /** How many further rows there are. */
  more?: number;
  /** Facts about the nearest row, as names and values. */
  details?: readonly (readonly [string, string])[];
}

/** The nearest row and eight others; a longer list would not fit on the screen. */
const most = 9;
const distance = 14;

let box: HTMLDivElement | null = null;

/** Shows the box near a point of the window. */
export function showTip(
  { title, rows, more = 0, details = [] }: Tip,
  x: number,
  y: number,
): void {
  if (!box) {
    box = document.createElement('div');
    box.className = 'chart-tip';
    box.setAttribute('role', 'tooltip');
  }
  // A page may have replaced its body since.
  if (!box.isConnected) document.body.append(box);
  const head = line('chart-tip-title', visible(title));
  const left = Math.max(0, rows.length - most) + more;
  const rest = left > 0 ? [line('chart-tip-title', `and ${left} more`)] : [];
  box.replaceChildren(
    ...(title ? [head] : []),
    ...rows.slice(0, most).map(rowOf),
    ...rest,
    ...details.map(detailOf),
  );
  box.hidden = false;
  const { width, height } = box.getBoundingClientRect();
  const right = x + distance + width > innerWidth;
  const placeX = Math.max(4, right ? x - distance - width : x + distance);
  const placeY = Math.max(4, Math.min(y + distance, innerHeight - height - 4));
  box.style.transform = `translate(${Math.round(placeX)}px, ${Math.round(placeY)}px)`;
}

export function hideTip(): void {
  if (box) box.hidden = true;
}

function rowOf(row: TipRow): HTMLDivElement {
  const element = line('chart-tip-row', '');
  if (row.strong) element.dataset.strong = '';
  const swatch = document.createElement('span');
  if (row.colour) swatch.style.background = row.colour;
  element.append(swatch, span(visible(row.name)), span(row.value));
  return element;
}

function detailOf([name, value]: readonly [string, string]): HTMLDivElement {
  const element = line('chart-tip-row chart-tip-detail', '');
  element.append(span(''), span(visible(name)), span(visible(value, 60)));
  return element;
}

function line(name: string, text: string): HTMLDivElement {
  const element = document.createElement('div');
  element.className = name;
  element.textContent = text;
  return element;
}

function span(text: string): HTMLSpanElement {
  const element = document.createElement('span');
  element.textContent = text;
  return element;
}
