import { expect, test } from 'vitest';
import { createSimulatedScheduler } from '../src/index.js';

/** Eight operations at once; the order in which they go on. */
async function orderOf(seed: number, queuedShare = 1): Promise<readonly number[]> {
  const scheduler = createSimulatedScheduler();
  scheduler.reseed(seed, queuedShare);
  const order: number[] = [];
  const end = await scheduler.run(async () => {
    await Promise.all(
      Array.from({ length: 8 }, async (_, i) => {
        await scheduler.pass();
        order.push(i);
      }),
    );
  }, 1000);
  expect(end.kind).toBe('done');
  return order;
}

test('the seed chooses what comes first, the same every time', async () => {
  expect(await orderOf(1)).toEqual(await orderOf(1));
  const orders = new Set(
    await Promise.all([1, 2, 3, 4, 5].map(async (seed) => (await orderOf(seed)).join())),
  );
  expect(orders.size).toBeGreaterThan(3);
  expect(await orderOf(1, 0)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

test('time moves when nothing else can go on, and costs nothing', async () => {
  const scheduler = createSimulatedScheduler();
  const { clock, timers } = scheduler.time;
  const end = await scheduler.run(async () => {
    await timers.sleep(86_400_000);
    return clock.monotonicMs();
  }, 100_000_000);
  expect(end).toEqual({ kind: 'done', value: 86_400_000 });
});

test('a task that waits for nothing that can come is stuck, a long one overdue, a failed one failed', async () => {
  const scheduler = createSimulatedScheduler();
  expect(await scheduler.run(() => new Promise(() => {}), 1000)).toEqual({ kind: 'stuck' });
  expect(await scheduler.run(() => scheduler.time.timers.sleep(2000), 1000)).toEqual({ kind: 'overdue' });
  const error = new Error('it failed');
  expect(await scheduler.run(() => Promise.reject(error), 1000)).toEqual({ kind: 'failed', error });
  const stopped = scheduler.run(async () => {
    scheduler.stop();
    await new Promise(() => {});
  }, 1000);
  expect(await stopped).toEqual({ kind: 'stopped' });
});

test('a wall clock that steps back moves nobody who sleeps', async () => {
  const { time } = createSimulatedScheduler();
  const before = time.clock.nowMs();
  time.stepWallClock(-5000);
  expect([time.clock.nowMs(), time.clock.monotonicMs()]).toEqual([before - 5000, 0]);
  let isAwake = false;
  void time.timers.sleep(100).then(() => {
    isAwake = true;
  });
  await time.advance(99);
  expect(isAwake).toBe(false);
  await time.advance(1);
  await time.settle();
  expect(isAwake).toBe(true);
});
