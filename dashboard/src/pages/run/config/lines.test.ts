import { expect, test } from 'vitest';

import { linesOf, yaml } from './lines';

test('the values of two runs lie beside each other', () => {
  const lines = linesOf({ lr: 1, net: { depth: 2 } }, { lr: 1, net: { depth: 3 }, seed: 4 });
  expect(lines).toEqual([
    { name: 'lr', value: 1, other: 1, differs: false },
    { name: 'net.depth', value: 2, other: 3, differs: true },
    { name: 'seed', value: undefined, other: 4, differs: true },
  ]);
  expect(linesOf({ lr: 1 }, undefined)[0]?.differs).toBe(false);
});

test('values are written as YAML that reads back as the same values', () => {
  const value = {
    lr: 0.1,
    name: 'adam',
    odd: 'yes',
    number: '1e3',
    text: 'a: b',
    empty: '',
    list: [1, [2], { a: null, b: [] }],
    net: { layers: { size: 3 } },
    none: {},
  };
  expect(yaml(value)).toBe(
    [
      'lr: 0.1',
      'name: adam',
      'odd: "yes"',
      'number: "1e3"',
      'text: "a: b"',
      'empty: ""',
      'list:',
      '  - 1',
      '  - - 2',
      '  - a: null',
      '    b: []',
      'net:',
      '  layers:',
      '    size: 3',
      'none: {}',
      '',
    ].join('\n'),
  );
});
