import { shrunkFailure } from '../run/failure.js';
import { addFigures, type Figures } from '../run/figures.js';
import { runSchedule } from '../run/run-schedule.js';
import { generateSchedule } from '../schedule/generate.js';
import type { Batch, WorkerMessage } from './worker-messages.js';

/** Runs batches of schedules, one after the other, for the process that started it. */
process.on('message', (batch: Batch) => {
  runBatch(batch).then((figures) => send({ kind: 'done', figures }), failed);
});
process.on('disconnect', () => process.exit());

async function runBatch({ mode, firstSeed, count }: Batch): Promise<Figures> {
  const figures: Figures = {};
  for (let seed = firstSeed; seed < firstSeed + count; seed++) {
    send({ kind: 'began', seed });
    const schedule = generateSchedule(seed, mode);
    const result = await withoutStacks(() => runSchedule(schedule));
    addFigures(figures, result.figures);
    if (result.violation === undefined) continue;
    const failure = await shrunkFailure(schedule, result, () => send({ kind: 'began', seed }));
    send({ kind: 'failed', failure });
  }
  return figures;
}

/** Errors are ordinary here, and most of what one costs is its stack. */
async function withoutStacks<T>(run: () => Promise<T>): Promise<T> {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return await run();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function send(message: WorkerMessage): void {
  process.send?.(message);
}

function failed(error: unknown): void {
  console.error(error);
  process.exit(1);
}
