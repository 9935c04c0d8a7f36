// Lays the values of two runs beside each other, and writes values as YAML. This module is pure.

import type { Json } from '../../../api/types';
import { flatten } from '../../../parts/text';

export interface Line {
  name: string;
  value: Json | undefined;
  other: Json | undefined;
  differs: boolean;
}

/** The values of a run by their paths, and those of another run if there is one. */
export function linesOf(own: Json, others: Json | undefined): Line[] {
  const mine = new Map(flatten(own));
  const theirs = new Map(flatten(others ?? {}));
  const names = [...new Set([...mine.keys(), ...theirs.keys()])].sort();
  return names.map((name) => {
    const [value, other] = [mine.get(name), theirs.get(name)];
    const differs = others !== undefined && JSON.stringify(value) !== JSON.stringify(other);
    return { name, value, other, differs };
  });
}

/** Texts that YAML reads as texts without quotes, in every version. */
const BARE = /^[A-Za-z_/.][\w/.+-]*$/;
const WORDS = /^(true|false|yes|no|on|off|y|n|null|~|\.nan|\.inf|[+-]?\.inf)$/i;

function scalar(value: Json): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  const isNumber = value.trim() !== '' && !Number.isNaN(Number(value));
  return BARE.test(value) && !WORDS.test(value) && !isNumber ? value : JSON.stringify(value);
}

/** A value as YAML. Texts that could mean something else have quotes. */
export function yaml(value: Json, indent = ''): string {
  if (Array.isArray(value)) {
    if (value.length === 0) return `${indent}[]\n`;
    return value.map((one) => `${indent}- ${nested(one, indent)}`).join('');
  }
  if (value !== null && typeof value === 'object') {
    const pairs = Object.entries(value);
    if (pairs.length === 0) return `${indent}{}\n`;
    return pairs
      .map(([name, one]) => {
        const isPlain = one === null || typeof one !== 'object' || Object.keys(one).length === 0;
        const rest = isPlain ? ` ${flow(one ?? null)}\n` : `\n${yaml(one, `${indent}  `)}`;
        return `${indent}${scalar(name)}:${rest}`;
      })
      .join('');
  }
  return `${indent}${scalar(value)}\n`;
}

function flow(value: Json): string {
  if (Array.isArray(value)) return '[]';
  return value !== null && typeof value === 'object' ? '{}' : scalar(value);
}

/** A value behind the dash of a list. */
function nested(value: Json, indent: string): string {
  return yaml(value, `${indent}  `).slice(indent.length + 2);
}
