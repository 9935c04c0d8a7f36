// Reads a diff in the form of git. This module is pure.

export interface DiffLine {
  kind: 'file' | 'place' | 'added' | 'removed' | 'same';
  text: string;
}

/** The most lines of a diff that the page shows. */
export const MOST = 5_000;

/** The lines of a diff, each with what it is. */
export function diffLines(text: string): DiffLine[] {
  let inPlace = false;
  return text
    .replace(/\n$/, '')
    .split('\n')
    .slice(0, MOST)
    .map((line) => {
      if (line.startsWith('diff --git ')) {
        inPlace = false;
        return { kind: 'file', text: line };
      }
      if (line.startsWith('@@')) {
        inPlace = true;
        return { kind: 'place', text: line };
      }
      // Before the first place, the lines `---` and `+++` name files.
      if (inPlace && line.startsWith('+')) return { kind: 'added', text: line };
      if (inPlace && line.startsWith('-')) return { kind: 'removed', text: line };
      return { kind: inPlace ? 'same' : 'file', text: line };
    });
}
