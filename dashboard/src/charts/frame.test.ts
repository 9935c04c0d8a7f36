import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { inFrame, notInFrame } from './frame';

let frames: (() => void)[] = [];
let now = 0;

beforeEach(() => {
  frames = [];
  vi.stubGlobal('requestAnimationFrame', (frame: () => void) => frames.push(frame));
  vi.spyOn(performance, 'now').mockImplementation(() => now);
});

afterEach(() => {
  while (frames.length > 0) frames.shift()?.();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

test('work that other work asks for is done in the same frame', () => {
  const done: string[] = [];
  inFrame(() => {
    done.push('first');
    inFrame(() => done.push('second'));
  });
  expect(frames.length).toBe(1);
  frames.shift()?.();
  expect(done).toEqual(['first', 'second']);
  expect(frames.length).toBe(0);
});

test('the same work is done once, and forgotten work never', () => {
  let times = 0;
  const work = (): void => void (times += 1);
  const never = vi.fn();
  inFrame(work);
  inFrame(work);
  inFrame(never);
  notInFrame(never);
  frames.shift()?.();
  expect(times).toBe(1);
  expect(never).not.toHaveBeenCalled();
});

test('work that takes long leaves the rest to the next frame', () => {
  const later = vi.fn();
  inFrame(() => (now += 100));
  inFrame(later);
  frames.shift()?.();
  expect(later).not.toHaveBeenCalled();
  frames.shift()?.();
  expect(later).toHaveBeenCalledOnce();
});

test('work that fails does not stop the work of others', () => {
  const other = vi.fn();
  inFrame(() => {
    throw new Error('a chart that is broken');
  });
  inFrame(other);
  expect(() => frames.shift()?.()).toThrow('broken');
  frames.shift()?.();
  expect(other).toHaveBeenCalledOnce();
});
