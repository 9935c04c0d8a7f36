import { expect, test } from 'vitest';

import { diffLines } from './diff';

test('the lines of a diff are told apart', () => {
  const text = [
    'diff --git a/x b/x',
    '--- a/x',
    '+++ b/x',
    '@@ -1,2 +1,2 @@',
    ' same',
    '-old',
    '+new',
    '--- a line that begins with two dashes',
    'diff --git a/y b/y',
    '',
  ].join('\n');
  expect(diffLines(text).map(({ kind }) => kind)).toEqual([
    ...['file', 'file', 'file', 'place', 'same', 'removed', 'added', 'removed', 'file'],
  ]);
});
