import { openVolumeHome, StoreError, type VolumeHome } from '@holdfast/store';
import {
  type CrashKind,
  createSeededRandom,
  createSimulatedEnvironment,
  type DiskOperation,
  type SimulatedEnvironment,
} from '@holdfast/testkit';
import { createDice, type Dice } from '../../../schedule/dice.js';
import type { Hunt } from '../hunt.js';
import { randomChange } from './home-changes.js';
import { DIRECTORY, EMPTY_MODEL, type ModelHome, VOLUME, withIds } from './home-model.js';
import { judgeHome } from './home-oracle.js';
import { tamper } from './home-tampering.js';

const CHANGES_MAX = 14;
const CRASHES: readonly CrashKind[] = ['power', 'nothing', 'everything', 'process'];

/** The home of a followed volume, changed and stopped at any operation of its disk, held against what it was asked to be. */
export const homeHunt: Hunt = {
  name: 'home',
  async schedule(seed) {
    const dice = createDice(createSeededRandom(seed));
    const env = createSimulatedEnvironment({
      seed,
      hasLinks: dice.chance(0.8),
      tearBytes: dice.oneOf([8, 512]),
    });
    env.disk.plant(`${DIRECTORY}/keep`, new Uint8Array(0));
    let model = EMPTY_MODEL;
    let home = await open(env);
    for (let changes = 3 + dice.below(CHANGES_MAX); changes > 0; changes--) {
      await env.time.advance(1000);
      ({ home, model } = await change(env, home, model, dice));
    }
    await home.close();
    await tamper(env, model, dice);
  },
};

function open(env: SimulatedEnvironment): Promise<VolumeHome> {
  return openVolumeHome(env, { directory: DIRECTORY, volume: VOLUME });
}

/** One change, with a machine that may stop in it, or right behind it. */
async function change(env: SimulatedEnvironment, home: VolumeHome, before: ModelHome, dice: Dice) {
  const { disk } = env;
  const { after, apply } = randomChange(before, dice, env.clock.nowMs());
  const stop = dice.pick([
    [3, 'in it'],
    [1, 'failed sync'],
    [3, 'behind it'],
    [2, 'closed'],
    [2, 'not'],
  ] as const);
  if (stop === 'in it') disk.crashAfter(dice.below(dice.oneOf([8, 60])));
  if (stop === 'failed sync') disk.inject(oneFailedSync(dice));
  const isThrough = await apply(home).then(
    () => true,
    (error: unknown) => {
      if (error instanceof StoreError) return false;
      throw error;
    },
  );
  disk.inject(undefined);
  if (isThrough && stop === 'not') {
    disk.crashAfter(Number.POSITIVE_INFINITY);
    return { home, model: withIds(after, home) };
  }
  if (isThrough && stop === 'closed') await home.close();
  else disk.crash(stop === 'failed sync' ? 'process' : dice.oneOf(CRASHES));
  const states = isThrough ? ([after, after] as const) : ([before, after] as const);
  let model = await reopen(env, states, dice);
  // What was found is on the disk.
  if (dice.chance(0.3)) {
    disk.crash(dice.oneOf(CRASHES));
    model = await reopen(env, [model, model], dice);
  }
  return { home: await open(env), model };
}

async function reopen(
  env: SimulatedEnvironment,
  states: readonly [ModelHome, ModelHome],
  dice: Dice,
): Promise<ModelHome> {
  // A machine may stop while it recovers, too.
  if (dice.chance(0.3)) {
    env.disk.crashAfter(dice.below(12));
    await open(env).then(
      (home) => home.close(),
      () => {},
    );
    env.disk.crash(dice.oneOf(CRASHES));
  }
  const home = await open(env);
  const model = await judgeHome(env, home, states, dice);
  if (dice.chance(0.7)) await home.close();
  else env.disk.crash('process');
  return model;
}

/** The so manieth sync of data fails, and what it should have made durable is only partly so. */
function oneFailedSync(dice: Dice): (operation: DiskOperation) => 'disk-failed' | undefined {
  let left = 1 + dice.below(6);
  return ({ kind }) => (kind === 'sync-data' && --left === 0 ? 'disk-failed' : undefined);
}
