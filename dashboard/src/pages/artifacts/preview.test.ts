import { expect, test } from 'vitest';

import { isText, lookOf, rowsOf } from './preview';

const text = new TextEncoder().encode('a,b\n1,2');

test('the type decides, then the name, then the bytes', () => {
  expect(lookOf('x.txt', 'image/png', text)).toBe('image');
  expect(lookOf('x.html', 'text/html; charset=utf-8', text)).toBe('page');
  expect(lookOf('a/x.CSV', 'application/octet-stream', text)).toBe('table');
  expect(lookOf('a/x.table.json', 'application/octet-stream', text)).toBe('rows');
  expect(lookOf('README', 'application/octet-stream', text)).toBe('text');
  expect(lookOf('w.bin', 'application/octet-stream', new Uint8Array([1, 0, 2]))).toBe('none');
});

test('a sign that is cut off at the end is still text', () => {
  expect(isText(new TextEncoder().encode('ü').slice(0, 1))).toBe(true);
  expect(isText(new Uint8Array([0x61, 0xff, 0x61]))).toBe(false);
});

test('cells may have quotes, separators and ends of lines in them', () => {
  const rows = rowsOf('a,b\r\n"1,5","say ""hi""\nthere"\n,', ',', 10);
  expect(rows).toEqual([
    ['a', 'b'],
    ['1,5', 'say "hi"\nthere'],
    ['', ''],
  ]);
  expect(rowsOf('a\nb\nc', ',', 2)).toEqual([['a'], ['b']]);
  expect(rowsOf('a\tb', '\t', 2)).toEqual([['a', 'b']]);
});
