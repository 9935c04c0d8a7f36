import { expect, test } from 'vitest';

import { entries, withView } from './views';

test('two addresses with the same entries are equal, whatever their order', () => {
  expect(entries('sort=-value&q=a&view=v1')).toBe(entries('q=a&sort=-value'));
  expect(entries('filter=b&filter=a')).not.toBe(entries('filter=a&filter=b'));
  expect(entries('view=none')).toBe('');
});

test('the address of a view holds its entries and its name', () => {
  const view = { id: 'v1', query: 'filter=config.lr%3C1&view=old' };
  expect(withView('/p/a/b', view)).toBe('/p/a/b?filter=config.lr%3C1&view=v1');
  expect(withView('/p/a/b', null)).toBe('/p/a/b?view=none');
});
