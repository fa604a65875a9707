import { Violation } from '../oracles/violation.js';
import type { SimulatedWorld } from '../world/simulated-world.js';
import { happenToLeader, runBackup } from './run-operation.js';

/** Faults have stopped, and so has the leader: so many runs at most, each of them bounded in virtual time. */
const RUNS_MAX = 3;

/** One of a few runs proves every volume equal, and the one after it moves nothing. */
export async function judgeConvergence(world: SimulatedWorld): Promise<void> {
  await happenToLeader(world, { do: 'restart-leader' });
  for (let run = 1; run <= RUNS_MAX; run++) {
    const reports = await runBackup(world, { do: 'backup', seed: run, moments: [] });
    if (reports?.every(({ ok }) => ok)) return await judgeIdle(world);
  }
  throw new Violation(
    'convergence',
    `every volume to be proved within ${RUNS_MAX} runs`,
    world.trace.lines.at(-1) ?? '',
  );
}

async function judgeIdle(world: SimulatedWorld): Promise<void> {
  const before = new Map([...world.reported].map(([id, reports]) => [id, reports.at(-1)]));
  const reports = await runBackup(world, { do: 'backup', seed: RUNS_MAX + 1, moments: [] });
  for (const report of reports ?? []) {
    const last = before.get(report.id);
    if (report.outcome !== 'idle' || last?.report.datSize !== report.datSize)
      throw new Violation(
        'convergence',
        `volume ${report.id}: nothing to do on an idle leader`,
        `${report.outcome}: ${report.reason}`,
      );
  }
}
