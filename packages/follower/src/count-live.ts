import type { HeldGeneration } from '@holdfast/store';
import { liveDamage } from './live-damage.js';
import { isCountOwed, isLossTooGreat, withLiveNeedles } from './loss-guard.js';
import { readLive } from './read-live.js';
import type { VolumeRun } from './run.js';

/** Counts the live needles exactly: how many there are, which damage still matters, whether too many are gone. */
export async function countLive(
  { home, policy }: Pick<VolumeRun, 'home' | 'policy'>,
  held: HeldGeneration,
): Promise<void> {
  const live = await readLive(held);
  const leaderDamage = liveDamage(held.position.leaderDamage, live);
  const next = { ...withLiveNeedles(held.position, live.count), leaderDamage };
  const isFresh =
    !isCountOwed(held.position) &&
    next.liveNeedles === held.position.liveNeedles &&
    next.greatestLiveNeedles === held.position.greatestLiveNeedles &&
    leaderDamage.length === held.position.leaderDamage.length;
  if (isLossTooGreat(next, policy.maxLoss)) await home.holdPresent('loss-guard');
  if (!isFresh) await held.notePosition(next);
}

/** Counts what an earlier run, or attempt, appended and did not come to count before it was cut short. */
export async function countOwed(
  run: Pick<VolumeRun, 'home' | 'policy'>,
  held: HeldGeneration,
): Promise<void> {
  if (isCountOwed(held.position)) await countLive(run, held);
}
