import { describeOperation } from '../schedule/describe.js';
import type { Schedule } from '../schedule/schedule.js';
import { shrink } from '../schedule/shrink.js';
import { runSchedule, type ScheduleResult } from './run-schedule.js';

/** A schedule in which something did not hold, as small as it could be made. */
export interface Failure {
  readonly seed: number;
  readonly rule: string;
  readonly expected: string;
  readonly found: string;
  /** Lines of the trace of the shrunk schedule. */
  readonly lines: readonly string[];
  readonly schedule: Schedule;
}

/** Makes a failing schedule small, and runs it once more to tell what was found. `onTry` is called before each run. */
export async function shrunkFailure(
  schedule: Schedule,
  result: ScheduleResult,
  onTry: () => void = () => {},
): Promise<Failure> {
  const { violation, failedAt } = result;
  if (violation === undefined) throw new TypeError(`the schedule of seed ${schedule.seed} did not fail`);
  const operations =
    failedAt === undefined ? schedule.operations : schedule.operations.slice(0, failedAt + 1);
  const small = await shrink({ ...schedule, operations }, async (candidate) => {
    onTry();
    const tried = await runSchedule(candidate);
    return tried.violation?.rule === violation.rule;
  });
  const last = await runSchedule(small);
  const { rule, expected, found } = last.violation ?? violation;
  return { seed: schedule.seed, rule, expected, found, lines: last.lines, schedule: small };
}

export function describeFailure({ seed, rule, expected, found, schedule, lines }: Failure): string {
  return [
    `seed ${seed} (${schedule.mode}): ${rule}`,
    `  expected ${expected}`,
    `  found    ${found}`,
    `  in       ${JSON.stringify(schedule.world)}`,
    ...schedule.operations.map((operation, at) => `  ${at} ${describeOperation(operation)}`),
    '  what happened:',
    ...lines.map((line) => `    ${line}`),
    `  replay   npm run sim -- --replay ${seed} --mode ${schedule.mode}`,
  ].join('\n');
}
