import { createSimulatedEnvironment, type SimulatedEnvironment } from '@holdfast/testkit';
import { expect } from 'vitest';
import { openVolumeHome } from '../../src/generation/open-volume-home.js';
import type { VolumeHome } from '../../src/generation/volume-home.js';
import { allOf, BASE, build, isEqual, patterned, VOLUME } from './home-kit.js';

export const DIRECTORY = '/data';
export const DAT_PATH = `${DIRECTORY}/${BASE}.dat`;
export const IDX_PATH = `${DIRECTORY}/${BASE}.idx`;
export const HOME_PATH = `${DIRECTORY}/.holdfast/${BASE}`;
/** What is held. */
export const DAT = patterned(1, 200_000);
export const IDX = patterned(2, 170);
/** What comes next. */
export const MORE = patterned(3, 70_000);
export const MORE_IDX = patterned(4, 17);

/** A home with one generation, closed, on a simulated disk. */
export interface HeldHome {
  readonly env: SimulatedEnvironment;
  open(takeOver?: boolean): Promise<VolumeHome>;
  /** The home holds these bytes, and the file in DIR has them. */
  expectHeld(home: VolumeHome, dat: Uint8Array): Promise<void>;
}

export async function createHeldHome(seed = 1): Promise<HeldHome> {
  const env = createSimulatedEnvironment({ seed });
  env.disk.plant(`${DIRECTORY}/other`, new Uint8Array(0));
  const open = (takeOver = false) => openVolumeHome(env, { directory: DIRECTORY, volume: VOLUME, takeOver });
  const home = await open();
  await build(home, DAT, IDX);
  await home.close();
  return {
    env,
    open,
    async expectHeld(held, dat) {
      expect(held.recovery.notHeld).toBeNull();
      expect(isEqual(await allOf(held.held!.dat), dat)).toBe(true);
      expect(isEqual(env.disk.peek(DAT_PATH), dat)).toBe(true);
    },
  };
}
