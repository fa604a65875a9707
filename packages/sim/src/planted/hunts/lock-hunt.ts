import {
  type DirectoryLock,
  type Host,
  lockDirectory,
  openVolumeHome,
  type StoreEnvironment,
  StoreError,
} from '@holdfast/store';
import { createSeededRandom, createSimulatedEnvironment } from '@holdfast/testkit';
import { createDice } from '../../schedule/dice.js';
import { expectSame, type Hunt } from './hunt.js';

const DIRECTORY = '/d';
const ORACLE = 'who holds the directory';

/** Two followers that want one directory, in all the ways that one of them can fail to see the other. */
export const lockHunt: Hunt = {
  name: 'lock',
  async schedule(seed) {
    const dice = createDice(createSeededRandom(seed));
    const env = createSimulatedEnvironment({ seed });
    env.disk.plant(`${DIRECTORY}/keep`, new Uint8Array(0));
    const living = new Set([100, 200]);
    const first = { ...env, host: hostOf(100, living) };
    const second = { ...env, host: hostOf(200, living) };
    const lock = await lockDirectory(first, DIRECTORY);
    expectSame(ORACLE, 'the second one', await codeOf(lockDirectory(second, DIRECTORY)), 'locked');
    if (dice.chance(0.5)) {
      living.delete(100);
      await (await lockDirectory(second, DIRECTORY)).release();
      return;
    }
    const home = await openFollowed(first, lock);
    const { held } = home;
    // Somebody decided that the first one runs no more, and took its lock away.
    await env.disk.remove(`${DIRECTORY}/.holdfast/lock`);
    const stolen = dice.chance(0.7) ? await lockDirectory(second, DIRECTORY) : undefined;
    expectSame(ORACLE, 'the first one', await codeOf(lock.assertHeld()), 'locked');
    const { position } = held!;
    expectSame(ORACLE, 'a position of the first one', await codeOf(held!.notePosition(position)), 'locked');
    await home.close().catch(() => {});
    await stolen?.release();
  },
};

async function openFollowed(env: StoreEnvironment, lock: DirectoryLock) {
  const volume = { volumeId: 7, collection: '' };
  const options = { directory: DIRECTORY, volume, assertLocked: () => lock.assertHeld() };
  const home = await openVolumeHome(env, options);
  const leaderCopy = { server: 'a', ...volume };
  const same = { leaderCopy, lineageId: null, revision: 0, version: 3, offsetWidthBytes: 5 } as const;
  const sizes = { datSizeBytes: 8, idxSizeBytes: 0 };
  const build = await home.beginBuild({
    ...same,
    ...sizes,
    anchorOffset: 0,
    anchorBase64: '',
    usesPool: false,
  });
  await build.writeIndex((async function* () {})());
  await build.write(Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0));
  await build.commitTo(8);
  const counts = { liveNeedles: 0, greatestLiveNeedles: 0, countedIdxSizeBytes: null };
  const leaders = { leaderTailBytes: 0, leaderDamage: [] };
  await build.swapIn({ ...same, ...sizes, ...counts, ...leaders, proofOffset: 0, lastAppendAtNs: '0' }, '{}');
  return home;
}

/** A process that sees no names that others claim, as in a container of its own, but the same process table. */
function hostOf(pid: number, living: ReadonlySet<number>): Host {
  return {
    pid,
    hostName: 'simulated',
    bootId: async () => 'boot-1',
    processStartTime: async (asked) => (living.has(asked) ? `start of ${asked}` : undefined),
    claimName: async () => async () => {},
  };
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return await promise.then(
    () => 'done',
    (error: unknown) => (error instanceof StoreError ? error.code : String(error)),
  );
}
