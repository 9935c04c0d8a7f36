// Decides how a file is shown, and reads tables of text. This module is pure.

/** `table` is a text with separators; the controller reads the rows of `rows`. */
export type Look = 'image' | 'audio' | 'video' | 'table' | 'rows' | 'text' | 'page' | 'none';

const ENDINGS: Record<string, Look> = {
  svg: 'image',
  mp4: 'video',
  webm: 'video',
  html: 'page',
  htm: 'page',
  parquet: 'rows',
};

/** How to show a file, by what the controller says of it, its name and its first bytes. */
export function lookOf(name: string, type: string, begin: Uint8Array): Look {
  const [main = ''] = type.split('/');
  if (main === 'image' || main === 'audio' || main === 'video') return main;
  if (name.toLowerCase().endsWith('.table.json')) return 'rows';
  const ending = name.includes('.') ? (name.split('.').at(-1)?.toLowerCase() ?? '') : '';
  const known = ENDINGS[ending];
  if (known) return known;
  if (isText(begin)) return ending === 'csv' || ending === 'tsv' ? 'table' : 'text';
  return 'none';
}

/** Whether bytes are text: they have no zero, and are UTF-8 up to a sign cut off at the end. */
export function isText(bytes: Uint8Array): boolean {
  if (bytes.includes(0)) return false;
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}

/** The rows of a table whose cells are separated by commas or tabs, with quotes around some. */
export function rowsOf(text: string, separator: string, most: number): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = '';
  let quoted = false;
  for (let at = 0; at < text.length && rows.length < most; at += 1) {
    const sign = text[at];
    if (quoted) {
      if (sign !== '"') cell += sign;
      else if (text[at + 1] === '"') [cell, at] = [`${cell}"`, at + 1];
      else quoted = false;
    } else if (sign === '"' && cell === '') quoted = true;
    else if (sign === separator) [cell, row] = ['', [...row, cell]];
    else if (sign === '\n') {
      rows.push([...row, cell.replace(/\r$/, '')]);
      [cell, row] = ['', []];
    } else cell += sign;
  }
  if (rows.length < most && (cell !== '' || row.length > 0)) rows.push([...row, cell]);
  return rows;
}
