import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { flipBits } from './bit-flips.js';
import { saveToCorpus } from './corpus.js';
import type { FuzzTarget } from './fuzz-target.js';
import { judge } from './judge.js';
import { fuzzTargets } from './targets/index.js';
import { runInWorkers, type Tally } from './workers.js';

const USAGE = `usage: npm run fuzz -- [--inputs N] [--seed S] [--target NAME] [--workers N] [--json FILE] | --target NAME --replay FILE | --bit-flips [--json FILE]
targets: ${fuzzTargets.map(({ name }) => name).join(', ')}`;

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '50000' },
    seed: { type: 'string', default: '1' },
    target: { type: 'string' },
    workers: { type: 'string', default: '1' },
    replay: { type: 'string' },
    'bit-flips': { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});
const [inputs, seed, workers] = [Number(values.inputs), Number(values.seed), Number(values.workers)];
const chosen = fuzzTargets.filter(({ name }) => values.target === undefined || name === values.target);
const isUsable = [inputs, seed, workers].every((number) => Number.isSafeInteger(number) && number >= 0);
if (!isUsable || workers < 1 || chosen.length === 0 || (values.replay !== undefined && chosen.length > 1)) {
  console.error(USAGE);
  process.exitCode = 2;
} else if (values['bit-flips']) {
  await flipEveryBit();
} else if (values.replay === undefined) {
  await run();
} else {
  await replay(chosen[0]!, values.replay);
}

/** Each is met by a verification; and one in 33 by an opening of the volume, too. */
async function flipEveryBit(): Promise<void> {
  const startedAt = performance.now();
  const { flips, openings } = await flipBits({ everyBit: 1, everyOpening: 33 });
  const seconds = (performance.now() - startedAt) / 1000;
  console.log(
    `${flips} bits of a generation of 64 KiB flipped and found, ${openings} of them by opening it as well, ${seconds.toFixed(0)} s`,
  );
  if (values.json !== undefined) writeJson(values.json, { flips, openings });
}

async function run(): Promise<void> {
  console.log(`seed ${seed}, ${inputs} inputs`);
  const startedAt = performance.now();
  const tallies = await runInWorkers({ seed, inputs, workers, targets: chosen.map(({ name }) => name) });
  const seconds = (performance.now() - startedAt) / 1000;
  const total = tallies.reduce((sum, tally) => sum + tally.inputs, 0);
  for (const tally of tallies) print(tally);
  const failures = tallies.reduce((sum, tally) => sum + tally.failures.length, 0);
  console.log(`${total} inputs, ${tallies.length} targets, ${seconds.toFixed(0)} s: ${failures} failures`);
  if (failures > 0) process.exitCode = 1;
  if (values.json !== undefined) writeJson(values.json, { seed, targets: tallies.map(withoutInputs) });
}

/** What a target was given and what it failed of; of the inputs themselves nothing. */
function withoutInputs({ failures, ...tally }: Tally) {
  return { ...tally, failures: failures.map(({ number, problem }) => ({ number, problem })) };
}

function writeJson(path: string, value: unknown): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);
}

function print({ target, inputs: count, seconds, failures }: Tally): void {
  console.log(`${target}: ${count} inputs, ${(count / seconds).toFixed(0)} a second`);
  for (const { number, problem, input } of failures) {
    console.error(`${target}: input ${number} of seed ${seed}: ${problem}`);
    console.error(`  replay: npm run fuzz -- --target ${target} --replay ${saveToCorpus(target, input)}`);
  }
}

async function replay(target: FuzzTarget, path: string): Promise<void> {
  const verdict = await judge(await target.prepare(), new Uint8Array(readFileSync(path)));
  if (verdict === undefined) {
    console.log(`${target.name}: ${path}: a result or a typed error`);
  } else {
    console.error(verdict.problem);
    process.exitCode = 1;
  }
}
