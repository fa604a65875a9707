import { ensureFree, StoreError } from '@holdfast/store';
import type { VolumeRun } from './run.js';

/**
 * Sees to it that `neededBytes` can be written with the policy's share of the disk kept free. Where they cannot,
 * former generations that are neither held for an operator nor among the last are given up first, however young.
 * Error: `no-space`.
 */
export async function makeRoom(run: VolumeRun, neededBytes: number): Promise<void> {
  const { env, directory, home, policy } = run;
  try {
    await ensureFree(env, directory, neededBytes, policy.minFreeBytes);
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'no-space') throw error;
    await home.prune({ ...policy, keepForMs: 0 }, env.clock.nowMs());
    await ensureFree(env, directory, neededBytes, policy.minFreeBytes);
  }
}
