import { createSimulatedEnvironment, type SimulatedEnvironment } from '@holdfast/testkit';
import { beforeEach, describe, expect, test } from 'vitest';
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
  targetOf,
  VOLUME,
} from './home-kit.js';

const DIRECTORY = '/data';
const DAT_PATH = `${DIRECTORY}/${BASE}.dat`;
const IDX_PATH = `${DIRECTORY}/${BASE}.idx`;
const HOME_PATH = `${DIRECTORY}/.holdfast/${BASE}`;
const DAT = patterned(1, 200_000);
const IDX = patterned(2, 170);
const MORE = patterned(3, 70_000);
const MORE_IDX = patterned(4, 17);

let env: SimulatedEnvironment;
const open = (takeOver = false): Promise<VolumeHome> =>
  openVolumeHome(env, { directory: DIRECTORY, volume: VOLUME, takeOver });

beforeEach(async () => {
  env = createSimulatedEnvironment({ seed: 1 });
  env.disk.plant(`${DIRECTORY}/other`, new Uint8Array(0));
  const home = await open();
  await build(home, DAT, IDX);
  await home.close();
});

function changed(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice();
  copy[at]! ^= 1;
  return copy;
}

async function expectHeld(home: VolumeHome, dat: Uint8Array): Promise<void> {
  expect(home.recovery.notHeld).toBeNull();
  expect(isEqual(await allOf(home.held!.dat), dat)).toBe(true);
  expect(isEqual(env.disk.peek(DAT_PATH), dat)).toBe(true);
}

describe('a generation whose files are gone', () => {
  test.each([DAT_PATH, IDX_PATH])('%s: a reader says so, and not that it is being replaced', async (path) => {
    await env.disk.remove(path);
    await expect(openGenerationReader(env, { directory: DIRECTORY, volume: VOLUME })).rejects.toMatchObject({
      code: 'not-found',
      message: `the files of volume ${BASE} are not in ${DIRECTORY} any more`,
    });
  });
});

describe('identity', () => {
  test('an untouched home is opened and closed without one change', async () => {
    env.disk.forget();
    const home = await open();
    await expectHeld(home, DAT);
    await home.close();
    expect(env.disk.operations.filter(({ kind }) => kind !== 'sync-directory')).toEqual([]);
  });

  test('of a home that this process has left in order little is asked, and nothing synced', async () => {
    const asked: string[] = [];
    const { disk } = env;
    const watched = {
      ...env,
      disk: {
        ...disk,
        open: (path: string, options: Parameters<typeof disk.open>[1]) => {
          asked.push(path);
          return disk.open(path, options);
        },
      },
    };
    disk.forget();
    const home = await openVolumeHome(watched, { directory: DIRECTORY, volume: VOLUME, isSettled: true });
    await expectHeld(home, DAT);
    await home.close();
    expect(disk.operations).toEqual([]);
    expect(asked).toEqual([`${HOME_PATH}/current`, `${HOME_PATH}/1/position.json`, DAT_PATH, IDX_PATH]);
  });

  test('what was written behind the committed bytes is found in a home that was left in order too', async () => {
    env.disk.plant(DAT_PATH, joined(DAT, MORE));
    const home = await openVolumeHome(env, { directory: DIRECTORY, volume: VOLUME, isSettled: true });
    await expectHeld(home, DAT);
    expect(home.recovery).toMatchObject({ cutBytes: MORE.length, strays: [expect.any(String)] });
    await home.close();
  });

  test('a copy of the files has other metadata and the same digests: held, and known at once from then on', async () => {
    env.disk.plant(DAT_PATH, DAT);
    await (await open()).close();
    env.disk.forget();
    const home = await open();
    await expectHeld(home, DAT);
    await home.close();
    expect(env.disk.operations.filter(({ kind }) => kind === 'write')).toEqual([]);
  });

  test.each([0, 65_535, 65_536, 199_999])('a changed byte at %d is found: a pool', async (at) => {
    env.disk.plant(DAT_PATH, changed(DAT, at));
    const home = await open();
    expect(home.recovery.notHeld).toBe('digests-differ');
    expect(home.held).toBeUndefined();
    expect(isEqual(await allOf(home.foreign!.dat), changed(DAT, at))).toBe(true);
    expect(isEqual(await allOf(home.foreign!.idx!), IDX)).toBe(true);
    await home.close();
  });

  test.each([
    ['a shorter .dat', DAT_PATH, DAT.subarray(0, 199_999)],
    ['a changed .idx', IDX_PATH, changed(IDX, 3)],
    ['a shorter .idx', IDX_PATH, IDX.subarray(17)],
  ])('%s is not held', async (_, path, bytes) => {
    env.disk.plant(path, bytes);
    expect((await open()).recovery.notHeld).toBe('digests-differ');
  });

  test('a missing .idx leaves the .dat as a pool', async () => {
    await env.disk.remove(IDX_PATH);
    const home = await open();
    expect(home.recovery.notHeld).toBe('digests-differ');
    expect(home.foreign!.idx).toBeUndefined();
  });

  test('files that nobody knows are a pool, and become a former generation', async () => {
    const other = createSimulatedEnvironment({ seed: 2 });
    other.disk.plant(DAT_PATH, MORE);
    const home = await openVolumeHome(other, { directory: DIRECTORY, volume: VOLUME });
    expect(home.recovery.notHeld).toBe('foreign-files');
    await build(home, DAT, IDX);
    expect(home.foreign).toBeUndefined();
    const [former, ...rest] = await home.former();
    expect(rest).toEqual([]);
    expect(former).toMatchObject({
      position: null,
      sizeBytes: MORE.length,
      replacedAtMs: other.clock.nowMs(),
    });
    expect(isEqual(other.disk.peek(`${HOME_PATH}/${former!.id}/${BASE}.dat`), MORE)).toBe(true);
    await home.close();
  });
});

