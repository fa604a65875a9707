import { createSeededRandom } from '@holdfast/testkit';
import type { CrashScenario } from './crash-scenario.js';
import { CRASH_VARIANTS, type CrashVariant } from './crash-variant.js';
import { type CrashWorld, createCrashWorld } from './crash-world.js';

export interface CrashTrialOptions {
  readonly seed: number;
  /** Every nth crash point in every variant, the first and the last always. Default 1: all. */
  readonly everyPoint?: number;
  /** Second crashes, at operations of the restart: all of them where there are no more, else so many chosen by the seed. */
  readonly secondCrashes: number;
}

export interface CrashFigures {
  readonly scenario: string;
  /** Operations of the change. */
  readonly operations: number;
  readonly crashes: number;
  readonly variants: number;
  readonly secondCrashes: number;
  /** All that there are: operations of every restart after every crash. */
  readonly secondCrashPoints: number;
  readonly seconds: number;
}

/** A crash, and what came of it. */
interface Crash {
  readonly at: number;
  readonly variant: CrashVariant;
  readonly seed: number;
}

/**
 * Crashes the change before and after each of its operations, in each variant, and the restart after that again. After
 * each the scenario judges what is there; then the change is made again, and judged. Throws at the first violation,
 * naming the crash.
 */
export async function tryCrashes(
  scenario: CrashScenario,
  { seed, everyPoint = 1, secondCrashes }: CrashTrialOptions,
): Promise<CrashFigures> {
  const startedAt = performance.now();
  const operations = await countOperations(scenario);
  const restarts: { readonly crash: Crash; readonly operations: number }[] = [];
  let crashes = 0;
  for (let at = 0; at <= operations; at++) {
    if (at % everyPoint !== 0 && at !== operations) continue;
    for (const [index, variant] of CRASH_VARIANTS.entries()) {
      const crash = { at, variant, seed: seed + at * CRASH_VARIANTS.length + index };
      restarts.push({ crash, operations: await told(scenario, crash, () => crashOnce(scenario, crash)) });
      crashes++;
    }
  }
  const seconds = choose(restarts, secondCrashes, seed);
  for (const { crash, second } of seconds)
    await told(scenario, crash, () => crashTwice(scenario, crash, second), second);
  return {
    scenario: scenario.name,
    operations,
    crashes,
    variants: CRASH_VARIANTS.length,
    secondCrashes: seconds.length,
    secondCrashPoints: restarts.reduce((sum, restart) => sum + restart.operations, 0),
    seconds: (performance.now() - startedAt) / 1000,
  };
}

async function countOperations(scenario: CrashScenario): Promise<number> {
  const world = await createCrashWorld(scenario, CRASH_VARIANTS[0]!, 0);
  const promises: string[] = [];
  world.disk.forget();
  await world.run((process) => scenario.change(process, world.state, (what) => promises.push(what)));
  const { length } = world.disk.operations;
  await world.run((process) => scenario.judge(process, world.state, promises));
  if (length === 0) throw new TypeError(`${scenario.name} changes nothing`);
  return length;
}

/** Gives the operations of the restart. */
async function crashOnce(scenario: CrashScenario, crash: Crash): Promise<number> {
  const { world, promises, isThrough } = await crashed(scenario, crash);
  world.disk.forget();
  await world.run((process) => scenario.restart(process, world.state));
  const { length } = world.disk.operations;
  await judgeAndGoOn(scenario, world, promises, isThrough);
  return length;
}

async function crashTwice(scenario: CrashScenario, crash: Crash, second: number): Promise<void> {
  const { world, promises, isThrough } = await crashed(scenario, crash);
  await world.runAndCrash(
    (process) => scenario.restart(process, world.state),
    second,
    crash.variant.secondKind,
  );
  await world.run((process) => scenario.restart(process, world.state));
  await judgeAndGoOn(scenario, world, promises, isThrough);
}

async function crashed(scenario: CrashScenario, { variant, seed, at }: Crash) {
  const world = await createCrashWorld(scenario, variant, seed);
  const promises: string[] = [];
  const promise = (what: string): void => {
    promises.push(what);
  };
  const change = world.runAndCrash(
    (process) => scenario.change(process, world.state, promise),
    at,
    variant.kind,
  );
  return { world, promises, isThrough: (await change).isThrough };
}

async function judgeAndGoOn(
  scenario: CrashScenario,
  world: CrashWorld<unknown>,
  promises: readonly string[],
  isThrough: boolean,
): Promise<void> {
  await world.run((process) => scenario.judge(process, world.state, promises));
  if (isThrough && scenario.isRepeatable === false) return;
  const all = [...promises];
  await world.run((process) => scenario.change(process, world.state, (what) => all.push(what)));
  await world.run((process) => scenario.judge(process, world.state, all));
}

/** All second crash points where they are no more than `most`, else as many of them, spread by the seed. */
function choose(
  restarts: readonly { readonly crash: Crash; readonly operations: number }[],
  most: number,
  seed: number,
): { readonly crash: Crash; readonly second: number }[] {
  const random = createSeededRandom(seed);
  const all = restarts.flatMap(({ crash, operations }) =>
    Array.from({ length: operations }, (_, second) => ({ crash, second, rank: random.nextFloat() })),
  );
  return all.sort((a, b) => a.rank - b.rank).slice(0, most);
}

async function told<T>(
  scenario: CrashScenario,
  { at, variant, seed }: Crash,
  trial: () => Promise<T>,
  second?: number,
): Promise<T> {
  try {
    return await trial();
  } catch (cause) {
    const again = second === undefined ? '' : `, again at operation ${second} of the restart`;
    const where = `${scenario.name}, crash at operation ${at} (${variant.name}, seed ${seed})${again}`;
    throw new Error(`${where}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
