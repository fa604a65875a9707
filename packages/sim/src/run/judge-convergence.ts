import { Violation } from '../oracles/violation.js';
import type { SimulatedWorld } from '../world/simulated-world.js';
import { runFollower } from './run-follower.js';
import { happenToLeader } from './run-operation.js';

/** Faults have stopped, and so has the leader: so many runs at most, each of them bounded in virtual time. */
const RUNS_MAX = 3;

/** Long enough for a sweep, a proof that is due, and the pauses after failures before. */
const FOLLOW_MS = 30_000;

/** One of a few runs, or the continuous follower in time, proves every volume equal, and a further run moves nothing. */
export async function judgeConvergence(world: SimulatedWorld): Promise<void> {
  await happenToLeader(world, { do: 'restart-leader' });
  if (world.schedule.seed % 4 === 0)
    await runFollower(world, { do: 'follow', seed: 1, forMs: FOLLOW_MS, moments: [] });
  else await backupUntilProved(world);
  if (!world.isTrusted) return;
  for (const [volumeId, reports] of world.reported) {
    const state = world.log.statesOf(volumeId).at(-1);
    const last = reports.at(-1);
    if (state === undefined) continue;
    const isCurrent = last?.report.revision === state.revision && last.idx.length === state.idx.length;
    if (!isCurrent)
      throw new Violation(
        'convergence',
        `volume ${volumeId}: at the leader's tail`,
        `${last?.dat.length} of ${state.dat.length} bytes`,
      );
  }
  await judgeIdle(world);
}

async function backupUntilProved(world: SimulatedWorld): Promise<void> {
  for (let run = 1; run <= RUNS_MAX; run++) {
    const reports = await runFollower(world, { do: 'backup', seed: run, moments: [] });
    if (reports?.every(({ ok }) => ok)) return;
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
  const change = disk.operations.find(({ path, to }) => /^\/copy\/[0-9]+\.(dat|idx)$/.test(to ?? path));
  if (change !== undefined)
    throw new Violation(
      'convergence',
      'files that an idle run leaves alone',
      `${change.kind} of ${change.path}`,
    );
}