describe('bytes behind the position', () => {
  test('our own are cut', async () => {
    const home = await open();
    await home.held!.beginAppend();
    await home.held!.write(MORE);
    await home.held!.pending.readAt(0, 1);
    env.disk.crash('process');
    const reopened = await open();
    expect(reopened.recovery).toMatchObject({ cutBytes: MORE.length, strays: [] });
    await expectHeld(reopened, DAT);
  });

  test('the last block, which shares a page with what failed, is written and synced anew', async () => {
    const home = await open();
    await home.held!.beginAppend();
    await home.held!.write(MORE);
    env.disk.crash('process');
    env.disk.forget();
    await open();
    const onDat = env.disk.operations.filter(({ path }) => path === DAT_PATH);
    expect(onDat.map(({ kind, lengthBytes }) => [kind, lengthBytes])).toEqual([
      ['truncate', DAT.length],
      ['write', DAT.length % 65_536],
      ['sync-data', undefined],
    ]);
  });

  test("somebody else's are kept before they are cut", async () => {
    env.disk.plant(DAT_PATH, joined(DAT, MORE));
    const home = await open();
    expect(home.recovery.cutBytes).toBe(MORE.length);
    expect(home.recovery.strays).toHaveLength(1);
    expect(isEqual(env.disk.peek(home.recovery.strays[0]!), MORE)).toBe(true);
    await expectHeld(home, DAT);
  });

  test('with changed blocks below them, a server has run here: refused, nothing touched', async () => {
    const served = joined(changed(DAT, 5), MORE);
    env.disk.plant(DAT_PATH, served);
    await expect(open()).rejects.toMatchObject({ code: 'directory-served', remedy: 'stop' });
    expect(isEqual(env.disk.peek(DAT_PATH), served)).toBe(true);
    const home = await open(true);
    expect(home.recovery.notHeld).toBe('digests-differ');
    expect(isEqual(env.disk.peek(home.recovery.strays[0]!), MORE)).toBe(true);
    expect(isEqual(await allOf(home.foreign!.dat), served)).toBe(true);
  });

  test('an append that was rolled back leaves nothing to find', async () => {
    const home = await open();
    await home.held!.beginAppend();
    await home.held!.write(MORE);
    await home.held!.rollback();
    await append(home.held!, MORE, MORE_IDX);
    await home.held!.write(patterned(9, 100));
    await home.close();
    env.disk.crash('nothing');
    const reopened = await open();
    expect(reopened.recovery).toEqual({ swap: 'none', cutBytes: 0, strays: [], notHeld: null });
    await expectHeld(reopened, joined(DAT, MORE));
  });

  test('what was written past the commit is cut by it, and its digests with it', async () => {
    const home = await open();
    await home.held!.beginAppend();
    await home.held!.write(joined(MORE, MORE));
    const end = DAT.length + MORE.length;
    await home.held!.commit(MORE_IDX, positionOf(end, IDX.length + MORE_IDX.length));
    await append(home.held!, MORE, MORE_IDX);
    await home.close();
    const reader = await openGenerationReader(env, { directory: DIRECTORY, volume: VOLUME });
    expect(isEqual(await allOf(reader.dat), joined(DAT, MORE, MORE))).toBe(true);
    expect(await collect(reader.checkDigests())).toEqual([]);
    await reader.close();
  });
});

