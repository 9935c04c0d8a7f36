import { expect, test } from 'vitest';

import { inside } from './markdown';

test('only a link to this dashboard stays inside', () => {
  const at = (to: string) => inside(to, 'http://besom:7070', 'http://besom:7070/p/a/b');
  expect(at('/p/x/y?q=1#z')).toBe('/p/x/y?q=1#z');
  expect(at('r/one')).toBe('/p/a/r/one');
  expect(at('#part')).toBe('/p/a/b#part');
  expect(at('http://besom:7070/p')).toBe('/p');
  for (const foreign of ['https://a.org/x', '//a.org/x', '/\\a.org', 'mailto:a@b.org']) {
    expect(at(foreign)).toBeNull();
  }
});
