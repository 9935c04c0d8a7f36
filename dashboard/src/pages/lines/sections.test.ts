import { expect, test } from 'vitest';

import { byRelevance, sections } from './sections';

test('metrics without a prefix come first, then the prefixes', () => {
  const found = sections(['val/loss', 'train/loss', 'epoch', 'train/acc', '/odd']);
  expect(found.map(({ name, keys }) => [name, keys])).toEqual([
    ['metrics', ['/odd', 'epoch']],
    ['train', ['train/acc', 'train/loss']],
    ['val', ['val/loss']],
  ]);
});

test('what a program logs about itself comes last, and begins closed', () => {
  const found = sections(['_runtime', 'loss', 'val/loss']);
  expect(found.map(({ name, open }) => [name, open])).toEqual([
    ['metrics', true],
    ['val', true],
    ['about the program', false],
  ]);
  expect(sections(['_runtime'])[0]?.open).toBe(true);
});

test('numbers in names count as numbers', () => {
  expect(sections(['l/10', 'l/9'])[0]?.keys).toEqual(['l/9', 'l/10']);
});

test('a large section after others begins closed, and the first is always open', () => {
  const many = Array.from({ length: 100 }, (_, index) => `debug/${index}`);
  expect(sections(['acc/a', ...many]).map(({ open }) => open)).toEqual([true, false]);
  expect(sections(many).map(({ open }) => open)).toEqual([true]);
});

test('pinned metrics come first, and relevance puts goals and common metrics first', () => {
  const keys = [
    { name: 'a', runs: 1 },
    { name: 'b', runs: 9 },
    { name: 'loss', runs: 1 },
  ];
  const relevant = byRelevance(keys, { loss: false });
  expect(relevant).toEqual(['loss', 'b', 'a']);
  const found = sections(relevant, ['a', 'gone'], true);
  expect(found.map(({ name, keys: inside }) => [name, inside])).toEqual([
    ['pinned', ['a']],
    ['metrics', ['loss', 'b']],
  ]);
});
