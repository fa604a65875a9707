import { createSeededRandom, createSimulatedEnvironment, type SimulatedEnvironment } from '@holdfast/testkit';
import { beforeEach, expect, test } from 'vitest';
import { isStoreError } from '../../src/errors.js';
import { ensureFree } from '../../src/generation/free-space.js';
import { openGenerationReader } from '../../src/generation/generation-reader.js';
import { openVolumeHome } from '../../src/generation/open-volume-home.js';
import type { VolumeHome } from '../../src/generation/volume-home.js';
import {
  allOf,
  append,
  BASE,
  build,
  chunksOf,
  collect,
  isEqual,
  joined,
  patterned,
  positionOf,
  VOLUME,
} from './home-kit.js';

const DIRECTORY = '/data';
const IDX = patterned(2, 170);
const BLOCK_BYTES = 1 << 16;
let env: SimulatedEnvironment;
let home: VolumeHome;

beforeEach(async () => {
  env = createSimulatedEnvironment({ seed: 1 });
  env.disk.plant(`${DIRECTORY}/other`, new Uint8Array(0));
  home = await openVolumeHome(env, { directory: DIRECTORY, volume: VOLUME });
  for (let revision = 0; revision < 4; revision++) {
    await build(home, patterned(revision, 1000 + revision), IDX, revision);
    await env.time.advance(1000);
  }
});

const formerIds = async (): Promise<number[]> => (await home.former()).map(({ id }) => id);

test('former generations, newest first, with their positions', async () => {
  expect((await home.former()).map(({ position }) => position?.revision)).toEqual([2, 1, 0]);
});

test('a generation is kept by its names, not by a copy', async () => {
  const paths = [`${DIRECTORY}/${BASE}.dat`, `${DIRECTORY}/${BASE}.idx`];
  const keys = async (of: readonly string[]) =>
    Promise.all(of.map(async (path) => (await env.disk.stat(path))?.fileKey));
  const before = await keys(paths);
  await build(home, patterned(10, 2000), IDX, 4);
  expect(
    await keys(paths.map((path) => path.replace(DIRECTORY, `${DIRECTORY}/.holdfast/${BASE}/4`))),
  ).toEqual(before);
});

