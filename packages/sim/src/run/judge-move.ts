import type { SyncReport } from '@holdfast/follower';
import { Violation } from '../oracles/violation.js';
import type { Reported, SimulatedWorld } from '../world/simulated-world.js';
import { count } from './figures.js';

/**
 * Another server's copy is followed only where the pinned one no longer has the volume, or has been out of reach for as long
 * as it is waited for; and then the one that has most.
 */
export function judgeMove(
  world: SimulatedWorld,
  { id, server, reason }: SyncReport,
  former: Reported,
  isUndisturbed: boolean,
): void {
  const pinned = former.report.server;
  if (server === pinned || world.hasRotted) return;
  // Where a disk gives nothing of what is held, nobody's copy is.
  if (!isUndisturbed && reason.startsWith('nothing is held')) return;
  count(world.figures, 'moves to another leader copy');
  if (world.hasClockStepped) return;
  judgeWait(world, id, pinned);
  if (isUndisturbed && former.generation === world.generationsAtStart.get(id))
    judgeChoice(world, id, pinned, server);
}

function judgeWait(world: SimulatedWorld, volumeId: number, pinned: string): void {
  const { cluster, schedule, scheduler, troubledSinceMs } = world;
  const { failoverAfterMs = null } = schedule.world;
  if (world.vanished.has(volumeId) || !cluster.has(pinned, volumeId)) return;
  const sinceMs = troubledSinceMs.get(volumeId);
  const waitedMs = sinceMs === undefined ? 0 : scheduler.time.clock.nowMs() - sinceMs;
  if (failoverAfterMs !== null && waitedMs >= failoverAfterMs) return;
  throw new Violation(
    'failover',
    `volume ${volumeId}: ${pinned} to be waited for ${failoverAfterMs ?? 'for ever'}`,
    `another copy after ${waitedMs} ms`,
  );
}

function judgeChoice(
  { cluster, log }: SimulatedWorld,
  volumeId: number,
  pinned: string,
  server: string,
): void {
  const tails = cluster.leaders
    .map(({ serverName }) => serverName)
    .filter((name) => name !== pinned && cluster.isUp(name) && cluster.has(name, volumeId))
    .map((name) => ({ name, state: log.statesOf(volumeId, name).at(-1)! }))
    .filter(({ state }) => !state.isClosed)
    .map(({ name, state }) => ({ name, tail: Math.ceil(state.dat.length / 8) }));
  const highest = Math.max(...tails.map(({ tail }) => tail));
  const chosen = tails.find(({ name }) => name === server);
  if (chosen !== undefined && chosen.tail < highest)
    throw new Violation(
      'failover',
      `volume ${volumeId}: the copy with the highest tail`,
      tails.map(({ name, tail }) => `${name} at ${8 * tail}`).join(', '),
    );
}
