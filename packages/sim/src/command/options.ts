import { parseArgs } from 'node:util';
import type { Mode } from '../schedule/schedule.js';

export interface SimOptions {
  readonly schedules: number;
  readonly seed: number;
  readonly mode: Mode;
  readonly jobs: number;
  /** Ends earlier, after so many minutes. */
  readonly minutes: number;
  /** Of one seed, or of one schedule in a file: it is run twice, and its trace printed. */
  readonly replay: string | undefined;
  /** Modules that every worker imports before anything else. */
  readonly workerImports: readonly string[];
  /** Ends at the first failing schedule. */
  readonly failFast: boolean;
  /** The last line of the output is one JSON object. */
  readonly json: boolean;
  /** Failing schedules are written to the corpus. */
  readonly keep: boolean;
}

export const USAGE = `npm run sim -- [flags]

  --schedules N        how many (1000)
  --seed S             the first seed; the others follow it (1)
  --mode MODE          safety (faults throughout) or liveness (then they stop, and all must come right)
  --jobs N             worker processes (2)
  --minutes M          end after so long, however many schedules are left
  --replay SEED|FILE   run one schedule twice and print its trace
  --worker-import SPEC a module that each worker imports first; may be given several times
  --fail-fast          end at the first failing schedule
  --no-keep            do not add failing schedules to the corpus
  --json               print the figures as one line of JSON, last`;

export function parseOptions(args: readonly string[]): SimOptions {
  const { values } = parseArgs({
    args: [...args],
    strict: true,
    allowNegative: true,
    options: {
      schedules: { type: 'string', default: '1000' },
      seed: { type: 'string', default: '1' },
      mode: { type: 'string', default: 'safety' },
      jobs: { type: 'string', default: '2' },
      minutes: { type: 'string', default: '1440' },
      replay: { type: 'string' },
      'worker-import': { type: 'string', multiple: true, default: [] },
      'fail-fast': { type: 'boolean', default: false },
      keep: { type: 'boolean', default: true },
      json: { type: 'boolean', default: false },
    },
  });
  return {
    schedules: positive('schedules', values.schedules),
    seed: positive('seed', values.seed),
    mode: modeOf(values.mode),
    jobs: positive('jobs', values.jobs),
    minutes: positive('minutes', values.minutes),
    replay: values.replay,
    workerImports: values['worker-import'],
    failFast: values['fail-fast'],
    json: values.json,
    keep: values.keep,
  };
}

function positive(name: string, text: string): number {
  const number = Number(text);
  if (text === '' || !Number.isFinite(number) || number < 0)
    throw new RangeError(`--${name} takes a number that is not negative, not ${text}`);
  return number;
}

function modeOf(text: string): Mode {
  if (text === 'safety' || text === 'liveness') return text;
  throw new RangeError(`--mode is safety or liveness, not ${text}`);
}
