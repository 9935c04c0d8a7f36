import { expect, test } from 'vitest';

import { compile, links, safePlace } from './routes';

const match = compile();

test('each link leads to its page', () => {
  const at = { team: 'a b', project: 'x/y' };
  expect(match(links.project(at))).toEqual({ page: 'project', params: at });
  expect(match(links.run(at, 'r?1'))).toEqual({ page: 'run', params: { ...at, run: 'r?1' } });
  expect(match(links.sweep(at, 's'))).toEqual({ page: 'sweep', params: { ...at, sweep: 's' } });
  const version = { ...at, name: 'n/1', version: 'v2' };
  expect(match(links.version(at, 'n/1', 2))).toEqual({ page: 'version', params: version });
  expect(match(links.artifact(at, 'n'))).toEqual({
    page: 'artifact',
    params: { ...at, name: 'n' },
  });
  expect(match(links.artifacts(at))).toEqual({ page: 'artifacts', params: at });
  expect(match(links.bin(at))).toEqual({ page: 'bin', params: at });
  expect(match('/')).toEqual({ page: 'home', params: {} });
});

test('a path without a page is missing, also with broken encoding', () => {
  expect(match('/nothing').page).toBe('missing');
  expect(match('/p/%E0%A4%A/x').page).toBe('missing');
});

test('a fixed part wins over a name', () => {
  expect(match('/p/t/x/sweeps').page).toBe('sweeps');
});

test('a wanted place is on this host', () => {
  for (const place of ['/', '/p/vision/digits?tab=table#x', '/p/a%20b/c%3F']) {
    expect(safePlace(place)).toBe(place);
  }
  const foreign = ['//a.org', '/\\a.org', '/\t/a.org', '/.//a.org', '\t//a.org', ' //a.org'];
  const others = ['https://a.org', 'data:text/html,x', 'p/vision', '', null];
  for (const wanted of [...foreign, ...others]) expect(safePlace(wanted)).toBe('/');
});
