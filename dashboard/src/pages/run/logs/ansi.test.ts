import { expect, test } from 'vitest';

import { spans } from './ansi';

const brief = (line: string) =>
  spans(line).map(({ text, colour, bold }) => [text, colour, bold] as const);

test('a line without codes is one plain span', () => {
  expect(brief('loss 0.2 <b>')).toEqual([['loss 0.2 <b>', null, false]]);
  expect(spans('')).toEqual([]);
});

test('colours hold until they end', () => {
  expect(brief('a\u001b[1;31mb\u001b[0mc')).toEqual([
    ['a', null, false],
    ['b', 1, true],
    ['c', null, false],
  ]);
  expect(brief('\u001b[92mok\u001b[39m.')).toEqual([
    ['ok', 10, false],
    ['.', null, false],
  ]);
  expect(brief('\u001b[mx')).toEqual([['x', null, false]]);
});

test('larger palettes become CSS colours, whatever numbers a program prints', () => {
  expect(brief('\u001b[38;5;196mx')).toEqual([['x', 'rgb(255 0 0)', false]]);
  expect(brief('\u001b[38;5;9mx')).toEqual([['x', 9, false]]);
  expect(brief('\u001b[38;2;1;2;999mx')).toEqual([['x', 'rgb(1 2 255)', false]]);
  expect(brief('\u001b[38;5;244mx')).toEqual([['x', 'rgb(128 128 128)', false]]);
});

test('other sequences disappear', () => {
  expect(brief('\u001b[2Ka\u001b]8;;http://x\u0007b\u001b[?25l')).toEqual([
    ['a', null, false],
    ['b', null, false],
  ]);
});

test('a progress bar shows its last state', () => {
  expect(brief('10 %\r50 %\r100 %\r')).toEqual([['100 %', null, false]]);
});

test('hidden signs become visible', () => {
  expect(brief('a\u202eb')).toEqual([['a\ufffdb', null, false]]);
});
