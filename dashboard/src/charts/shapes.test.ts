import { expect, test } from 'vitest';

import { SvgPen } from './pen';
import { curve, rounded } from './shapes';
import { plain } from './theme';

function drawn(draw: (pen: SvgPen) => void): [number, number][] {
  const pen = new SvgPen(100, 100, plain);
  pen.begin();
  draw(pen);
  pen.stroke({ colour: '#000000' });
  const path = /path d="([^"]*)"/.exec(pen.toString())?.[1] ?? '';
  return [...path.matchAll(/[ML]([\d.-]+) ([\d.-]+)/g)].map((found) => [
    Number(found[1]),
    Number(found[2]),
  ]);
}

test('a rounded rectangle stays within its box and leaves its corners out', () => {
  const points = drawn((pen) => rounded(pen, 10, 20, 40, 30, 8));
  for (const [x, y] of points) {
    expect(x).toBeGreaterThanOrEqual(10);
    expect(x).toBeLessThanOrEqual(50);
    expect(y).toBeGreaterThanOrEqual(20);
    expect(y).toBeLessThanOrEqual(50);
    expect(Math.hypot(x - 10, y - 20)).toBeGreaterThan(2);
  }
});

test('a radius that is too large makes a pill', () => {
  const points = drawn((pen) => rounded(pen, 0, 0, 40, 20, 99));
  expect(points).toContainEqual([40, 10]);
});

test('a curve goes through its points, and leaves them horizontally', () => {
  const points = drawn((pen) =>
    curve(
      pen,
      [
        [0, 0],
        [50, 40],
        [90, 10],
      ],
      0.5,
    ),
  );
  expect(points[0]).toEqual([0, 0]);
  expect(points).toContainEqual([50, 40]);
  expect(points.at(-1)).toEqual([90, 10]);
  const [, second = [0, 0]] = points;
  expect(second[1]).toBeLessThan(second[0] / 4);
});
