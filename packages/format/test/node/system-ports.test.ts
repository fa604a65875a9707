import { expect, test } from 'vitest';
import { systemClock, systemRandom, systemTimers } from '../../src/node/index.js';

test('the clocks agree on their units', () => {
  const before = systemClock.nowMs();
  const ns = systemClock.nowNs();
  expect(Number(ns / 1_000_000n)).toBeGreaterThanOrEqual(before);
  expect(Number(ns / 1_000_000n)).toBeLessThanOrEqual(systemClock.nowMs());
  const start = systemClock.monotonicMs();
  expect(systemClock.monotonicMs()).toBeGreaterThanOrEqual(start);
});

test('a sleep lasts, and leaves no listener on its signal', async () => {
  const controller = new AbortController();
  const start = systemClock.monotonicMs();
  await systemTimers.sleep(20, controller.signal);
  expect(systemClock.monotonicMs() - start).toBeGreaterThanOrEqual(18);
  controller.abort(new Error('too late'));
});

test('a sleep ends with the reason of its signal, at once', async () => {
  const reason = new Error('enough');
  const controller = new AbortController();
  const sleep = systemTimers.sleep(3_600_000, controller.signal);
  controller.abort(reason);
  await expect(sleep).rejects.toBe(reason);
  await expect(systemTimers.sleep(3_600_000, AbortSignal.abort(reason))).rejects.toBe(reason);
});

test('random bytes are as many as asked for, and plain arrays', () => {
  const bytes = systemRandom.bytes(32);
  expect(bytes.constructor).toBe(Uint8Array);
  expect(bytes).toHaveLength(32);
  expect(systemRandom.bytes(32)).not.toEqual(bytes);
  const float = systemRandom.nextFloat();
  expect(float >= 0 && float < 1).toBe(true);
});
