import { expect, test } from 'vitest';

import { isImage, pack, unpack, type Drawn } from './drawn';

test('what is kept comes back with NaN and infinities', () => {
  const drawn: Drawn = {
    chart: 'lines',
    data: {
      x: Float64Array.of(0, 1, 2),
      xName: 'step',
      xScale: 'linear',
      series: [{ id: 'a', label: 'A', last: Float64Array.of(1 / 3, NaN, -Infinity) }],
    },
    options: { logY: true },
    names: { a: 'A' },
    note: 'n',
  };
  const back = unpack(JSON.parse(pack(drawn)));
  expect(back).toEqual({
    ...drawn,
    data: {
      x: [0, 1, 2],
      xName: 'step',
      xScale: 'linear',
      series: [{ id: 'a', label: 'A', last: [0.3333333333, NaN, -Infinity] }],
    },
  });
});

test('an empty cell of a table stays empty', () => {
  const data = {
    columns: ['a', 'b'],
    rows: [
      [1, null],
      ['x', 2],
    ],
  };
  const drawn: Drawn = { chart: 'table', data, names: {}, note: '' };
  expect(unpack(JSON.parse(pack(drawn)))).toEqual(drawn);
});

test('media that were kept without boxes still open, and only with data of images', () => {
  const shots = [
    { path: 'a.png', caption: 'A', data: 'data:image/png;base64,AAAA' },
    { path: 'b.png', caption: '', data: 'data:text/html;base64,AAAA' },
  ];
  const back = unpack({
    chart: 'media',
    run: 'r',
    step: 3,
    shots,
    files: [],
    names: {},
    note: '',
  });
  expect(back).toMatchObject({ run: 'r', kind: 'image', classes: [], clips: [], table: null });
  expect(back).toHaveProperty('shots', [
    { ...shots[0], boxes: {}, masks: {} },
    { path: 'b.png', caption: '', boxes: {}, masks: {} },
  ]);
});

test('data of an unknown kind is an error', () => {
  for (const wrong of [null, 5, [], {}, { chart: 'script' }]) {
    expect(() => unpack(wrong)).toThrow('not of a kind');
  }
});

test('only data of images is shown', () => {
  expect(isImage('data:image/png;base64,AAAA')).toBe(true);
  for (const wrong of [
    'data:image/svg+xml;base64,AAAA',
    'data:text/html;base64,AAAA',
    'https://a.org/x.png',
    'data:image/png;base64,AA" onerror="x',
  ]) {
    expect(isImage(wrong)).toBe(false);
  }
});
