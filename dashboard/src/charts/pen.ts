/** What a chart draws with. One pen paints on a canvas, another one writes SVG. */

import { shorten } from './format';
import type { Theme } from './theme';

export interface Stroke {
  colour: string;
  /** 0: as thin as the screen can, which is several times faster than any other width. */
  width?: number;
  /** Lengths of the dashes and gaps. */
  dash?: readonly number[] | undefined;
  alpha?: number;
}

export interface TextStyle {
  colour: string;
  size?: number;
  bold?: boolean;
  align?: 'left' | 'center' | 'right';
  base?: 'top' | 'middle' | 'bottom';
  /** Turns the text by a quarter to the left. */
  upright?: boolean;
  /** Draws this colour around the letters, so that lines behind them do not disturb. */
  halo?: string;
}

export interface Pen {
  /** Begins a new path. */
  begin(): void;
  move(x: number, y: number): void;
  line(x: number, y: number): void;
  close(): void;
  rect(x: number, y: number, width: number, height: number): void;
  circle(x: number, y: number, radius: number): void;
  stroke(style: Stroke): void;
  fill(colour: string, alpha?: number): void;
  text(text: string, x: number, y: number, style: TextStyle): void;
  /** Draws only inside a rectangle until `unclip`. */
  clip(x: number, y: number, width: number, height: number): void;
  unclip(): void;
  /** The width of a text in pixels. */
  measure(text: string, size?: number, bold?: boolean): number;
}

const textSize = 11;

/** Shortens a text until it has room. Empty: there is no room for any of it. */
export function squeeze(pen: Pen, text: string, room: number, bold = false): string {
  const width = pen.measure(text, textSize, bold);
  if (width <= room) return text;
  let most = Math.min(text.length, Math.ceil((text.length * room) / width) + 1);
  while (most > 2 && pen.measure(shorten(text, most), textSize, bold) > room) most -= 1;
  return most > 2 ? shorten(text, most) : '';
}

export class CanvasPen implements Pen {
  constructor(
    private readonly context: CanvasRenderingContext2D,
    private readonly theme: Theme,
  ) {
    context.lineJoin = 'round';
  }

  begin(): void {
    this.context.beginPath();
  }

  move(x: number, y: number): void {
    this.context.moveTo(x, y);
  }

  line(x: number, y: number): void {
    this.context.lineTo(x, y);
  }

  close(): void {
    this.context.closePath();
  }

  rect(x: number, y: number, width: number, height: number): void {
    this.context.rect(x, y, width, height);
  }

  circle(x: number, y: number, radius: number): void {
    this.context.moveTo(x + radius, y);
    this.context.arc(x, y, radius, 0, 2 * Math.PI);
  }

  stroke({ colour, width = 1, dash, alpha = 1 }: Stroke): void {
    const context = this.context;
    context.globalAlpha = alpha;
    context.strokeStyle = colour;
    context.lineWidth = width || 1 / context.getTransform().a;
    context.setLineDash(dash ? [...dash] : []);
    context.stroke();
    context.globalAlpha = 1;
  }

  fill(colour: string, alpha = 1): void {
    this.context.globalAlpha = alpha;
    this.context.fillStyle = colour;
    this.context.fill();
    this.context.globalAlpha = 1;
  }

  text(text: string, x: number, y: number, style: TextStyle): void {
    const context = this.context;
    const { size = textSize, bold = false, align = 'left', base = 'middle' } = style;
    context.save();
    context.font = `${bold ? '600 ' : ''}${size}px ${this.theme.font}`;
    context.textAlign = align;
    context.textBaseline = base;
    context.translate(x, y);
    if (style.upright) context.rotate(-Math.PI / 2);
    if (style.halo) {
      context.strokeStyle = style.halo;
      context.lineWidth = 3;
      context.setLineDash([]);
      context.strokeText(text, 0, 0);
    }
    context.fillStyle = style.colour;
    context.fillText(text, 0, 0);
    context.restore();
  }

  clip(x: number, y: number, width: number, height: number): void {
    this.context.save();
    this.context.beginPath();
    this.context.rect(x, y, width, height);
    this.context.clip();
  }

  unclip(): void {
    this.context.restore();
  }

  measure(text: string, size = textSize, bold = false): number {
    this.context.font = `${bold ? '600 ' : ''}${size}px ${this.theme.font}`;
    return this.context.measureText(text).width;
  }
}

export class SvgPen implements Pen {
  private readonly parts: string[] = [];
  private path = '';
  private clips = 0;

