import { createSimulatedEnvironment, type SimulatedEnvironment } from '@holdfast/testkit';
import { expect, test } from 'vitest';
import { detachVolume, isFollowing } from '../../src/generation/detach-volume.js';
import { openGenerationReader } from '../../src/generation/generation-reader.js';
import { openVolumeHome } from '../../src/generation/open-volume-home.js';
import { allOf, BASE, build, collect, isEqual, patterned, VOLUME } from './home-kit.js';

const WHERE = { directory: '/data', volume: VOLUME };
const DAT = patterned(1, 150_000);
const IDX = patterned(2, 170);
const CRASHES = ['power', 'nothing', 'everything', 'process'] as const;

async function followed(seed: number): Promise<SimulatedEnvironment> {
  const env = createSimulatedEnvironment({ seed });
  env.disk.plant('/data/other', new Uint8Array(0));
  const home = await openVolumeHome(env, WHERE);
  await build(home, DAT, IDX);
  await home.close();
  return env;
}

const detach = (env: SimulatedEnvironment) => detachVolume(env, { ...WHERE, assertLocked: async () => {} });

/** The generation, as it was, whatever became of the files in DIR. */
async function expectKept(env: SimulatedEnvironment): Promise<void> {
  const reader = await openGenerationReader(env, { ...WHERE, generation: 1 });
  expect(isEqual(await allOf(reader.dat), DAT)).toBe(true);
  expect(isEqual(await allOf(reader.idx), IDX)).toBe(true);
  expect(await collect(reader.checkDigests())).toEqual([]);
  await reader.close();
}

test('the files stay, as a pool; the generation stays, as a former one, when they are replaced', async () => {
  const env = await followed(1);
  expect(await isFollowing(env, WHERE)).toBe(true);
  expect(await detach(env)).toBe(true);
  expect(await isFollowing(env, WHERE)).toBe(false);
  const home = await openVolumeHome(env, WHERE);
  expect(home.held).toBeUndefined();
  expect(isEqual(await allOf(home.foreign!.dat), DAT)).toBe(true);
  expect(await home.former()).toMatchObject([{ id: 1, position: { datSizeBytes: DAT.length } }]);
  await home.close();
  env.disk.plant(`/data/${BASE}.new`, patterned(5, 100));
  await env.disk.rename(`/data/${BASE}.new`, `/data/${BASE}.dat`);
  await expectKept(env);
  const again = await openVolumeHome(env, WHERE);
  await build(again, patterned(6, 300), IDX, 1);
  expect((await again.former()).map(({ id, position }) => [id, position === null])).toContainEqual([
    1,
    false,
  ]);
  await again.close();
  await expectKept(env);
});

test('what follows no leader is let alone', async () => {
  const env = createSimulatedEnvironment({ seed: 1 });
  env.disk.plant(`/data/${BASE}.dat`, DAT);
  expect(await detach(env)).toBe(false);
  expect(isEqual(env.disk.peek(`/data/${BASE}.dat`), DAT)).toBe(true);
});

test('a crash before any operation leaves it held, or let go and kept; a second call ends it', async () => {
  const seen = new Set<boolean>();
  for (const kind of CRASHES) {
    for (let operations = 0, hasFinished = false; !hasFinished; operations++) {
      const env = await followed(operations);
      env.disk.crashAfter(operations);
      hasFinished = await detach(env).then(
        () => true,
        () => false,
      );
      env.disk.crash(kind);
      const home = await openVolumeHome(env, WHERE);
      const isHeld = home.held !== undefined;
      seen.add(isHeld);
      if (!isHeld) expect(await home.former()).toMatchObject([{ id: 1 }]);
      await home.close();
      await expectKept(env);
      expect(await detach(env)).toBe(isHeld);
      await expectKept(env);
    }
  }
  expect(seen).toEqual(new Set([true, false]));
});
