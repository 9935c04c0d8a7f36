import { expect, test } from 'vitest';

import { decode } from './columns';

/** Writes an answer with one column of each kind. */
function answer(): ArrayBuffer {
  const columns = [
    { name: 'value', kind: 'f64', offset: 0, count: 3 },
    { name: 'trial', kind: 'u32', offset: 24, count: 3 },
    { name: 'id', kind: 'dictionary', offset: 40, count: 3, values: ['b', '10'] },
  ];
  const head = new TextEncoder().encode(JSON.stringify({ rows: 3, columns, extra: { from: 1 } }));
  const begin = Math.ceil((4 + head.length) / 8) * 8;
  const bytes = new ArrayBuffer(begin + 56);
  new DataView(bytes).setUint32(0, begin - 4, true);
  new Uint8Array(bytes).fill(32, 4, begin).set(head, 4);
  new Float64Array(bytes, begin, 3).set([0.5, NaN, 2]);
  new Uint32Array(bytes, begin + 24, 3).set([7, 8, 9]);
  new Uint32Array(bytes, begin + 40, 3).set([1, 0xffffffff, 0]);
  return bytes;
}

test('reads each kind of column', () => {
  const frame = decode(answer());
  expect(frame.rows).toBe(3);
  expect([0, 1, 2].map((row) => frame.cell('value', row))).toEqual([0.5, null, 2]);
  expect([...frame.numbers('trial')]).toEqual([7, 8, 9]);
  expect(frame.texts('id')).toEqual(['10', null, 'b']);
  expect([...frame.numbers('id')]).toEqual([10, NaN, NaN]);
  expect(frame.extra).toEqual({ from: 1 });
});

test('a column that does not exist has no values', () => {
  const frame = decode(answer());
  expect(frame.cell('other', 0)).toBeNull();
  expect([...frame.numbers('other')]).toEqual([NaN, NaN, NaN]);
});

test('bytes that end early are an error with the name of the column', () => {
  const bytes = answer();
  expect(() => decode(bytes.slice(0, bytes.byteLength - 8))).toThrow('the column id');
  expect(() => decode(bytes.slice(0, 40))).toThrow('its header');
  expect(() => decode(new ArrayBuffer(2))).toThrow('too short');
});
