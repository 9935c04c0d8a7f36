import { expect, test } from 'vitest';

import { metricColumn, metricLabel, readMetrics, toggled, writeMetrics } from './metrics';

test('the address keeps any key of a metric', () => {
  const all = [
    { which: 'min', key: 'val/loss, raw:1' },
    { which: 'summary', key: '100%' },
  ] as const;
  expect(readMetrics(writeMetrics(all))).toEqual(all);
  expect(all.map(metricColumn)).toEqual(['summary.val/loss, raw:1.min', 'summary.100%']);
  expect(all.map(metricLabel)).toEqual(['val/loss, raw:1 (min)', '100%']);
  expect(readMetrics('mean:a,min:,max:%E0%A4%A,x')).toEqual([{ which: 'max', key: '%E0%A4%A' }]);
});

test('a metric is added once, and a second click removes it', () => {
  const one = { which: 'max', key: 'acc' } as const;
  const added = toggled([], one);
  expect(added).toEqual([one]);
  expect(toggled(added, { ...one })).toEqual([]);
  expect(writeMetrics([])).toBeNull();
});
