import { expect, test } from 'vitest';

import { progressOf } from './progress';

test('a run is as far as its epoch or its step says', () => {
  const at = (config: object, summary: object) =>
    progressOf({ config: config as never, summary: summary as never });
  expect(at({ epochs: 50 }, { epoch: 12 })).toEqual({ name: 'epoch', at: 12, of: 50 });
  expect(at({ max_steps: 100 }, { _step: 7 })).toEqual({ name: 'step', at: 7, of: 100 });
  expect(at({ epochs: 50 }, {})).toBeNull();
  expect(at({ epochs: 5 }, { epoch: 12 })).toBeNull();
  expect(at({ epochs: 'many' }, { epoch: 1 })).toBeNull();
});
