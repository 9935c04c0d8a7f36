import { expect, test } from 'vitest';

import { SvgPen } from './pen';
import { plain } from './theme';

function drawn(draw: (pen: SvgPen) => void): string {
  const pen = new SvgPen(100, 50, plain);
  draw(pen);
  return pen.toString();
}

test('a path becomes an SVG path with its style as attributes', () => {
  const svg = drawn((pen) => {
    pen.begin();
    pen.move(1, 2.0049);
    pen.line(3, 4);
    pen.stroke({ colour: '#ff0000', width: 2, dash: [3, 1], alpha: 0.5 });
  });
  expect(svg).toContain('<path d="M1 2L3 4" fill="none" stroke="#ff0000" stroke-width="2"');
  expect(svg).toContain('stroke-dasharray="3 1"');
  expect(svg).toContain('stroke-opacity="0.5"');
  expect(svg).not.toContain('style=');
});

test('a hostile text stays a text', () => {
  const svg = drawn((pen) => {
    pen.text('</text><script>alert(1)</script>&"\u0000\ud800', 5, 5, { colour: '"><x' });
  });
  expect(svg).not.toContain('<script');
  expect(svg).toContain('&lt;/text&gt;&lt;script&gt;');
  expect(svg).toContain('fill="&quot;&gt;&lt;x"');
  expect(svg).not.toContain('\u0000');
  expect(svg).not.toMatch(/[\ud800-\udfff]/u);
});

test('a new path forgets the old one, and an empty path draws nothing', () => {
  const svg = drawn((pen) => {
    pen.begin();
    pen.rect(0, 0, 5, 5);
    pen.begin();
    pen.fill('#123456');
    pen.line(7, 8);
    pen.line(9, 9);
    pen.fill('#654321', 0.25);
  });
  expect(svg).not.toContain('#123456');
  expect(svg).toContain('<path d="M7 8L9 9" fill="#654321" fill-opacity="0.25"/>');
});

test('clips nest, and every group ends', () => {
  const svg = drawn((pen) => {
    pen.clip(0, 0, 10, 10);
    pen.clip(2, 2, 4, 4);
    pen.unclip();
    pen.unclip();
  });
  expect(svg.match(/<g /g)).toHaveLength(2);
  expect(svg.match(/<\/g>/g)).toHaveLength(2);
  expect(svg).toContain('url(#clip2)');
});

test('what has no place is left out, as on a canvas', () => {
  const svg = drawn((pen) => {
    pen.begin();
    pen.move(NaN, 1);
    pen.line(1, 1);
    pen.line(Infinity, 1);
    pen.line(2, 2);
    pen.rect(0, 0, NaN, 1);
    pen.circle(NaN, 1, 2);
    pen.stroke({ colour: 'red' });
    pen.text('lost', NaN, 1, { colour: 'red' });
  });
  expect(svg).toContain('d="M1 1L2 2"');
  expect(svg).not.toContain('lost');
});
