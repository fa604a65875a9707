import { beforeEach, describe, expect, test } from 'vitest';
import { openGenerationReader } from '../../src/generation/generation-reader.js';
import { createHeldHome, DAT, DAT_PATH, DIRECTORY, type HeldHome, IDX, MORE, MORE_IDX } from './held-home.js';
import {
  allOf,
  append,
  build,
  chunksOf,
  collect,
  isEqual,
  joined,
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

describe('a disk that fails', () => {
  test('a failed sync anywhere in a commit ends the generation; the next opening cuts, and goes on soundly', async () => {
    for (let failing = 0; ; failing++) {
      ({ env, open, expectHeld } = await createHeldHome(failing));
      let home = await open();
      const held = home.held!;
      await held.beginAppend();
      let syncs = 0;
      env.disk.inject(({ kind }) =>
        kind.startsWith('sync') && syncs++ === failing ? 'disk-failed' : undefined,
      );
      const isThrough = await append(held, MORE, MORE_IDX).then(
        () => true,
        () => false,
      );
      env.disk.inject(undefined);
      if (isThrough) break;
      expect(held.isFailed).toBe(true);
      expect(held.position.datSizeBytes).toBe(DAT.length);
      await expect(held.write(MORE)).rejects.toMatchObject({ code: 'closed' });
      await home.close();

      // The page cache still shows what the platter may never have had.
      home = await open();
      const found = await allOf(home.held!.dat);
      expect([DAT.length, DAT.length + MORE.length]).toContain(found.length);
      expect(isEqual(found, joined(DAT, MORE).subarray(0, found.length))).toBe(true);
      await append(home.held!, MORE, MORE_IDX);
      env.disk.crash('nothing');
      await expectHeld(await open(), joined(found, MORE));
    }
  });

  test('a build whose beginning fails leaves no generation that was never one, in whose place another would be pruned', async () => {
    for (let failing = 0, hasBegun = false; !hasBegun; failing++) {
      ({ env, open, expectHeld } = await createHeldHome(failing));
      const home = await open();
      await build(home, MORE, MORE_IDX, 1);
      const former = await home.former();
      expect(former.map(({ position }) => position?.datSizeBytes)).toEqual([DAT.length]);
      let operations = 0;
      env.disk.inject(() => (operations++ === failing ? 'disk-failed' : undefined));
      hasBegun = await home.beginBuild(targetOf(10, 17)).then(
        () => true,
        () => false,
      );
      env.disk.inject(undefined);
      expect(await home.former()).toEqual(former);
      expect(await home.prune({ keepForMs: 0, keepGenerations: 1 }, Date.now())).toEqual([]);
      await home.close();
    }
  });

  test('a full disk at any operation of an append, an index and a build leaves the held generation as it was', async () => {
    for (let failing = 0; failing < 60; failing++) {
      ({ env, open, expectHeld } = await createHeldHome(failing));
      const home = await open();
      let writes = 0;
      env.disk.inject(({ kind }) =>
        (kind === 'write' || kind === 'create') && writes++ === failing ? 'no-space' : undefined,
      );
      await append(home.held!, MORE, MORE_IDX)
        .then(() => home.held!.adoptIndex(chunksOf(IDX), positionOf(DAT.length + MORE.length, IDX.length)))
        .then(() => build(home, MORE, MORE_IDX, 1))
        .catch(() => {});
      env.disk.inject(undefined);
      await home.close().catch(() => {});
      const reopened = await open();
      const found = await allOf(reopened.held!.dat);
      expect(
        [DAT, joined(DAT, MORE), MORE].some((state) => isEqual(state, found)),
        `write ${failing}`,
      ).toBe(true);
      await reopened.close();
    }
  });
});

test('after a swap that failed the home takes nothing more: what it took would be lost with the old generation', async () => {
  const home = await open();
  await home.held!.beginAppend();
  env.disk.inject(({ kind, to }) => (kind === 'rename' && to === DAT_PATH ? 'disk-failed' : undefined));
  await expect(build(home, MORE, MORE_IDX, 1)).rejects.toMatchObject({ code: 'disk-failed' });
  env.disk.inject(undefined);
  expect(home.held!.isFailed).toBe(true);
  await expect(append(home.held!, MORE, MORE_IDX)).rejects.toMatchObject({ code: 'closed' });
  await expect(home.beginBuild(targetOf(1, 17))).rejects.toMatchObject({ code: 'closed' });
  await home.close();
  const reopened = await open();
  expect(reopened.recovery.swap).toBe('rolled-forward');
  await expectHeld(reopened, MORE);
});

describe('a power failure', () => {
  test('while a swap is completed of which any sync had failed before leaves one whole generation', async () => {
    for (let failing = 0, isThrough = false; !isThrough; failing++)
      for (let operations = 0, isOpen = false; !isOpen; operations++) {
        ({ env, open } = await createHeldHome(failing));
        const home = await open();
        let syncs = 0;
        env.disk.inject(({ kind }) =>
          kind.startsWith('sync') && syncs++ === failing ? 'disk-failed' : undefined,
        );
        isThrough = await build(home, MORE, MORE_IDX, 1).then(
          () => true,
          () => false,
        );
        env.disk.inject(undefined);
        await home.close().catch(() => {});
        env.disk.crashAfter(operations);
        isOpen = await open().then(
          () => true,
          () => false,
        );
        env.disk.crash('nothing');
        const { held } = await open();
        const found = held === undefined ? undefined : await allOf(held.dat);
        expect(
          [DAT, MORE].some((state) => found !== undefined && isEqual(state, found)),
          `sync ${failing} failed, the power after ${operations} operations`,
        ).toBe(true);
      }
  });

  test.each([1, 2, 3, 4])(
    'after a line of history whose sync had failed takes no line, seed %i',
    async (seed) => {
      ({ env, open } = await createHeldHome(seed));
      let home = await open();
      await home.held!.beginAppend();
      env.disk.inject(({ kind, path }) =>
        kind === 'sync-data' && path.endsWith('/history') ? 'disk-failed' : undefined,
      );
      await expect(append(home.held!, MORE, MORE_IDX)).rejects.toMatchObject({ code: 'disk-failed' });
      env.disk.inject(undefined);
      env.disk.crash('process');
      home = await open();
      await append(home.held!, MORE, MORE_IDX);
      env.disk.crash('nothing');
      await (await open()).close();
      const reader = await openGenerationReader(env, { directory: DIRECTORY, volume: VOLUME });
      const lengths = (await collect(reader.history())).map(({ datSizeBytes }) => datSizeBytes);
      await reader.close();
      expect(lengths).toEqual([200_000, 270_000, 340_000]);
    },
  );
});
