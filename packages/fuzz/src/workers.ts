import { Worker } from 'node:worker_threads';
import { makeInput, runCampaign } from './campaign.js';
import { fuzzTargets } from './targets/index.js';

export interface WorkersOptions {
  readonly seed: number;
  readonly inputs: number;
  readonly workers: number;
  /** By name. */
  readonly targets: readonly string[];
}

/** What one worker is given; it shares `progress` with whoever watches it. */
export interface WorkerTask extends Omit<WorkersOptions, 'workers'> {
  readonly part: { readonly number: number; readonly of: number };
  /** Index of the target, number of its input. */
  readonly progress: Int32Array<SharedArrayBuffer>;
}

export interface ToldFailure {
  readonly number: number;
  readonly problem: string;
  readonly input: Uint8Array;
}

/** Of one target, all workers together. */
export interface Tally {
  readonly target: string;
  readonly inputs: number;
  /** Of the slowest worker. */
  readonly seconds: number;
  readonly failures: readonly ToldFailure[];
}

/** An input that takes longer than this has no end. */
const STALL_SECONDS_MAX = 120;

/** Shares a campaign between threads and watches each: an input that does not end is a failure of its target. */
export async function runInWorkers(options: WorkersOptions): Promise<Tally[]> {
  const parts = await Promise.all(
    Array.from({ length: options.workers }, (_, number) => runPart(options, number)),
  );
  return options.targets.map((target) => {
    const told = parts.flat().filter((tally) => tally.target === target);
    return {
      target,
      inputs: told.reduce((sum, { inputs }) => sum + inputs, 0),
      seconds: Math.max(...told.map(({ seconds }) => seconds)),
      failures: told.flatMap(({ failures }) => failures),
    };
  });
}

function runPart(options: WorkersOptions, number: number): Promise<Tally[]> {
  const progress = new Int32Array(new SharedArrayBuffer(8));
  const { workers, ...shared } = options;
  const workerData: WorkerTask = { ...shared, part: { number, of: workers }, progress };
  const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData });
  const tallies: Tally[] = [];
  return new Promise((resolve, reject) => {
    let last = '';
    let stalledSeconds = 0;
    const watch = setInterval(async () => {
      const now = progress.join();
      stalledSeconds = now === last ? stalledSeconds + 1 : 0;
      last = now;
      if (stalledSeconds < STALL_SECONDS_MAX) return;
      await worker.terminate();
      tallies.push(await stalled(options, progress));
      resolve(tallies);
    }, 1000);
    worker.on('message', (tally: Tally) => tallies.push(tally));
    worker.on('error', reject);
    worker.on('exit', async () => {
      clearInterval(watch);
      // Nothing was left to do, and yet it was not through: somebody waits for what never comes.
      if (tallies.length < options.targets.length) tallies.push(await stalled(options, progress));
      resolve(tallies);
    });
  });
}

async function stalled({ seed, targets }: WorkersOptions, progress: Int32Array): Promise<Tally> {
  const [index, number] = progress as unknown as [number, number];
  const target = fuzzTargets.find(({ name }) => name === targets[index])!;
  const input = makeInput(target, await target.prepare(), seed, number);
  const problem = 'it does not end';
  return {
    target: target.name,
    inputs: 1,
    seconds: STALL_SECONDS_MAX,
    failures: [{ number, problem, input }],
  };
}

/** The other side: runs a task and tells each target's figures. */
export async function runTask(task: WorkerTask, tell: (tally: Tally) => void): Promise<void> {
  const targets = task.targets.map((name) => fuzzTargets.find((target) => target.name === name)!);
  const onInput = (target: (typeof targets)[number], number: number): void => {
    task.progress[0] = targets.indexOf(target);
    task.progress[1] = number;
  };
  for await (const figures of runCampaign({ ...task, targets, onInput })) {
    const failures = figures.failures.map(({ number, problem, input }) => ({
      number,
      problem: problem instanceof Error ? (problem.stack ?? problem.message) : String(problem),
      input,
    }));
    tell({ ...figures, failures });
  }
}
