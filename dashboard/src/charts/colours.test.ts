import { expect, test } from 'vitest';

import { categoryColour, mix, resultColour, runColour, runIndex, viridis } from './colours';

function contrast(a: string, b: string): number {
  const light = (hex: string): number => {
    const parts = [1, 3, 5].map((place) => parseInt(hex.slice(place, place + 2), 16) / 255);
    const [r = 0, g = 0, b = 0] = parts.map((c) =>
      c <= 0.04 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4,
    );
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
  };
  return Math.max(light(a), light(b)) / Math.min(light(a), light(b));
}

test('viridis begins violet and ends yellow, and stands values outside', () => {
  expect(viridis(0)).toBe('#440154');
  expect(viridis(1)).toBe('#fde725');
  expect(viridis(7)).toBe('#fde725');
  expect(viridis(NaN)).toBe('#440154');
});

test('the best result has the strongest contrast to the ground', () => {
  for (const [dark, ground] of [
    [false, '#ffffff'],
    [true, '#14171c'],
  ] as const) {
    expect(contrast(resultColour(1, dark), ground)).toBeGreaterThan(10);
    expect(contrast(resultColour(1, dark), ground)).toBeGreaterThan(
      contrast(resultColour(0, dark), ground),
    );
  }
});

test('every colour of a category stands out from the ground as WCAG asks of graphics', () => {
  for (let index = 0; index < 8; index += 1) {
    expect(contrast(categoryColour(index, false), '#ffffff')).toBeGreaterThan(3);
    expect(contrast(categoryColour(index, true), '#14171c')).toBeGreaterThan(3);
  }
});

test('a run keeps its colour, and neighbouring trials differ', () => {
  expect(runColour('sweep-7', false)).toBe(runColour('sweep-7', false));
  expect(runIndex('sweep-7')).not.toBe(runIndex('sweep-8'));
  expect(runIndex('99999999999999999999')).toBeLessThan(8);
  expect(categoryColour(-1, false)).toMatch(/^#/);
});

test('a mixed colour lies between', () => {
  expect(mix('#000000', '#ffffff', 0.5)).toBe('#808080');
});
