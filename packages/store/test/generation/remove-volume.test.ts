import { createSimulatedEnvironment, type SimulatedEnvironment } from '@holdfast/testkit';
import { expect, test } from 'vitest';
import { openVolumeHome } from '../../src/generation/open-volume-home.js';
import { removeVolume } from '../../src/index.js';
import { BASE, build, patterned, VOLUME } from './home-kit.js';

const DIRECTORY = '/data';
const OTHER = `${DIRECTORY}/pictures_71.dat`;
const OPTIONS = { directory: DIRECTORY, volume: VOLUME, assertLocked: async () => undefined };

/** Two generations of a volume, beside another's file. */
async function createVolume(isHeld = false): Promise<SimulatedEnvironment> {
  const env = createSimulatedEnvironment({ seed: 1 });
  env.disk.plant(OTHER, new Uint8Array(1));
  const home = await openVolumeHome(env, OPTIONS);
  for (const revision of [0, 1]) await build(home, patterned(revision, 1000), patterned(9, 170), revision);
  if (isHeld) await home.hold(1, 'loss-guard');
  await home.close();
  return env;
}

const own = (env: SimulatedEnvironment) => env.disk.files().filter((path) => path !== OTHER);

test('the volume goes with everything that was kept of it, and nothing else does', async () => {
  const env = await createVolume();
  expect(await removeVolume(env, OPTIONS)).toBe('removed');
  env.disk.crash('nothing');
  expect(own(env)).toEqual([]);
  expect(env.disk.files()).toEqual([OTHER]);
});

test('nothing goes while a generation is held', async () => {
  const env = await createVolume(true);
  const before = own(env);
  expect(await removeVolume(env, OPTIONS)).toBe('held');
  expect(own(env)).toEqual(before);
});

test('nothing goes where the lock is lost', async () => {
  const env = await createVolume();
  const before = own(env);
  const assertLocked = async () => {
    throw new Error('lost');
  };
  await expect(removeVolume(env, { ...OPTIONS, assertLocked })).rejects.toThrow('lost');
  expect(own(env)).toEqual(before);
});

test('stopped anywhere, it can be called again; the volume can also be built again', async () => {
  const { operations } = (await createVolume()).disk;
  const startCount = operations.length;
  const whole = await createVolume();
  await removeVolume(whole, OPTIONS);
  const steps = whole.disk.operations.length - startCount;
  expect(steps).toBeGreaterThan(10);
  for (let step = 0; step < steps; step++) {
    const env = await createVolume();
    env.disk.crashAfter(step);
    await expect(removeVolume(env, OPTIONS)).rejects.toMatchObject({ code: 'disk-failed' });
    env.disk.crash();
    if (step % 2 === 0) {
      expect(await removeVolume(env, OPTIONS)).toBe('removed');
      expect(own(env)).toEqual([]);
    } else {
      const home = await openVolumeHome(env, OPTIONS);
      await build(home, patterned(5, 500), patterned(9, 170), 2);
      await home.close();
      expect(env.disk.peek(`${DIRECTORY}/${BASE}.dat`)).toHaveLength(500);
    }
  }
});
