import { Violation } from '../oracles/violation.js';
import type { LeaderEvent, Operation } from '../schedule/schedule.js';
import type { SimulatedWorld } from '../world/simulated-world.js';
import { count } from './figures.js';
import { judgeRecovery } from './judge-recovery.js';
import { judgeRestore } from './judge-restore.js';
import { judgeVerification, rot } from './judge-verification.js';
import { applyToLeader } from './moments.js';
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
      world.hasClockStepped = true;
      scheduler.time.stepWallClock(operation.byMs);
      return;
    default:
      await happenToLeader(world, operation);
  }
}

/** Something happens to the leader while no follower runs. */
export async function happenToLeader(world: SimulatedWorld, event: LeaderEvent): Promise<void> {
  world.scheduler.reseed(0, 0);
  const end = await world.scheduler.run(() => applyToLeader(world, event), EVENT_LIMIT_MS);
  if (end.kind === 'failed') throw end.error;
  if (end.kind !== 'done') throw new Violation('leader: bounded', `${event.do} to end`, end.kind);
}
