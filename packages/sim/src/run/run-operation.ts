import { Violation } from '../oracles/violation.js';
import type { LeaderEvent, Operation } from '../schedule/schedule.js';
import { homeOf, nameOf, type SimulatedWorld } from '../world/simulated-world.js';
import { count } from './figures.js';
import { judgeRelease } from './judge-loss-guard.js';
import { judgeRecovery } from './judge-recovery.js';
import { judgeRestore } from './judge-restore.js';
import { judgeVerification, rot } from './judge-verification.js';
import { applyToLeader, stepClock } from './moments.js';
import { crash, runFollower } from './run-follower.js';

/** Between two operations, so that each has an instant of its own. */
export const PAUSE_MS = 1500;
/** Virtual time that one change of the leader may take. */
const EVENT_LIMIT_MS = 600_000;

export async function runOperation(world: SimulatedWorld, operation: Operation): Promise<void> {
  const { scheduler } = world;
  count(world.figures, 'operations');
  await scheduler.time.advance(PAUSE_MS);
  switch (operation.do) {
    case 'backup':
    case 'follow':
      await runFollower(world, operation);
      return;
    case 'restore':
      return await judgeRestore(world, operation);
    case 'rot':
      return await rot(world, operation);
    case 'verify':
      // What has rotted may have been mended by a run that ended before it could say so.
      if (!world.rotten.has(operation.volume)) await judgeVerification(world, operation.volume);
      return;
    case 'crash':
      crash(world, operation.kind);
      return await judgeRecovery(world);
    case 'step-clock':
      return stepClock(world, operation.byMs);
    case 'release':
      return await runRelease(world, operation);
    case 'wait':
      await scheduler.time.advance(operation.forMs);
      return;
    default:
      await happenToLeader(world, operation);
  }
}

/** An operator releases a volume that is followed; where that was cut short, nothing is known of the guard's measure. */
async function runRelease(
  world: SimulatedWorld,
  operation: Operation & { readonly do: 'release' },
): Promise<void> {
  const { volume } = operation;
  if (homeOf(world, volume).currentId() === undefined) return;
  world.losses.get(volume)?.forget();
  world.retention.releasing = nameOf(world, volume);
  const ended = await runFollower(world, operation);
  world.retention.releasing = undefined;
  if (ended !== undefined) judgeRelease(world, volume);
}

/** Something happens to the leader while no follower runs. */
export async function happenToLeader(world: SimulatedWorld, event: LeaderEvent): Promise<void> {
  world.scheduler.reseed(0, 0);
  const end = await world.scheduler.run(() => applyToLeader(world, event), EVENT_LIMIT_MS);
  if (end.kind === 'failed') throw end.error;
  if (end.kind !== 'done') throw new Violation('leader: bounded', `${event.do} to end`, end.kind);
}
