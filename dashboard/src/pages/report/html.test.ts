import { expect, test } from 'vitest';

import type { TextBlock } from '../../api/types';
import { blocksOf, inline, page, shotsOf, tableOf } from './html';

const BASE = 'http://besom:7070/p/a/b/reports/r';

test('no text from data becomes markup', () => {
  const bad = `<script>alert('1')</script>"&`;
  const good = '&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot;&amp;';
  const blocks: TextBlock[] = [
    { kind: 'paragraph', spans: [{ kind: 'text', text: bad }] },
    { kind: 'code', language: bad, text: bad },
  ];
  expect(blocksOf(blocks, BASE)).toBe(`<p>${good}</p>\n<pre><code>${good}</code></pre>`);
  expect(tableOf({ columns: [bad], rows: [[bad]] })).not.toContain('<script');
  expect(page(bad, bad, '')).not.toContain('<script');
  expect(inline('<svg xmlns="">', 'light', 'a', bad)).not.toContain('<script');
});

test('a link is whole and leads only to pages and mail', () => {
  const link = (to: string) => {
    const spans = [{ kind: 'link' as const, to, spans: [{ kind: 'text' as const, text: 'w' }] }];
    return blocksOf([{ kind: 'paragraph', spans }], BASE);
  };
  expect(link('/p/x')).toContain('href="http://besom:7070/p/x"');
  expect(link('https://a.org/"x')).toContain('href="https://a.org/%22x"');
  expect(link('data:text/html,x')).toBe('<p>w</p>');
});

test('only images with their bytes are images', () => {
  const shot = { path: 'a.png', caption: 'cat', boxes: {}, masks: {} };
  expect(shotsOf([shot])).toBe('<p>cat</p>');
  expect(shotsOf([{ ...shot, data: 'https://a.org/x' }])).toBe('<p>cat</p>');
  expect(shotsOf([{ ...shot, data: 'data:image/png;base64,AA==' }])).toContain('<img src="data:');
});

test('two pictures in a file do not share an id', () => {
  const svg = '<svg ><clipPath id="clip1"></clipPath><g clip-path="url(#clip1)"></g></svg>';
  expect(inline(svg, 'dark', 'b1', 'x')).toBe(
    '<svg class="dark" role="img" aria-label="x" ><clipPath id="b1clip1"></clipPath>' +
      '<g clip-path="url(#b1clip1)"></g></svg>',
  );
});
