import { createSimulatedEnvironment, type SimulatedEnvironment } from '@holdfast/testkit';
import { beforeEach, describe, expect, test } from 'vitest';
import { openVolumeHome } from '../../src/generation/open-volume-home.js';
import type { UnfinishedGeneration, VolumeHome } from '../../src/generation/volume-home.js';
import {
  allOf,
  BASE,
  build,
  chunksOf,
  isEqual,
  patterned,
  positionOf,
  targetOf,
  VOLUME,
  vifOf,
} from './home-kit.js';

const DIRECTORY = '/data';
const DAT = patterned(1, 150_000);
const IDX = patterned(2, 170);
const OTHER = patterned(3, 90_000);
const OTHER_IDX = patterned(4, 34);

let env: SimulatedEnvironment;
let home: VolumeHome;
let begun: UnfinishedGeneration;
const open = (): Promise<VolumeHome> => openVolumeHome(env, { directory: DIRECTORY, volume: VOLUME });

beforeEach(async () => {
  env = createSimulatedEnvironment({ seed: 1 });
  env.disk.plant(`${DIRECTORY}/other`, new Uint8Array(0));
  home = await open();
  await build(home, DAT, IDX);
  begun = await home.beginBuild(targetOf(OTHER.length, OTHER_IDX.length, 1));
});

async function expectHeldAfterAll(): Promise<void> {
  await home.close();
  home = await open();
  expect(isEqual(await allOf(home.held!.dat), DAT)).toBe(true);
}

/** What was refused has changed nothing: the build can still be finished. */
async function finish(): Promise<void> {
  const { dat } = begun;
  await begun.write(OTHER.subarray(await dat.sizeBytes()));
  await begun.commitTo(OTHER.length);
  if (!begun.isIndexComplete) await begun.writeIndex(chunksOf(OTHER_IDX));
  await begun.swapIn(positionOf(OTHER.length, OTHER_IDX.length, 1), vifOf(1));
  expect(isEqual(await allOf(home.held!.dat), OTHER)).toBe(true);
  await home.close();
}

describe('what is refused as a mistake of the caller, and leaves the build as it is', () => {
  test('a second index', async () => {
    await begun.writeIndex(chunksOf(OTHER_IDX));
    await expect(begun.writeIndex(chunksOf(patterned(9, 34)))).rejects.toBeInstanceOf(TypeError);
    expect(isEqual(await allOf(begun.idx), OTHER_IDX)).toBe(true);
    await finish();
  });

  test('a commit of what was not written, and of less than is committed', async () => {
    await begun.write(OTHER.subarray(0, 70_000));
    await expect(begun.commitTo(70_001)).rejects.toBeInstanceOf(RangeError);
    await begun.commitTo(70_000);
    await expect(begun.commitTo(69_999)).rejects.toBeInstanceOf(RangeError);
    expect(begun.builtBytes).toBe(70_000);
    await finish();
  });

  test('a commit while the one before is under way', async () => {
    await begun.write(OTHER.subarray(0, 70_000));
    const { durable } = await begun.startCommit(60_000);
    await expect(begun.startCommit(60_000)).rejects.toBeInstanceOf(TypeError);
    await durable;
    expect(begun.builtBytes).toBe(60_000);
    await finish();
  });

  test('two changes at once', async () => {
    const writing = begun.write(OTHER);
    await expect(begun.write(OTHER)).rejects.toThrow('one change at a time');
    await writing;
    await finish();
  });

  test('a swap without an index, of more data than are built, and of more index than there is', async () => {
    await begun.write(OTHER);
    await begun.commitTo(80_000);
    await begun.write(OTHER.subarray(80_000));
    const whole = positionOf(OTHER.length, OTHER_IDX.length, 1);
    await expect(begun.swapIn(whole, '')).rejects.toBeInstanceOf(TypeError);
    await begun.writeIndex(chunksOf(OTHER_IDX));
    await expect(begun.swapIn(whole, '')).rejects.toBeInstanceOf(RangeError);
    await expect(begun.swapIn(positionOf(80_000, 35, 1), '')).rejects.toBeInstanceOf(RangeError);
    expect(isEqual(await allOf(home.held!.dat), DAT)).toBe(true);
    await finish();
  });

  test('a read before the first byte, and one outside of the file', async () => {
    expect(await begun.idx.sizeBytes()).toBe(0);
    expect(await begun.idx.readAt(0, 100)).toEqual(new Uint8Array(0));
    await begun.writeIndex(chunksOf(OTHER_IDX));
    expect(() => begun.idx.readAt(-1, 1)).toThrow(RangeError);
    expect(() => begun.idx.readAt(0, -1)).toThrow(RangeError);
    await finish();
  });
});

