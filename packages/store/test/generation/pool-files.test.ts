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
const DAT = patterned(1, 5000);
const IDX = patterned(2, 170);
let env: SimulatedEnvironment;

beforeEach(() => {
  env = createSimulatedEnvironment({ seed: 1 });
  env.disk.plant(`${DIRECTORY}/other`, new Uint8Array(0));
});

const open = (): Promise<VolumeHome> => openVolumeHome(env, { directory: DIRECTORY, volume: VOLUME });

/** Begins a build of DAT as this revision and makes so much of it durable. */
async function begin(home: VolumeHome, revision: number, builtBytes: number): Promise<UnfinishedGeneration> {
  const begun = await home.beginBuild(targetOf(DAT.length, IDX.length, revision));
  await begun.writeIndex(chunksOf(IDX));
  await begun.write(DAT.subarray(0, builtBytes + 100));
  await begun.commitTo(builtBytes);
  return begun;
}

async function poolOf(home: VolumeHome) {
  const found: { kind: string; dat: Uint8Array; idx: Uint8Array | undefined }[] = [];
  for await (const { kind, dat, idx, close } of home.pool()) {
    found.push({ kind, dat: await allOf(dat), idx: idx === undefined ? undefined : await allOf(idx) });
    await close();
  }
  return found;
}

describe('what a build can take from', () => {
  test('unfinished, held, former from the newest on; committed bytes only', async () => {
    const home = await open();
    for (let revision = 0; revision < 3; revision++) {
      await build(home, patterned(revision, 1000 + revision), IDX, revision);
      await env.time.advance(1000);
    }
    await begin(home, 3, 4000);
    await begin(home, 4, 0);
    const pool = await poolOf(home);
    expect(pool.map(({ kind, dat }) => [kind, dat.length])).toEqual([
      ['unfinished', 4000],
      ['held', 1002],
      ['former', 1001],
      ['former', 1000],
    ]);
    expect(isEqual(pool[0]!.dat, DAT.subarray(0, 4000))).toBe(true);
    expect(isEqual(pool[3]!.dat, patterned(0, 1000))).toBe(true);
    for (const { idx } of pool) expect(isEqual(idx!, IDX)).toBe(true);
    await home.close();
  });

  test('foreign files, with an index or without', async () => {
    env.disk.plant(`${DIRECTORY}/${BASE}.dat`, DAT);
    const home = await open();
    expect(await poolOf(home)).toMatchObject([{ kind: 'foreign', idx: undefined }]);
    await home.close();
    env.disk.plant(`${DIRECTORY}/${BASE}.idx`, IDX);
    expect(await poolOf(await open())).toMatchObject([{ kind: 'foreign', dat: DAT, idx: IDX }]);
  });
});

describe('a build that another one supersedes', () => {
  test('stays until one is swapped in, over crashes too', async () => {
    await begin(await open(), 1, 4000);
    env.disk.crash('process');
    await begin(await open(), 2, 0);
    env.disk.crash('process');
    const home = await open();
    expect(home.unfinished?.target.revision).toBe(2);
    expect(home.superseded).toMatchObject({ builtBytes: 4000, target: { revision: 1 } });
    const { unfinished } = home;
    await unfinished!.write(DAT);
    await unfinished!.commitTo(DAT.length);
    await unfinished!.swapIn(positionOf(DAT.length, IDX.length, 2), vifOf(2));
    expect(home).toMatchObject({ unfinished: undefined, superseded: undefined });
    await home.close();
    expect(env.disk.files().filter((path) => path.endsWith('/build.json'))).toEqual([]);
  });

  test('of two the one with more stays, and one without an index does not', async () => {
    const home = await open();
    await begin(home, 1, 3000);
    await begin(home, 2, 2000);
    await begin(home, 3, 4000);
    expect(home.superseded?.target.revision).toBe(1);
    await home.beginBuild(targetOf(10, 17, 4));
    expect(home.superseded?.target.revision).toBe(3);
    await begin(home, 5, 100);
    expect(home.superseded?.target.revision).toBe(3);
    await home.close();
    const again = await open();
    expect(again.unfinished?.target.revision).toBe(5);
    expect(again.superseded?.target.revision).toBe(3);
    await again.close();
  });
});
