import { expect, test } from 'vitest';

import { shareLink } from '../state/routes';
import { pageOf, thingOf } from './share';

const at = { team: 'vision', project: 'a b' };

test('a thing has a kind, an id and a page', () => {
  expect(thingOf({ run: 'abcd-7' })).toEqual({ kind: 'run', id: 'abcd-7' });
  expect(pageOf({ ...at, thing: { run: 'abcd-7' } })).toBe('/p/vision/a%20b/r/abcd-7');
  expect(pageOf({ ...at, thing: { sweep: 'abcd' } })).toBe('/p/vision/a%20b/s/abcd');
  expect(pageOf({ ...at, thing: { report: 'abcd' } })).toBe('/p/vision/a%20b/reports/abcd');
});

test('a link has its key behind the hash, as `sweep share` prints it', () => {
  const link = shareLink('/p/vision/a%20b/r/abcd-7', 'besom-x');
  expect(link).toBe('/share?next=%2Fp%2Fvision%2Fa%2520b%2Fr%2Fabcd-7#besom-x');
});