test('after it was discarded it takes nothing more, and the next one begins from nothing', async () => {
  await begun.write(OTHER);
  await begun.commitTo(50_000);
  await begun.discard();
  expect(home.unfinished).toBeUndefined();
  await expect(begun.write(OTHER)).rejects.toMatchObject({ code: 'closed' });
  await expect(begun.discard()).rejects.toMatchObject({ code: 'closed' });
  begun = await home.beginBuild(targetOf(OTHER.length, OTHER_IDX.length, 1));
  expect(begun.builtBytes).toBe(0);
  await finish();
});

test('a closed home begins no build, and is closed once more without harm', async () => {
  await home.close();
  await home.close();
  await expect(home.beginBuild(targetOf(1, 17))).rejects.toMatchObject({ code: 'closed' });
  await expect(home.former()).resolves.toEqual([]);
});

test('the present state is held only where there is one', async () => {
  const fresh = createSimulatedEnvironment({ seed: 2 });
  fresh.disk.plant(`${DIRECTORY}/other`, new Uint8Array(0));
  const empty = await openVolumeHome(fresh, { directory: DIRECTORY, volume: VOLUME });
  await expect(empty.holdPresent('loss-guard')).rejects.toBeInstanceOf(TypeError);
  await empty.close();
});

describe('a disk that fails', () => {
  test('in a commit that is under way: the build ends, and what was durable before is taken up', async () => {
    await begun.write(OTHER.subarray(0, 40_000));
    await begun.commitTo(40_000);
    await begun.write(OTHER.subarray(40_000, 70_000));
    env.disk.inject(({ kind, path }) =>
      kind === 'sync-data' && path.endsWith(`${BASE}.dat`) ? 'disk-failed' : undefined,
    );
    const { durable } = await begun.startCommit(70_000);
    await expect(durable).rejects.toMatchObject({ code: 'disk-failed' });
    env.disk.inject(undefined);
    expect(begun).toMatchObject({ isFailed: true, builtBytes: 40_000 });
    await expect(begun.write(OTHER)).rejects.toMatchObject({ code: 'closed', remedy: 'retry' });
    await expectHeldAfterAll();
    begun = home.unfinished!;
    expect(begun.builtBytes).toBe(40_000);
    await finish();
  });

  test.each([
    ['its directory', 'make-directory'],
    ['its files', 'create'],
    ['its record', 'rename'],
  ])('where a build begins, at %s: the held one stays, and the next one begins', async (_, kind) => {
    env.disk.inject((operation) => (operation.kind === kind ? 'no-space' : undefined));
    await expect(home.beginBuild(targetOf(OTHER.length, 17, 2))).rejects.toMatchObject({ code: 'no-space' });
    env.disk.inject(undefined);
    await expectHeldAfterAll();
    begun = await home.beginBuild(targetOf(OTHER.length, OTHER_IDX.length, 1));
    await finish();
  });
});

describe('a record of a build that was damaged, or is of another time', () => {
  const RECORD = `${DIRECTORY}/.holdfast/${BASE}/2/build.json`;

  test.each([
    ['a version that there is not', '"version":3', '"version":4'],
    ['offsets of a width that there is not', '"offsetWidthBytes":5', '"offsetWidthBytes":6'],
    ['a flag that is a text', '"usesPool":true', '"usesPool":"yes"'],
    ['an anchor that is none', '"anchorBase64":""', '"anchorBase64":"?"'],
  ])('%s: it is given up, and the held one stays', async (_, found, replacement) => {
    await begun.write(OTHER);
    await begun.commitTo(OTHER.length);
    await home.close();
    const text = new TextDecoder().decode(env.disk.peek(RECORD));
    expect(text).toContain(found);
    const { content } = JSON.parse(text.replace(found, replacement)) as { content: unknown };
    const checksum = env.crc32c(new TextEncoder().encode(JSON.stringify(content)));
    const crc32c = checksum.toString(16).padStart(8, '0');
    env.disk.plant(RECORD, new TextEncoder().encode(`${JSON.stringify({ format: 1, crc32c, content })}\n`));
    home = await open();
    expect(home.unfinished).toBeUndefined();
    expect(isEqual(await allOf(home.held!.dat), DAT)).toBe(true);
    await home.close();
  });
});
