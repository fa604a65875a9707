import { Violation } from '../oracles/violation.js';
import { homeOf, nameOf, type SimulatedWorld } from '../world/simulated-world.js';
import { runFollower } from './run-follower.js';
import { happenToLeader } from './run-operation.js';

/** Faults have stopped, and so has the leader: so many runs at most, each of them bounded in virtual time. */
const RUNS_MAX = 3;

/** Long enough for a sweep, a proof that is due, and the pauses after failures before. */
const FOLLOW_MS = 30_000;

/** One of a few runs, or the continuous follower in time, proves every volume equal, and a further run moves nothing. */
export async function judgeConvergence(world: SimulatedWorld): Promise<void> {
  await bringUp(world);
  if (world.schedule.seed % 4 === 0 && waitMs(world) <= FOLLOW_MS)
    await runFollower(world, { do: 'follow', seed: 1, forMs: FOLLOW_MS + 2 * waitMs(world), moments: [] });
  else await backupUntilProved(world);
  if (!world.isTrusted) return;
  for (const [volumeId, reports] of world.reported) {
    const last = reports.at(-1);
    if (!isListed(world, volumeId)) continue;
    const server = last?.report.server ?? '';
    const state = world.log.statesOf(volumeId, server).at(-1);
    if (state === undefined || !world.cluster.has(server, volumeId))
      throw new Violation(
        'convergence',
        `volume ${volumeId}: a copy of one that there is`,
        `that of ${server}`,
      );
    const isCurrent = last?.report.revision === state.revision && last.idx.length === state.idx.length;
    if (!isCurrent)
      throw new Violation(
        'convergence',
        `volume ${volumeId}: at the leader's tail`,
        `${last?.dat.length} of ${state.dat.length} bytes`,
      );
  }
  const gone = world.schedule.world.volumeIds.filter((id) => mustGo(world, id));
  await judgeIdle(world);
  for (const volumeId of gone) judgeGone(world, volumeId);
  judgePruned(world);
}

/** All servers come back, but for one that the others have to stand in for. */
async function bringUp(world: SimulatedWorld): Promise<void> {
  const { cluster, schedule } = world;
  const away = schedule.seed % 2 === 0 ? spareServer(world) : undefined;
  for (const [server, { serverName }] of cluster.leaders.entries())
    if (serverName !== away) await happenToLeader(world, { do: 'restart-leader', server });
}

/** One that is away, though others have all its volumes and may be moved to. */
function spareServer({ cluster, schedule }: SimulatedWorld): string | undefined {
  const { failoverAfterMs = null, volumeIds } = schedule.world;
  if (failoverAfterMs === null) return undefined;
  const names = cluster.leaders.map(({ serverName }) => serverName);
  return names.find(
    (name) =>
      !cluster.isUp(name) &&
      volumeIds.every((id) => names.some((other) => other !== name && cluster.has(other, id))),
  );
}

function waitMs({ schedule }: SimulatedWorld): number {
  return schedule.world.failoverAfterMs ?? 0;
}

function isListed({ cluster }: SimulatedWorld, volumeId: number): boolean {
  return cluster.leaders.some(
    ({ serverName }) => cluster.isUp(serverName) && cluster.has(serverName, volumeId),
  );
}

/** Nothing is kept longer than it has to be. */
function judgePruned(world: SimulatedWorld): void {
  for (const volumeId of world.schedule.world.volumeIds) {
    if (!isListed(world, volumeId)) continue;
    const left = world.retention.overdue(nameOf(world, volumeId));
    if (left !== undefined)
      throw new Violation(
        'retention',
        `volume ${volumeId}: nothing that no rule keeps`,
        `generation ${left.id}`,
      );
  }
}

/** Whether the next run has to remove the volume, or what is left of it: a crash can bring back what had been removed. */
function mustGo(world: SimulatedWorld, volumeId: number): boolean {
  const name = nameOf(world, volumeId);
  if (isListed(world, volumeId)) return false;
  const isCutShort = world.retention.hasLeft(name) && homeOf(world, volumeId).present() === undefined;
  return world.absences.isKnownOver(name) || isCutShort;
}

/** What has been gone for long enough is gone here too, whatever has cut its removal short. */
function judgeGone(world: SimulatedWorld, volumeId: number): void {
  const left = homeOf(world, volumeId).files();
  const isWaitedFor = left.some((path) => path.endsWith('/hold.json') || path.includes('/strays/'));
  if (!isWaitedFor && left.length > 0)
    throw new Violation('retention', `volume ${volumeId}: nothing left of it`, left.join(', '));
}

async function backupUntilProved(world: SimulatedWorld): Promise<void> {
  for (let run = 1; run <= RUNS_MAX; run++) {
    const reports = await runFollower(world, { do: 'backup', seed: run, moments: [] });
    if (reports?.every(({ ok }) => ok)) return;
    await world.scheduler.time.advance(waitMs(world));
  }
  throw new Violation(
    'convergence',
    `every volume to be proved within ${RUNS_MAX} runs`,
    world.trace.lines.at(-1) ?? '',
  );
}

/** The leader is idle: another run has nothing to do, and touches neither data nor index. */
async function judgeIdle(world: SimulatedWorld): Promise<void> {
  const { disk } = world.machine;
  disk.forget();
  const reports = await runFollower(world, { do: 'backup', seed: RUNS_MAX + 1, moments: [] });
  for (const report of reports ?? [])
    if (report.outcome !== 'idle')
      throw new Violation(
        'convergence',
        `volume ${report.id}: nothing to do on an idle leader`,
        `${report.outcome}: ${report.reason}`,
      );
  const change = disk.operations.find(({ path, to }) => /^\/copy\/[^/]+\.(dat|idx)$/.test(to ?? path));
  if (change !== undefined)
    throw new Violation(
      'convergence',
      'files that an idle run leaves alone',
      `${change.kind} of ${change.path}`,
    );
}
