import type { SyncReport } from '@holdfast/follower';
import { isStoreError, lockDirectory } from '@holdfast/store';
import type { CrashKind, DiskAccess, SimulatedProcess } from '@holdfast/testkit';
import { Violation } from '../oracles/violation.js';
import type { Operation } from '../schedule/schedule.js';
import { backup, DIRECTORY, type FollowerRun, follow, release } from '../world/follower-runs.js';
import { homeOf, type SimulatedWorld } from '../world/simulated-world.js';
import { describeError, isTypedError } from './describe-error.js';
import { count } from './figures.js';
import { judgeKept } from './judge-kept.js';
import { judgeRecovery } from './judge-recovery.js';
import { judgeReport } from './judge-report.js';
import { judgeVanished, noteListing } from './judge-vanished.js';
import { judgeWaits } from './judge-waits.js';
import { createMoments } from './moments.js';

/** Virtual time that one run may take, stalls and all. */
const RUN_LIMIT_MS = 4 * 3600 * 1000;

export type FollowerOperation = Operation & { readonly do: 'backup' | 'follow' | 'release' };

const KIND_OF_RUN = { backup: 'syncs', follow: 'follows', release: 'releases begun' } as const;

/** The follower's machine stops. */
export function crash(world: SimulatedWorld, kind: CrashKind): void {
  count(world.figures, `crashes: ${kind}`);
  world.machine.crash(kind);
  world.network.dropConnections();
}

/** One process of a follower, whatever happens during it, and what is left of it. Gives its reports if it ended well. */
export async function runFollower(
  world: SimulatedWorld,
  operation: FollowerOperation,
): Promise<readonly SyncReport[] | undefined> {
  const { scheduler, schedule, figures, log, machine, cluster, retention, trace } = world;
  count(figures, KIND_OF_RUN[operation.do]);
  scheduler.reseed(operation.seed, schedule.world.queuedShare);
  const wasTrusted = world.isTrusted;
  const seconds: SimulatedProcess[] = [];
  let hasLock = false;
  let violation: unknown;
  const fail = (error: unknown): void => {
    violation ??= error;
    scheduler.stop();
  };
  const attempt = (judge: () => void): void => {
    try {
      judge();
    } catch (error) {
      fail(error);
    }
  };
  const moments = createMoments(world, operation.moments, {
    crash(kind) {
      crash(world, kind);
      // The dead have no lock, whatever else happens at the same moment.
      hasLock = false;
      scheduler.stop();
    },
    async secondFollower() {
      if (!hasLock) return;
      const second = machine.startProcess();
      seconds.push(second);
      const isRefused = await isDirectoryLocked(second).catch(fail);
      // The first may have given up the lock while the second tried to have it.
      if (isRefused === false && hasLock)
        fail(new Violation('exclusive', 'a second follower to be refused', 'it has the lock too'));
      second.kill();
    },
    fail,
  });
  const onAccess = (access: DiskAccess) => {
    attempt(() => retention.onAccess(access));
    return moments.onAccess(access);
  };
  const process = machine.startProcess({ onAccess });
  const startedAt = log.mark();
  for (const id of schedule.world.volumeIds) world.generationsAtStart.set(id, homeOf(world, id).comingId());
  const list = cluster.masterFor(process);
  const isCounted = operation.do === 'backup' && (schedule.world.provesIndex ?? true);
  const reports: SyncReport[] = [];
  const run: FollowerRun = {
    world: schedule.world,
    env: world.sabotage(process.env),
    timers: process.timers,
    list: () => noteListing(world, list()),
    onVanished: (vanished) => attempt(() => judgeVanished(world, vanished)),
    onLock(isHeld) {
      hasLock = isHeld;
    },
    async onReport(report) {
      await cluster.settled().catch(fail);
      attempt(() => {
        log.look();
        const { wasDisturbed } = moments;
        judgeReport(world, report, { startedAt, isCounted, wasDisturbed });
        reports.push(report);
      });
    },
  };
  world.watch = moments;
  const startedAtMs = scheduler.time.clock.monotonicMs();
  const end = await scheduler.run(async () => {
    // A change of the leader that was under way when the process before crashed ends without it.
    await cluster.settled();
    if (operation.do === 'backup') await backup(run);
    else if (operation.do === 'follow') await follow(run, operation.forMs);
    else await release(run, { volumeId: operation.volume, collection: schedule.world.collection ?? '' });
  }, RUN_LIMIT_MS);
  world.watch = undefined;
  world.crafted.end();
  trace.note(`${end.kind} after ${moments.accesses} accesses and ${moments.messages} messages`);
  if (violation !== undefined) throw violation;
  if (end.kind === 'stuck' || end.kind === 'overdue')
    throw new Violation('bounded', `a run to end within ${RUN_LIMIT_MS} ms`, end.kind);
  if (operation.do === 'backup' && !moments.wasDisturbed) judgeWaits(world, startedAtMs);
  world.absences.settle(end.kind === 'done');
  if (end.kind === 'failed') {
    trace.note(`failed: ${describeError(end.error).split('\n')[0]}`);
    if (!isTypedError(end.error))
      throw new Violation('typed errors', 'a typed error', describeError(end.error));
    if (!moments.wasDisturbed && world.isTrusted && schedule.world.capacityBytes === null)
      throw new Violation('honest', 'a run that nothing disturbs to be done', describeError(end.error));
  }
  for (const { kill } of [process, ...seconds]) kill();
  world.network.dropConnections();
  if (wasTrusted && !world.isTrusted) judgeKept(world);
  // What succeeded has been judged; what failed must have left what was there before.
  const hasSucceeded = end.kind === 'done' && reports.every(({ outcome }) => outcome !== 'failed');
  // Every other time the next run recovers, and whatever happens to it happens to the recovery.
  if (!hasSucceeded && operation.seed % 2 === 0) await judgeRecovery(world);
  return end.kind === 'done' ? reports : undefined;
}

/** Of two followers on one directory one works, and the other ends at once. */
async function isDirectoryLocked({ env }: SimulatedProcess): Promise<boolean> {
  try {
    await lockDirectory(env, DIRECTORY);
    return false;
  } catch (error) {
    if (isStoreError(error, 'locked')) return true;
    throw error;
  }
}
