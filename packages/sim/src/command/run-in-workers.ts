import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Failure } from '../run/failure.js';
import { addFigures, type Figures } from '../run/figures.js';
import { generateSchedule } from '../schedule/generate.js';
import type { SimOptions } from './options.js';
import type { Batch, WorkerMessage } from './worker-messages.js';

/** Schedules that a worker is given at once. */
const BATCH_SCHEDULES = 50;
/** A schedule takes milliseconds: one that is not through after so long never will be. */
const HUNG_AFTER_SECONDS = 60;

export interface WorkersResult {
  readonly figures: Figures;
  readonly failures: readonly Failure[];
}

export interface WorkersOptions extends SimOptions {
  readonly onFailure: (failure: Failure) => void;
  readonly onProgress: (schedules: number, failures: number) => void;
}

/** Runs the schedules of a range of seeds in worker processes. */
export async function runInWorkers(options: WorkersOptions): Promise<WorkersResult> {
  const { schedules, seed, mode, jobs, minutes, failFast, onFailure, onProgress } = options;
  const figures: Figures = {};
  const failures: Failure[] = [];
  const endAtMs = performance.now() + minutes * 60_000;
  /** What is left of the batches of workers that were cut short. */
  const leftOver: Batch[] = [];
  let nextSeed = seed;

  function nextBatch(): Batch | undefined {
    if (performance.now() >= endAtMs || (failFast && failures.length > 0)) return undefined;
    const left = seed + schedules - nextSeed;
    if (leftOver.length > 0 || left <= 0) return leftOver.pop();
    const batch = { mode, firstSeed: nextSeed, count: Math.min(BATCH_SCHEDULES, left) };
    nextSeed += batch.count;
    return batch;
  }

  function note(failure: Failure): void {
    failures.push(failure);
    onFailure(failure);
  }

  /** Works through batches; a worker that hangs or ends is a failure of the schedule that it was at. */
  function work(worker: ChildProcess): Promise<void> {
    return new Promise((resolve, reject) => {
      let hasBegun = false;
      let present = nextBatch();
      let presentSeed = present?.firstSeed ?? seed;
      let silentSeconds = 0;
      // Seconds are counted, not read off a clock, which goes on while a machine sleeps and nobody works.
      const watchdog = setInterval(() => {
        silentSeconds += 1;
        if (silentSeconds >= HUNG_AFTER_SECONDS) worker.kill('SIGKILL');
      }, 1000);
      const giveNext = (): void => {
        if (present === undefined) worker.disconnect();
        else worker.send(present);
      };
      worker.on('message', (message: WorkerMessage) => {
        silentSeconds = 0;
        hasBegun = true;
        if (message.kind === 'began') presentSeed = message.seed;
        else if (message.kind === 'failed') {
          note(message.failure);
          if (!failFast) return;
          addFigures(figures, { schedules: presentSeed - (present?.firstSeed ?? presentSeed) + 1 });
          worker.kill('SIGKILL');
        } else {
          addFigures(figures, message.figures);
          onProgress(figures.schedules ?? 0, failures.length);
          present = nextBatch();
          giveNext();
        }
      });
      worker.on('exit', (code, signal) => {
        clearInterval(watchdog);
        if (present === undefined || (failFast && failures.length > 0)) return resolve();
        // That says something of the worker, and nothing of what it was to run.
        if (!hasBegun)
          return reject(new Error(`a worker ended before its first schedule (${signal ?? code})`));
        note(cutShort(presentSeed, signal === null ? `its process ended with ${code}` : 'none'));
        const firstSeed = presentSeed + 1;
        const count = present.firstSeed + present.count - firstSeed;
        if (count > 0) leftOver.push({ mode, firstSeed, count });
        resolve(work(startWorker(options)));
      });
      giveNext();
    });
  }

  function cutShort(at: number, found: string): Failure {
    const schedule = generateSchedule(at, mode);
    return {
      seed: at,
      rule: 'bounded',
      expected: `an end within ${HUNG_AFTER_SECONDS} seconds`,
      found,
      lines: [],
      schedule,
    };
  }

  await Promise.all(Array.from({ length: jobs }, () => work(startWorker(options))));
  return { figures, failures };
}

function startWorker({ workerImports }: SimOptions): ChildProcess {
  const execArgv = [...process.execArgv, ...workerImports.flatMap((specifier) => ['--import', specifier])];
  return fork(fileURLToPath(new URL('worker.js', import.meta.url)), { execArgv });
}
