import { createVirtualTime } from '@holdfast/testkit';
import { expect, test } from 'vitest';
import { createPacedWriter } from '../src/paced-writer.js';

function rig(write: () => Promise<void>) {
  const time = createVirtualTime();
  const problems: unknown[] = [];
  const writer = createPacedWriter({
    clock: time.clock,
    timers: time.timers,
    leastPauseMs: 1000,
    write,
    onProblem: (error) => problems.push(error),
  });
  return { time, writer, problems };
}

test('many requests are one write, within the pause; without one nothing is written', async () => {
  let writes = 0;
  const { time, writer } = rig(async () => void writes++);
  for (let i = 0; i < 100; i++) writer.request();
  expect(writes).toBe(0);
  await time.advance(1000);
  expect(writes).toBe(1);
  await time.advance(100_000);
  expect(writes).toBe(1);
  await writer.close();
  expect(writes).toBe(1);
  expect(time.sleeping).toBe(0);
});

test('writes that take long come seldom', async () => {
  const startsMs: number[] = [];
  const { time, writer } = rig(async () => {
    startsMs.push(time.clock.monotonicMs());
    await time.timers.sleep(50);
  });
  for (let i = 0; i < 30; i++) {
    writer.request();
    await time.advance(1000);
  }
  expect(startsMs[0]).toBe(1000);
  // Five hundred times as long as the write took, and then at the next request.
  expect(startsMs[1]! - startsMs[0]!).toBeGreaterThanOrEqual(25_050);
  expect(startsMs.length).toBe(2);
  const closed = writer.close();
  await time.advance(50);
  await closed;
});

test('a write that failed is told and tried again; closing fails as its own write does', async () => {
  let isBroken = true;
  let writes = 0;
  const { time, writer, problems } = rig(async () => {
    if (isBroken) throw new Error('no space');
    writes++;
  });
  writer.request();
  await time.advance(2000);
  expect(problems).toHaveLength(2);
  await expect(writer.close()).rejects.toThrow('no space');
  isBroken = false;
  await writer.close();
  expect(writes).toBe(1);
});