describe('a disk that fails', () => {
  test('a failed sync anywhere in a commit ends the generation; the next opening cuts, and goes on soundly', async () => {
    for (let failing = 0; ; failing++) {
      env = createSimulatedEnvironment({ seed: failing });
      env.disk.plant(`${DIRECTORY}/other`, new Uint8Array(0));
      let home = await open();
      await build(home, DAT, IDX);
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

  test('a full disk at any operation of an append, an index and a build leaves the held generation as it was', async () => {
    for (let failing = 0; failing < 60; failing++) {
      env = createSimulatedEnvironment({ seed: failing });
      env.disk.plant(`${DIRECTORY}/other`, new Uint8Array(0));
      const home = await open();
      await build(home, DAT, IDX);
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

describe('damaged records', () => {
  const files = ['current', '1/position.json', 'swap', 'append', '1/history', '1/dat.digests'];
  test.each(files)(
    'any byte of %s changed or missing: no crash, nothing lost, nothing wrong believed',
    async (name) => {
      const path = `${HOME_PATH}/${name}`;
      const whole = env.disk.files().includes(path)
        ? env.disk.peek(path)
        : new TextEncoder().encode('{"generation":1}');
      const step = Math.max(1, Math.floor(whole.length / 60));
      for (let at = 0; at < whole.length; at += step) {
        for (const bytes of [changed(whole, at), whole.subarray(0, at), joined(whole, whole)]) {
          env.disk.plant(path, bytes);
          const home = await open();
          const dat = home.held?.dat ?? home.foreign?.dat;
          expect(isEqual(await allOf(dat!), DAT)).toBe(true);
          await home.close();
          env.disk.plant(path, whole);
          if (name === 'swap' || name === 'append') await env.disk.remove(path);
        }
      }
    },
  );

  test('a position of a newer Holdfast is refused, not replaced', async () => {
    const path = `${HOME_PATH}/1/position.json`;
    const text = new TextDecoder().decode(env.disk.peek(path)).replace('"format":1', '"format":2');
    env.disk.plant(path, new TextEncoder().encode(text));
    await expect(open()).rejects.toMatchObject({ code: 'unsupported-version' });
  });

  test('a lost line of history is made again out of the position', async () => {
    const home = await open();
    await append(home.held!, MORE, MORE_IDX);
    const expected = { datSizeBytes: DAT.length + MORE.length, atMs: env.clock.nowMs() };
    await home.close();
    const path = `${HOME_PATH}/1/history`;
    const whole = env.disk.peek(path);
    for (const cut of [1, 5, 40]) {
      env.disk.plant(path, whole.subarray(0, whole.length - cut));
      await env.time.advance(1000);
      await (await open()).close();
      const reader = await openGenerationReader(env, { directory: DIRECTORY, volume: VOLUME });
      const lines = await collect(reader.history());
      expect(lines).toHaveLength(2);
      expect(lines[1]).toMatchObject(expected);
      await reader.close();
    }
  });
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

describe('a power failure', () => {
  test('just when a build begins leaves no generation that was never one', async () => {
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

  test.each([1, 2, 3, 4])(
    'after a line of history whose sync had failed takes no line, seed %i',
    async (seed) => {
      env = createSimulatedEnvironment({ seed });
      env.disk.plant(`${DIRECTORY}/other`, new Uint8Array(0));
      let home = await open();
      await build(home, DAT, IDX);
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

test('a position of a form that there never was is not believed', async () => {
  const path = `${HOME_PATH}/1/position.json`;
  const text = new TextDecoder().decode(env.disk.peek(path));
  env.disk.plant(path, new TextEncoder().encode(text.replace('"format":1', '"format":0')));
  const home = await open();
  expect(home.recovery.notHeld).toBe('position-damaged');
  await home.close();
});
