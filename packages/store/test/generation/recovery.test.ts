import { createSimulatedEnvironment } from '@holdfast/testkit';
import { beforeEach, describe, expect, test } from 'vitest';
import { openGenerationReader } from '../../src/generation/generation-reader.js';
import { openVolumeHome } from '../../src/generation/open-volume-home.js';
import {
  createHeldHome,
  DAT,
  DAT_PATH,
  DIRECTORY,
  type HeldHome,
  HOME_PATH,
  IDX,
  IDX_PATH,
  MORE,
  MORE_IDX,
} from './held-home.js';
import {
  allOf,
  append,
  BASE,
  build,
  changed,
  collect,
  isEqual,
  joined,
  patterned,
  positionOf,
  VOLUME,
} from './home-kit.js';

let env: HeldHome['env'];
let open: HeldHome['open'];
let expectHeld: HeldHome['expectHeld'];

beforeEach(async () => {
  ({ env, open, expectHeld } = await createHeldHome());
});

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
    expect(home.foreign!.lost?.position).toMatchObject({
      datSizeBytes: DAT.length,
      idxSizeBytes: IDX.length,
    });
    await home.close();
  });

  test('a pool that was a generation can be held: what is left of it outlives what replaces it', async () => {
    env.disk.plant(DAT_PATH, changed(DAT, 7));
    const home = await open();
    await home.holdPresent('loss-guard');
    await build(home, DAT, IDX);
    expect(await home.former()).toMatchObject([{ heldFor: 'loss-guard', position: null }]);
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
    expect(home.foreign!.lost).toBeUndefined();
    await expect(home.holdPresent('loss-guard')).rejects.toBeInstanceOf(TypeError);
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
