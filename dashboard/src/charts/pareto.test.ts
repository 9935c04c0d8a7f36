import { expect, test } from 'vitest';

import { pareto } from './pareto';

test('a row that breaks a limit is not on the front, and hides no other row', () => {
  const [x, y] = [
    [1, 2, 3],
    [3, 1, 2],
  ];
  expect(pareto(x, y, [false, false])).toEqual([0, 1]);
  expect(pareto(x, y, [false, false], [true, false, true])).toEqual([0, 2]);
});
