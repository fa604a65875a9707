import type { StoreEnvironment } from '@holdfast/store';
import { Violation } from '../oracles/violation.js';
import { describeOperation } from '../schedule/describe.js';
import type { Schedule } from '../schedule/schedule.js';
import { createTrace } from '../trace.js';
import { createSimulatedWorld } from '../world/simulated-world.js';
import { describeError } from './describe-error.js';
import type { Figures } from './figures.js';
import { judgeConvergence } from './judge-convergence.js';
import { judgeFiles } from './judge-files.js';
import { judgeRecovery } from './judge-recovery.js';
import { runOperation } from './run-operation.js';

export interface ScheduleResult {
  readonly violation: Violation | undefined;
  /** The operation at which it was found. */
  readonly failedAt: number | undefined;
  readonly figures: Figures;
  readonly hash: string;
  readonly lines: readonly string[];
}

export interface RunOptions {
  /** What the follower is given instead of its environment: a broken one, that has to be found out. */
  readonly sabotage?: (env: StoreEnvironment) => StoreEnvironment;
}

/** Runs a schedule in a world of its own. Never throws for what it finds. */
export async function runSchedule(
  schedule: Schedule,
  { sabotage = (env) => env }: RunOptions = {},
): Promise<ScheduleResult> {
  const trace = createTrace();
  const figures: Figures = { schedules: 1 };
  let failedAt: number | undefined;
  let violation: Violation | undefined;
  const onUnhandled = (reason: unknown): void => {
    violation ??= new Violation('typed errors', 'every rejection to be handled', describeError(reason));
  };
  process.on('unhandledRejection', onUnhandled);
  try {
    const world = await createSimulatedWorld(schedule, { trace, figures, sabotage });
    for (const [at, operation] of schedule.operations.entries()) {
      failedAt = at;
      trace.note(`${at} ${describeOperation(operation)}`);
      await runOperation(world, operation);
      world.cluster.assertAlive();
      if (violation !== undefined) throw violation;
    }
    failedAt = undefined;
    if (schedule.mode === 'liveness') await judgeConvergence(world);
    else await judgeRecovery(world);
    world.cluster.assertAlive();
    judgeFiles(world);
  } catch (error) {
    violation ??=
      error instanceof Violation
        ? error
        : new Violation('typed errors', 'no error of its own', describeError(error));
    // Without the stack, which differs from one replay to the next.
    trace.note(`${violation.message.split('\n')[0]}`);
  } finally {
    process.off('unhandledRejection', onUnhandled);
  }
  return { violation, failedAt, figures, hash: trace.hash(), lines: trace.lines };
}
