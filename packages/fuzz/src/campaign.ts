import { createDice } from './dice.js';
import type { FuzzTarget, ReadyTarget } from './fuzz-target.js';
import { judge } from './judge.js';
import { minimise } from './minimise.js';
import { seedOf } from './seed-of.js';

export interface CampaignOptions {
  readonly seed: number;
  /** For all targets together, by their shares; each gets at least one. */
  readonly inputs: number;
  readonly targets: readonly FuzzTarget[];
  /** Of `of` campaigns that share the inputs, the one with this number. Default: the only one. */
  readonly part?: { readonly number: number; readonly of: number };
  /** Told before each input, so that whoever watches can say which one does not end. */
  readonly onInput?: (target: FuzzTarget, number: number) => void;
}

export interface TargetFigures {
  readonly target: string;
  readonly inputs: number;
  readonly seconds: number;
  readonly failures: readonly Failure[];
}

export interface Failure {
  readonly target: string;
  /** Which input of the run it was. */
  readonly number: number;
  readonly problem: unknown;
  readonly input: Uint8Array;
}

/** More failures of one target than this say nothing new. */
const FAILURES_MAX = 5;

/** Runs each target's share of the inputs. The same seed makes the same inputs. */
export async function* runCampaign(options: CampaignOptions): AsyncGenerator<TargetFigures> {
  const { seed, targets, onInput, part = { number: 0, of: 1 } } = options;
  for (const target of targets) {
    const ready = await target.prepare();
    const failures: Failure[] = [];
    const startedAt = performance.now();
    const last = inputsFor(target, options);
    let inputs = 0;
    for (let number = part.number; number < last && failures.length < FAILURES_MAX; number += part.of) {
      onInput?.(target, number);
      inputs++;
      const input = makeInput(target, ready, seed, number);
      const verdict = await judge(ready, input);
      if (verdict !== undefined) failures.push(await shrunk(target.name, ready, number, input));
    }
    const seconds = (performance.now() - startedAt) / 1000;
    yield { target: target.name, inputs, seconds, failures };
  }
}

export function inputsFor(target: FuzzTarget, { inputs, targets }: CampaignOptions): number {
  const shares = targets.reduce((sum, { share }) => sum + share, 0);
  return Math.max(1, Math.round((inputs * target.share) / shares));
}

/** Input `number` of a seed's run. */
export function makeInput(target: FuzzTarget, ready: ReadyTarget, seed: number, number: number): Uint8Array {
  return ready.make(createDice(seedOf(target.name, seed, number)));
}

async function shrunk(
  target: string,
  ready: ReadyTarget,
  number: number,
  input: Uint8Array,
): Promise<Failure> {
  const smallest = await minimise(input, async (candidate) => (await judge(ready, candidate)) !== undefined);
  const verdict = (await judge(ready, smallest)) ?? { problem: new Error('failed once, and not again') };
  return { target, number, problem: verdict.problem, input: smallest };
}
