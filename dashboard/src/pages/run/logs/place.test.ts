import { expect, test } from 'vitest';

import { placeIn } from './place';

const day = new Date(2026, 4, 3, 22, 0, 0).getTime();
const at = (typed: string) => placeIn(typed, day);

test('a place is a line or a moment', () => {
  expect(at(' 120 ')).toEqual({ line: 120 });
  expect(at('22:30')).toEqual({ at: new Date(2026, 4, 3, 22, 30).getTime() });
  expect(at('0:05:07')).toEqual({ at: new Date(2026, 4, 4, 0, 5, 7).getTime() });
  expect(at('2026-05-01 10:00')).toEqual({ at: new Date(2026, 4, 1, 10).getTime() });
  expect(at('soon')).toBeNull();
});