test('pruning keeps the young, the last ones and the held', async () => {
  const nowMs = env.clock.nowMs();
  expect(await home.prune({ keepForMs: 10_000, keepGenerations: 1 }, nowMs)).toEqual([]);
  await home.hold(1, 'leader-damaged');
  expect((await home.former()).find(({ id }) => id === 1)?.heldFor).toBe('leader-damaged');
  expect(await home.prune({ keepForMs: 0, keepGenerations: 1 }, nowMs)).toEqual([2]);
  expect(await formerIds()).toEqual([3, 1]);
  await home.release();
  expect(await home.prune({ keepForMs: 0, keepGenerations: 0 }, nowMs)).toEqual([3, 1]);
  expect(env.disk.files().filter((path) => /\/[0-9]+\//.test(path) && !path.includes('/4/'))).toEqual([]);
});

test('a state held for the loss guard stays held when its generation is replaced', async () => {
  await home.holdPresent('loss-guard');
  const present = home.held!.position;
  await append(home.held!, patterned(9, 500), patterned(8, 17));
  await build(home, patterned(10, 2000), IDX, 4);
  expect((await home.former())[0]).toMatchObject({ id: 4, heldFor: 'loss-guard' });
  const reader = await openGenerationReader(env, { directory: DIRECTORY, volume: VOLUME, generation: 4 });
  const held = (await collect(reader.history())).filter(({ heldFor }) => heldFor !== null);
  expect(held).toMatchObject([{ datSizeBytes: present.datSizeBytes, idxSizeBytes: present.idxSizeBytes }]);
  await reader.close();
  await home.release();
  expect((await home.former())[0]!.heldFor).toBeNull();
});

test('an adopted index leaves the former one readable, and history says which counts in which', async () => {
  const adopted = patterned(7, 187);
  const { datSizeBytes } = home.held!.position;
  await home.held!.adoptIndex(chunksOf(adopted), positionOf(datSizeBytes, adopted.length, 3));
  expect(isEqual(env.disk.peek(`${DIRECTORY}/${BASE}.idx`), adopted)).toBe(true);
  await append(home.held!, patterned(9, 500), patterned(8, 17));
  const reader = await openGenerationReader(env, { directory: DIRECTORY, volume: VOLUME });
  expect(
    (await collect(reader.history())).map(({ indexSerial, idxSizeBytes }) => [indexSerial, idxSizeBytes]),
  ).toEqual([
    [0, 170],
    [1, 187],
    [1, 204],
  ]);
  const former = await reader.openState({ datSizeBytes, idxSizeBytes: 170, indexSerial: 0 });
  expect(isEqual(await allOf(former.idx), IDX)).toBe(true);
  expect(isEqual(joined(...(await collect(former.idx.checked()))), IDX)).toBe(true);
  expect(isEqual(joined(...(await collect(former.dat.checked()))), await allOf(former.dat))).toBe(true);
  expect(await collect(reader.checkDigests())).toEqual([]);
  await former.close();
  await reader.close();
});

test.each([0, BLOCK_BYTES, 2 * BLOCK_BYTES])(
  'a former index of which only %i bytes are left is not taken for a whole one',
  async (leftBytes) => {
    const idx = patterned(5, 2 * BLOCK_BYTES + 170);
    const { datSizeBytes } = home.held!.position;
    await home.held!.adoptIndex(chunksOf(idx), positionOf(datSizeBytes, idx.length, 3));
    await home.held!.adoptIndex(chunksOf(IDX), positionOf(datSizeBytes, IDX.length, 3));
    const path = env.disk.files().find((name) => name.endsWith('.idx.1'))!;
    env.disk.plant(path, idx.slice(0, leftBytes));
    const reader = await openGenerationReader(env, { directory: DIRECTORY, volume: VOLUME });
    const state = await reader.openState({ datSizeBytes, idxSizeBytes: idx.length, indexSerial: 1 });
    await expect(collect(state.idx.checked())).rejects.toMatchObject({ code: 'corrupt', offset: leftBytes });
    await state.close();
    await reader.close();
  },
);

test('a reader that was opened before a swap goes on with its generation', async () => {
  const reader = await openGenerationReader(env, { directory: DIRECTORY, volume: VOLUME });
  await append(home.held!, patterned(9, 500), patterned(8, 17));
  await build(home, patterned(10, 2000), IDX, 4);
  expect(reader.position.revision).toBe(3);
  expect(isEqual(await allOf(reader.dat), patterned(3, 1003))).toBe(true);
  expect(await collect(reader.checkDigests())).toEqual([]);
  await reader.close();
});

/** The same disk as a process sees it that gets a turn only now and then. */
function seenSlowly(seed: number): SimulatedEnvironment {
  const random = createSeededRandom(seed);
  const pause = async (): Promise<void> => {
    const turns = random.nextFloat() < 0.5 ? 0 : random.nextFloat() * 150;
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
  };
  const { disk } = env;
  return {
    ...env,
    disk: {
      ...disk,
      open: async (path, options) => {
        await pause();
        return disk.open(path, options);
      },
      stat: async (path) => {
        await pause();
        return disk.stat(path);
      },
    },
  };
}

test.each([true, false])(
  'readers beside swaps and appends see one whole generation (hard links: %s)',
  async (hasLinks) => {
    env = createSimulatedEnvironment({ seed: 1, hasLinks });
    env.disk.plant(`${DIRECTORY}/other`, new Uint8Array(0));
    home = await openVolumeHome(env, { directory: DIRECTORY, volume: VOLUME });
    await build(home, patterned(0, 1000), IDX, 0);
    let isDone = false;
    async function read(seed: number): Promise<number> {
      const slow = seenSlowly(seed);
      let opened = 0;
      while (!isDone) {
        try {
          const reader = await openGenerationReader(slow, { directory: DIRECTORY, volume: VOLUME });
          expect(await collect(reader.checkDigests())).toEqual([]);
          await reader.close();
          opened++;
        } catch (error) {
          // Overtaken at each try is an answer, if not the wanted one.
          if (!isStoreError(error, 'position-moved')) throw error;
        }
      }
      return opened;
    }
    const reading = Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(read));
    for (let revision = 1; revision < 120; revision++) {
      const held = await build(home, patterned(revision, 1000), IDX, revision);
      await append(held, patterned(revision, 500), patterned(revision, 17));
      const { datSizeBytes } = held.position;
      await held.adoptIndex(chunksOf(patterned(revision + 1, 170)), positionOf(datSizeBytes, 170, revision));
    }
    isDone = true;
    expect((await reading).reduce((sum, opened) => sum + opened)).toBeGreaterThan(20);
  },
);

test('the lock is asked for before every position rename; without it nothing moves', async () => {
  await home.close();
  let isLocked = true;
  const assertLocked = async (): Promise<void> => {
    if (!isLocked) throw new Error('the lock is lost');
  };
  home = await openVolumeHome(env, { directory: DIRECTORY, volume: VOLUME, assertLocked });
  await home.held!.beginAppend();
  await home.held!.write(patterned(9, 500));
  isLocked = false;
  const { datSizeBytes, idxSizeBytes } = home.held!.position;
  await expect(
    home.held!.commit(new Uint8Array(0), positionOf(datSizeBytes + 500, idxSizeBytes, 3)),
  ).rejects.toThrow('the lock is lost');
  expect(home.held!.isFailed).toBe(true);
  await home.close();
  isLocked = true;
  home = await openVolumeHome(env, { directory: DIRECTORY, volume: VOLUME, assertLocked });
  expect(home.recovery.cutBytes).toBe(500);
  expect(home.held!.position.datSizeBytes).toBe(datSizeBytes);
});

test('mistakes of the caller change nothing', async () => {
  const held = home.held!;
  const { datSizeBytes, idxSizeBytes } = held.position;
  await expect(held.write(IDX)).rejects.toThrow(TypeError);
  await held.beginAppend();
  await held.write(new Uint8Array(8));
  await expect(held.commit(IDX, positionOf(datSizeBytes + 9, idxSizeBytes + 170))).rejects.toThrow(
    RangeError,
  );
  await expect(held.commit(IDX, positionOf(datSizeBytes + 8, idxSizeBytes))).rejects.toThrow(RangeError);
  await expect(held.notePosition(positionOf(datSizeBytes + 8, idxSizeBytes))).rejects.toThrow(RangeError);
  await expect(home.hold(99, 'loss-guard')).rejects.toThrow(RangeError);
  expect(held.isFailed).toBe(false);
});

test('too little space is told before anything is begun', async () => {
  const freeBytes = await env.disk.freeBytes(DIRECTORY);
  await ensureFree(env, DIRECTORY, freeBytes - 100, 100);
  await expect(ensureFree(env, DIRECTORY, freeBytes - 100, 101)).rejects.toMatchObject({ code: 'no-space' });
});