  constructor(
    private readonly width: number,
    private readonly height: number,
    private readonly theme: Theme,
    /** Measures texts; without one, the pen estimates. */
    private readonly ruler?: Pen,
  ) {}

  begin(): void {
    this.path = '';
  }

  move(x: number, y: number): void {
    if (finite(x, y)) this.path += `M${round(x)} ${round(y)}`;
  }

  line(x: number, y: number): void {
    // A canvas begins a path at its first line. SVG needs a move.
    const command = this.path === '' ? 'M' : 'L';
    if (finite(x, y)) this.path += `${command}${round(x)} ${round(y)}`;
  }

  close(): void {
    if (this.path !== '') this.path += 'Z';
  }

  rect(x: number, y: number, width: number, height: number): void {
    if (!finite(x, y, width, height)) return;
    this.path += `M${round(x)} ${round(y)}h${round(width)}v${round(height)}h${round(-width)}Z`;
  }

  circle(x: number, y: number, radius: number): void {
    if (!finite(x, y, radius)) return;
    const r = round(radius);
    const across = round(2 * radius);
    const half = `a${r} ${r} 0 1 0 `;
    this.path += `M${round(x + radius)} ${round(y)}${half}-${across} 0${half}${across} 0Z`;
  }

  stroke({ colour, width = 1, dash, alpha = 1 }: Stroke): void {
    if (this.path === '') return;
    const dashes = dash && dash.length > 0 ? ` stroke-dasharray="${dash.join(' ')}"` : '';
    const opacity = alpha < 1 ? ` stroke-opacity="${round(alpha)}"` : '';
    this.parts.push(
      `<path d="${this.path}" fill="none" stroke="${escape(colour)}"` +
        ` stroke-width="${width || 0.8}" stroke-linejoin="round"${dashes}${opacity}/>`,
    );
  }

  fill(colour: string, alpha = 1): void {
    if (this.path === '') return;
    const opacity = alpha < 1 ? ` fill-opacity="${round(alpha)}"` : '';
    this.parts.push(`<path d="${this.path}" fill="${escape(colour)}"${opacity}/>`);
  }

  text(text: string, x: number, y: number, style: TextStyle): void {
    if (!finite(x, y)) return;
    const { size = textSize, bold = false, align = 'left', base = 'middle' } = style;
    const anchor = { left: 'start', center: 'middle', right: 'end' }[align];
    // Not every program knows `dominant-baseline`, so the pen moves the text itself.
    const drop = { top: 0.8, middle: 0.35, bottom: -0.2 }[base] * size;
    const turn = style.upright ? ` rotate(-90)` : '';
    const halo = style.halo
      ? ` stroke="${escape(style.halo)}" stroke-width="3" paint-order="stroke"`
      : '';
    this.parts.push(
      `<text transform="translate(${round(x)} ${round(y)})${turn}" dy="${round(drop)}"` +
        ` font-size="${size}"${bold ? ' font-weight="600"' : ''} text-anchor="${anchor}"` +
        ` fill="${escape(style.colour)}"${halo}>${escape(text)}</text>`,
    );
  }

  clip(x: number, y: number, width: number, height: number): void {
    this.clips += 1;
    const id = `clip${this.clips}`;
    this.parts.push(
      `<clipPath id="${id}"><rect x="${round(x)}" y="${round(y)}" width="${round(width)}"` +
        ` height="${round(height)}"/></clipPath><g clip-path="url(#${id})">`,
    );
  }

  unclip(): void {
    this.parts.push('</g>');
  }

  measure(text: string, size = textSize, bold = false): number {
    return this.ruler?.measure(text, size, bold) ?? text.length * size * (bold ? 0.6 : 0.55);
  }

  /** The whole image. */
  toString(): string {
    return (
      `<svg xmlns="http://www.w3.org/2000/svg" width="${this.width}" height="${this.height}"` +
      ` viewBox="0 0 ${this.width} ${this.height}" font-family="${escape(this.theme.font)}">` +
      `<rect width="100%" height="100%" fill="${escape(this.theme.ground)}"/>` +
      `${this.parts.join('')}</svg>`
    );
  }
}

/** Like a canvas, the pen leaves out what has no place. */
function finite(...values: number[]): boolean {
  return values.every(Number.isFinite);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

// XML has no way to write these signs.
// eslint-disable-next-line no-control-regex
const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udfff]/gu;

function escape(text: string): string {
  return text
    .replace(forbidden, '\u{fffd}')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
