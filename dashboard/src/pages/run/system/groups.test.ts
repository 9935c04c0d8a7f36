import { expect, test } from 'vitest';

import { metricGroups } from './groups';

test('the numbers of all GPUs of one kind belong into one chart', () => {
  const groups = metricGroups([
    'system.network.sent',
    'system.gpu.10.temp',
    'system.gpu.2.temp',
    'system.gpu.2.powerWatts',
    'system.gpu.process.2.temp',
    'system.cpu',
    'system.cpu.0.cpu_percent',
    'system.network.recv',
    'system.disk./.usageGB',
    'system.own.thing',
  ]);
  expect(groups.map(({ section, title, unit }) => [section, title, unit])).toEqual([
    ['GPU', 'GPU power', 'W'],
    ['GPU', 'GPU temperature', '°C'],
    ['GPU of this run', 'GPU temperature', '°C'],
    ['CPU', 'CPU by core', '%'],
    ['CPU', 'CPU of the run', '% of all cores'],
    ['Disk', 'Used disk', 'GB'],
    ['Network', 'Network', 'bytes'],
    ['Other', 'own.thing', ''],
  ]);
  expect(groups[1]?.lines.map(({ label }) => label)).toEqual(['GPU 2', 'GPU 10']);
  expect(groups[6]?.lines.map(({ label }) => label)).toEqual(['received', 'sent']);
});
