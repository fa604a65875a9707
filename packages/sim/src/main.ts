import { parseOptions, type SimOptions, USAGE } from './command/options.js';
import { replay } from './command/replay.js';
import { runInWorkers } from './command/run-in-workers.js';
import { keepInCorpus } from './corpus.js';
import { PLANTED_USAGE, plantedCommand } from './planted/planted-command.js';
import { describeFailure, type Failure } from './run/failure.js';
import type { Figures } from './run/figures.js';

const PROGRESS_EVERY_MS = 5_000;

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    console.log(`${USAGE}\n\n${PLANTED_USAGE}`);
    return 0;
  }
  if (args[0] === '--planted') return await plantedCommand(args.slice(1), (line) => console.log(line));
  const options = parseOptions(args);
  if (options.replay !== undefined)
    return (await replay(options.replay, options.mode, (line) => console.log(line))) ? 0 : 1;
  const startedMs = performance.now();
  const kept: Promise<void>[] = [];
  let shownMs = startedMs;
  const { figures, failures } = await runInWorkers({
    ...options,
    onFailure(failure) {
      console.log(`${describeFailure(failure)}\n`);
      if (options.keep) kept.push(keep(failure));
    },
    onProgress(schedules, failed) {
      if (performance.now() - shownMs < PROGRESS_EVERY_MS) return;
      shownMs = performance.now();
      console.error(`${schedules} of ${options.schedules} schedules, ${failed} failed`);
    },
  });
  await Promise.all(kept);
  printFigures(options, figures, failures, (performance.now() - startedMs) / 1000);
  return failures.length === 0 ? 0 : 1;
}

async function keep(failure: Failure): Promise<void> {
  console.log(`kept as ${await keepInCorpus(failure)}`);
}

function printFigures(
  options: SimOptions,
  figures: Figures,
  failures: readonly Failure[],
  wallSeconds: number,
): void {
  const { mode, seed, json } = options;
  const names = Object.keys(figures).sort();
  for (const name of names) console.log(`${name.padEnd(40)} ${figures[name]}`);
  console.log(`${'wall time, seconds'.padEnd(40)} ${wallSeconds.toFixed(1)}`);
  console.log(`${failures.length} of ${figures.schedules ?? 0} ${mode} schedules failed, seeds from ${seed}`);
  if (!json) return;
  const failed = failures.map(({ seed: failedSeed, rule }) => ({ seed: failedSeed, rule }));
  console.log(JSON.stringify({ mode, seed, wallSeconds, figures, failures: failed }));
}

main(process.argv.slice(2)).then(
  (exitCode) => {
    process.exitCode = exitCode;
  },
  (error: unknown) => {
    console.error(
      error instanceof RangeError || error instanceof TypeError ? `${error.message}\n\n${USAGE}` : error,
    );
    process.exitCode = 2;
  },
);
