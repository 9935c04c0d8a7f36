import { expect, test } from 'vitest';

import { between, contour, lineOf, rasterOf } from './grid';
import { Scale } from './scale';

const scale = new Scale('linear', 0, 2).place(0, 20);
const line = lineOf({ name: 'x', scale: 'linear', values: [0, 1, 2] }, scale);

test('a pixel has two neighbours and a place between them', () => {
  expect(between(line, 5)).toEqual([0, 1, 0.5]);
  expect(between(line, -3)).toEqual([0, 0, 0]);
  expect(between(line, 99)).toEqual([1, 2, 1]);
});

test('between categories there is nothing', () => {
  const categories = new Scale('category', -0.5, 1.5, ['a', 'b']).place(0, 20);
  const stepped = lineOf({ name: 'o', scale: 'category', values: [0, 1] }, categories);
  expect(between(stepped, 9)[2]).toBe(0);
  expect(between(stepped, 11)[2]).toBe(1);
});

test('an axis that grows upwards finds its rows too', () => {
  const up = lineOf(
    { name: 'y', scale: 'linear', values: [0, 1] },
    new Scale('linear', 0, 1).place(10, 0),
  );
  const raster = rasterOf([1, 2, 3, 4, 5, 6], line, up, { x: [0, 20], y: [0, 10] });
  expect(Array.from(raster.values)).toEqual([4, 6, 1, 3]);
});

test('a missing point hides only what depends on it', () => {
  const up = lineOf(
    { name: 'y', scale: 'linear', values: [0, 1] },
    new Scale('linear', 0, 1).place(0, 10),
  );
  const raster = rasterOf([1, NaN, 3, 4, 5, 6], line, up, { x: [0, 5, 20], y: [0, 10] });
  expect(Array.from(raster.values)).toEqual([1, NaN, 3, 4, 4.5, 6]);
});

test('a contour runs where the surface has its level', () => {
  const values = Float64Array.of(0, 0, 1, 1);
  expect(contour({ columns: 2, rows: 2, values }, 0.25)).toEqual([[1, 0.25, 0, 0.25]]);
  expect(contour({ columns: 2, rows: 2, values }, 5)).toEqual([]);
});
