import { expect, test } from 'vitest';

import { codeOf, packagesOf } from './code';

test('packages are read from requirements', () => {
  expect(packagesOf('numpy==2.1\n# a comment\n-e .\ntorch == 2.9 # why\npip\n')).toEqual([
    ['numpy', '2.1'],
    ['torch', '2.9'],
    ['pip', ''],
  ]);
});

test('what the SDK reports and what W&B writes into files become one list', () => {
  const own = codeOf(
    { command: 'train --lr 1', git_commit: 'abc', git_diff: '+x', packages: { a: '1' } },
    {},
  );
  expect(own.facts).toEqual([
    ['Command', 'train --lr 1'],
    ['Commit', 'abc'],
  ]);
  expect([own.diff, own.packages]).toEqual(['+x', [['a', '1']]]);
  const meta = {
    os: 'Linux',
    args: ['--lr', '1'],
    git: { commit: 'def' },
    gpu_nvidia: [{ name: 'A' }],
  };
  const files = { 'wandb-metadata.json': JSON.stringify(meta), 'requirements.txt': 'x==1' };
  const other = codeOf(null, files);
  expect(other.facts).toEqual([
    ['Arguments', '--lr 1'],
    ['Commit', 'def'],
    ['System', 'Linux'],
    ['GPU', 'A'],
  ]);
  expect(other.packages).toEqual([['x', '1']]);
  expect(codeOf(3, { 'wandb-metadata.json': 'no json' }).facts).toEqual([]);
});
