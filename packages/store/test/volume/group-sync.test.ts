import { createSimulatedEnvironment, type SimulatedEnvironment } from '@holdfast/testkit';
import { expect, test } from 'vitest';
import { createVolume } from '../../src/volume/create-volume.js';
import { openVolume } from '../../src/volume/open-volume.js';
import type { Volume } from '../../src/volume/volume.js';

const directory = '/d';
const WRITES = 20;

async function created(env: SimulatedEnvironment): Promise<Volume> {
  env.disk.plant(`${directory}/other`, new Uint8Array(0));
  return await createVolume(env, { directory, name: '7' });
}

async function write(volume: Volume, needleId: number, lengthBytes = 100): Promise<void> {
  await volume.append({
    needleId: BigInt(needleId),
    cookie: 1,
    data: new Uint8Array(lengthBytes).fill(needleId),
  });
  await volume.sync();
}

const syncsOf = (env: SimulatedEnvironment, extension: string) =>
  env.disk.operations.filter(
    ({ kind, path }) => kind === 'sync-data' && path === `${directory}/7.${extension}`,
  ).length;

test('the index of needles with data is synced once a second, their records each time', async () => {
  const env = createSimulatedEnvironment({ seed: 1 });
  const volume = await created(env);
  await write(volume, 100);
  env.disk.forget();
  for (let i = 1; i <= WRITES; i++) await write(volume, i);
  expect([syncsOf(env, 'dat'), syncsOf(env, 'idx')]).toEqual([WRITES, 0]);
  await env.time.advance(1000);
  await write(volume, 101);
  expect(syncsOf(env, 'idx')).toBe(1);
  await write(volume, 102);
  expect(syncsOf(env, 'idx')).toBe(1);
  await volume.close();
  expect(syncsOf(env, 'idx')).toBe(2);
});

test('what only the index can tell is durable with its record: deletions and empty needles', async () => {
  for (const kind of ['nothing', 'power', 'everything'] as const) {
    const env = createSimulatedEnvironment({ seed: 2 });
    const volume = await created(env);
    for (let i = 1; i <= WRITES; i++) await write(volume, i);
    await write(volume, 30, 0);
    await volume.delete(5n);
    await volume.sync();
    await write(volume, 31, 0);
    for (let i = 40; i < 40 + WRITES; i++) await write(volume, i);
    env.disk.crash(kind);
    await using again = await openVolume(env, { directory, name: '7', mode: 'write' });
    const live = [...again.liveByNeedleId()].map(({ needleId }) => Number(needleId));
    const expected = [...Array(100).keys()].filter(
      (id) =>
        (id >= 1 && id <= WRITES && id !== 5) || id === 30 || id === 31 || (id >= 40 && id < 40 + WRITES),
    );
    expect([kind, live]).toEqual([kind, expected]);
    expect(again.recovery.ambiguousEntries).toBe(0);
  }
});
