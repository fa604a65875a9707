import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openGenerationReader } from '../../src/generation/generation-reader.js';
import { listKeptGenerations } from '../../src/generation/kept-generations.js';
import { listVolumeHomes } from '../../src/generation/list-volume-homes.js';
import { openVolumeHome } from '../../src/generation/open-volume-home.js';
import { nodeStoreEnvironment } from '../../src/node/index.js';
import {
  allOf,
  append,
  BASE,
  build,
  collect,
  isEqual,
  joined,
  patterned,
  VOLUME,
  vifOf,
} from './home-kit.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-home-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

test('on a real disk: build, append, reopen, build again, go back', async () => {
  const env = nodeStoreEnvironment();
  const first = patterned(1, 200_000);
  const firstIdx = patterned(2, 170);
  const more = patterned(3, 70_008);
  const moreIdx = patterned(4, 17);

  let home = await openVolumeHome(env, { directory, volume: VOLUME });
  expect(home.recovery).toEqual({ swap: 'none', cutBytes: 0, strays: [], notHeld: 'no-files' });
  await append(await build(home, first, firstIdx), more, moreIdx);
  await home.close();

  const dat = joined(first, more);
  expect((await readFile(join(directory, `${BASE}.dat`))).equals(dat)).toBe(true);
  expect(new Uint8Array(await readFile(join(directory, `${BASE}.idx`)))).toEqual(joined(firstIdx, moreIdx));
  expect(await readFile(join(directory, `${BASE}.vif`), 'utf8')).toBe(vifOf(0));
  expect((await readdir(join(directory, '.holdfast', BASE))).sort()).toEqual(['1', 'current']);
  expect(await listVolumeHomes(env, directory)).toEqual([VOLUME]);

  home = await openVolumeHome(env, { directory, volume: VOLUME });
  expect(home.recovery).toEqual({ swap: 'none', cutBytes: 0, strays: [], notHeld: null });
  expect(isEqual(await allOf(home.held!.dat), dat)).toBe(true);
  const second = patterned(5, 100_000);
  await build(home, second, firstIdx, 1);
  expect(isEqual(await allOf(home.held!.dat), second)).toBe(true);
  expect(await home.former()).toMatchObject([
    { id: 1, position: { datSizeBytes: dat.length }, heldFor: null },
  ]);
  await home.close();

  const former = await openGenerationReader(env, { directory, volume: VOLUME, generation: 1 });
  expect(isEqual(await allOf(former.dat), dat)).toBe(true);
  expect(await collect(former.checkDigests())).toEqual([]);
  expect((await collect(former.history())).map((line) => line.datSizeBytes)).toEqual([200_000, 270_008]);
  await former.close();
});

// A rejection that nobody awaits yet ends the process: vitest tells of one.
test('a generation that does not say when it was replaced is listed all the same', async () => {
  const env = nodeStoreEnvironment();
  const home = await openVolumeHome(env, { directory, volume: VOLUME });
  for (const revision of [0, 1]) await build(home, patterned(revision, 1000), patterned(2, 170), revision);
  await home.hold(1, 'loss-guard');
  await home.close();
  await writeFile(join(directory, '.holdfast', BASE, '1', 'former.json'), Uint8Array.of(0xff));
  expect(await listKeptGenerations(env, { directory, volume: VOLUME })).toEqual([
    { id: 1, isCurrent: false, replacedAtMs: null, heldFor: 'loss-guard' },
    { id: 2, isCurrent: true, replacedAtMs: null, heldFor: null },
  ]);
});
