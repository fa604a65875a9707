import { ensureFree, isStoreError, type UnfinishedGeneration } from '@holdfast/store';
import type { VolumeRun } from './run.js';

/**
 * Sees to it that `neededBytes` can be written with the policy's share of the disk kept free. Where they cannot,
 * what builds left unfinished is given up, but for `goesOn`; then former generations that are neither held for an operator
 * nor among the last, the oldest before the others, however young, and no more of them than it takes. Error: `no-space`.
 */
export async function makeRoom(
  run: VolumeRun,
  neededBytes: number,
  goesOn?: UnfinishedGeneration,
): Promise<void> {
  const { env, directory, policy } = run;
  for (;;) {
    try {
      return await ensureFree(env, directory, neededBytes, policy.minFreeBytes);
    } catch (error) {
      if (!isStoreError(error, 'no-space')) throw error;
      if (!(await discardUnfinished(run, goesOn)) && !(await pruneOldest(run))) throw error;
    }
  }
}

/** Whether there was one. */
async function discardUnfinished(
  { home }: VolumeRun,
  goesOn: UnfinishedGeneration | undefined,
): Promise<boolean> {
  const { superseded, unfinished } = home;
  const left = superseded ?? (unfinished === goesOn ? undefined : unfinished);
  await left?.discard();
  return left !== undefined;
}

/** Whether there was one. */
async function pruneOldest({ env, home, policy }: VolumeRun): Promise<boolean> {
  const { keepGenerations } = policy;
  const former = await home.former();
  const oldest = former.slice(keepGenerations).findLast(({ heldFor }) => heldFor === null);
  if (oldest === undefined) return false;
  const nowMs = env.clock.nowMs();
  const removed = await home.prune({ keepGenerations, keepForMs: nowMs - oldest.replacedAtMs }, nowMs);
  return removed.length > 0;
}
