import { beforeEach, describe, expect, test } from 'vitest';
import { openGenerationReader } from '../../src/generation/generation-reader.js';
import type { VolumeHome } from '../../src/generation/volume-home.js';
import { createHeldHome, DAT, DIRECTORY, type HeldHome, HOME_PATH, MORE, MORE_IDX } from './held-home.js';
import {
  allOf,
  BASE,
  changed,
  chunksOf,
  collect,
  isEqual,
  patterned,
  positionOf,
  targetOf,
  VOLUME,
} from './home-kit.js';

let env: HeldHome['env'];
let open: HeldHome['open'];
let expectHeld: HeldHome['expectHeld'];

beforeEach(async () => {
  ({ env, open, expectHeld } = await createHeldHome());
});

describe('an unfinished generation', () => {
  async function unfinished(): Promise<VolumeHome> {
    const home = await open();
    const begun = await home.beginBuild(targetOf(MORE.length, MORE_IDX.length, 1));
    await begun.writeIndex(chunksOf(MORE_IDX, 5));
    await begun.write(MORE.subarray(0, 66_000));
    await begun.commitTo(65_000);
    await begun.write(MORE.subarray(65_000, 69_000));
    return home;
  }

  test.each(['power', 'process', 'nothing', 'everything'] as const)(
    'is taken up after a crash (%s)',
    async (kind) => {
      await unfinished();
      env.disk.crash(kind);
      const home = await open();
      const resumed = home.unfinished!;
      expect(resumed).toMatchObject({ builtBytes: 65_000, isIndexComplete: true, target: { revision: 1 } });
      expect(isEqual(await allOf(resumed.idx), MORE_IDX)).toBe(true);
      expect(isEqual(await allOf(resumed.dat), MORE.subarray(0, 65_000))).toBe(true);
      await resumed.write(MORE.subarray(65_000));
      await resumed.commitTo(MORE.length);
      await resumed.swapIn(positionOf(MORE.length, MORE_IDX.length, 1), '');
      await expectHeld(home, MORE);
      const reader = await openGenerationReader(env, { directory: DIRECTORY, volume: VOLUME });
      expect(await collect(reader.checkDigests())).toEqual([]);
      await reader.close();
    },
  );

  test('is known at once after a clean close', async () => {
    await (await unfinished()).close();
    env.disk.forget();
    const home = await open();
    expect(home.unfinished!.builtBytes).toBe(65_000);
    expect(env.disk.operations.filter(({ kind }) => kind === 'write')).toEqual([]);
  });

  test('that has rotted is given up; the held one stays', async () => {
    await (await unfinished()).close();
    const path = `${HOME_PATH}/2/${BASE}.dat`;
    env.disk.plant(path, changed(env.disk.peek(path), 64_999));
    const home = await open();
    expect(home.unfinished).toBeUndefined();
    await expectHeld(home, DAT);
    expect(env.disk.files().filter((file) => file.startsWith(`${HOME_PATH}/2/`))).toEqual([]);
  });

  test('makes room for the next one', async () => {
    const home = await unfinished();
    const next = await home.beginBuild(targetOf(10, 17, 2));
    expect(home.unfinished).toBe(next);
    expect(next.isIndexComplete).toBe(false);
    await expect(next.writeIndex(chunksOf(patterned(1, 18)))).rejects.toMatchObject({
      code: 'index-mismatch',
    });
    await expect(next.writeIndex(chunksOf(patterned(1, 16)))).rejects.toMatchObject({
      code: 'index-mismatch',
    });
    await next.writeIndex(chunksOf(patterned(1, 17)));
    await home.close();
  });

  test('may be swapped in shorter than it was built: a torn tail on the leader', async () => {
    const home = await unfinished();
    await home.unfinished!.swapIn(positionOf(64_000, MORE_IDX.length, 1), '');
    await expectHeld(home, MORE.subarray(0, 64_000));
    await home.close();
    await expectHeld(await open(), MORE.subarray(0, 64_000));
  });
});

test('a power failure just when a build begins leaves no generation that was never one', async () => {
  const target = targetOf(10, 17);
  for (let operations = 0, hasBegun = false; !hasBegun; operations++) {
    const home = await open();
    env.disk.crashAfter(operations);
    hasBegun = await home.beginBuild(target).then(
      () => true,
      () => false,
    );
    env.disk.crash('everything');
    const again = await open();
    expect(await again.former()).toEqual([]);
    await again.unfinished?.discard();
    await again.close();
  }
});
