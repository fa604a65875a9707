import { restoreVolume } from '@holdfast/follower';
import {
  type BuildTarget,
  detachVolume,
  type GenerationPosition,
  isFollowing,
  isStoreError,
  listKeptGenerations,
  openVolumeHome,
  removeVolume,
  type VolumeHome,
} from '@holdfast/store';
import { createSeededRandom } from '@holdfast/testkit';
import { Violation } from '../../oracles/violation.js';
import type { CrashProcess, CrashScenario } from '../crash-scenario.js';
import { DAT, DIRECTORY, IDX, isSame, readSoundCopy, VOLUME, type VolumeBytes } from '../good-copy.js';

const OUT = '/out';
const GENERATIONS = 4;

/** What is held at last, and what each generation was. */
interface Kept {
  readonly held: VolumeBytes;
  readonly former: readonly VolumeBytes[];
}

/** A volume whose leader was compacted three times. */
async function makeGenerations({ env, disk }: CrashProcess): Promise<Kept> {
  disk.plant(`${DIRECTORY}/.keep`, new Uint8Array(0));
  const random = createSeededRandom(3);
  const home = await openVolumeHome(env, { directory: DIRECTORY, volume: VOLUME });
  const former: VolumeBytes[] = [];
  for (let revision = 0; revision < GENERATIONS; revision++) {
    const bytes = { dat: random.bytes(3000 + 8 * revision), idx: random.bytes(17 * (4 + revision)) };
    await build(home, bytes, revision);
    former.push(bytes);
  }
  const held = former.pop()!;
  await home.close();
  return { held, former };
}

async function build(home: VolumeHome, { dat, idx }: VolumeBytes, revision: number): Promise<void> {
  const target: BuildTarget = {
    leaderCopy: { server: 'leader:8080', ...VOLUME },
    lineageId: null,
    revision,
    version: 3,
    offsetWidthBytes: 5,
    datSizeBytes: dat.length,
    idxSizeBytes: idx.length,
    anchorOffset: 0,
    anchorBase64: '',
    usesPool: true,
  };
  const { anchorOffset, anchorBase64, usesPool, ...same } = target;
  const position: GenerationPosition = {
    ...same,
    proofOffset: 0,
    lastAppendAtNs: `${dat.length}`,
    liveNeedles: 1,
    greatestLiveNeedles: 1,
    countedIdxSizeBytes: null,
    leaderTailBytes: 0,
    leaderDamage: [],
  };
  const unfinished = await home.beginBuild(target);
  await unfinished.writeIndex(one(idx));
  await unfinished.write(dat);
  await unfinished.commitTo(dat.length);
  await unfinished.swapIn(position, '{"version":3}');
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function openHome({ env }: CrashProcess): Promise<void> {
  await (await openVolumeHome(env, { directory: DIRECTORY, volume: VOLUME })).close();
}

async function expectHeld(process: CrashProcess, { held }: Kept): Promise<void> {
  const found = await readSoundCopy(process);
  if (found === undefined || !isSame(found.dat, held.dat) || !isSame(found.idx, held.idx))
    throw new Violation('prefix safety', 'what was held', `${found?.dat.length} other bytes`);
}

/** All but the last former generation go. */
const prune: CrashScenario<Kept> = {
  name: 'prune',
  begin: makeGenerations,
  async change({ env }, _kept, promise) {
    const home = await openVolumeHome(env, { directory: DIRECTORY, volume: VOLUME });
    try {
      const policy = { keepForMs: 0, keepGenerations: 1 };
      for (const id of await home.prune(policy, env.clock.nowMs())) promise(`${id}`);
    } finally {
      await home.close();
    }
  },
  restart: openHome,
  async judge(process, kept, promises) {
    await expectHeld(process, kept);
    const listed = await listKeptGenerations(process.env, { directory: DIRECTORY, volume: VOLUME });
    const back = listed.filter(({ id }) => promises.includes(`${id}`));
    if (back.length > 0)
      throw new Violation('durable first', 'what was pruned is gone', `${back.length} are back`);
    if (listed.length < 2) throw new Violation('retention', 'the last former generation', 'none');
  },
};

/** The state before the last one goes to another directory. */
const restore: CrashScenario<Kept> = {
  name: 'restore',
  async begin(process) {
    const kept = await makeGenerations(process);
    process.disk.plant(`${OUT}/.keep`, new Uint8Array(0));
    return kept;
  },
  async change(process, _kept, promise) {
    const { env } = process;
    const options = {
      directory: DIRECTORY,
      volume: VOLUME,
      out: OUT,
      asOfNs: env.clock.nowNs(),
      minFreeBytes: 0,
      signal: new AbortController().signal,
    };
    try {
      await restoreVolume(env, options);
    } catch (error) {
      if (!isStoreError(error, 'exists')) throw error;
      // What an operator is told to do with what a restore has left.
      for (const path of restoredFiles(process)) await env.disk.remove(path);
      await env.disk.syncDirectory(OUT);
      await restoreVolume(env, options);
    }
    promise('restored');
  },
  restart: openHome,
  async judge(process, kept, promises) {
    await expectHeld(process, kept);
    const named = restoredFiles(process);
    const wanted = new Map([
      [`${OUT}/7.dat`, kept.held.dat],
      [`${OUT}/7.idx`, kept.held.idx],
    ]);
    for (const [path, bytes] of wanted)
      if (named.includes(path) && !isSame(process.disk.peek(path), bytes))
        throw new Violation('restore', 'whole files under final names', `a part of ${path}`);
    const hasManifest = named.includes(`${OUT}/7.restored.json`);
    if (promises.length > 0 && !hasManifest) throw new Violation('durable first', 'the manifest', 'none');
    const isWhole = [...wanted.keys()].every((path) => named.includes(path));
    if (hasManifest && !isWhole) throw new Violation('restore', 'all files beside the manifest', `${named}`);
  },
};

function restoredFiles({ disk }: CrashProcess): string[] {
  return disk.files().filter((path) => path.startsWith(`${OUT}/7.`) && !path.includes('/.restoring-'));
}

/** The files stay, and follow nobody any more. */
const detach: CrashScenario<Kept> = {
  name: 'detach',
  begin: makeGenerations,
  async change({ env }, _kept, promise) {
    await detachVolume(env, { directory: DIRECTORY, volume: VOLUME, assertLocked: async () => {} });
    promise('detached');
  },
  restart: openHome,
  async judge(process, kept, promises) {
    const which = { directory: DIRECTORY, volume: VOLUME };
    const follows = await isFollowing(process.env, which);
    if (follows && promises.length > 0) throw new Violation('durable first', 'it is detached', 'it follows');
    if (follows) return expectHeld(process, kept);
    await readSoundCopy(process);
    if (!isSame(process.disk.peek(DAT), kept.held.dat) || !isSame(process.disk.peek(IDX), kept.held.idx))
      throw new Violation('prefix safety', 'the files as they were held', 'others');
  },
};

/** Everything of a volume goes. What is left of it holds nothing that could be taken for it. */
const remove: CrashScenario<Kept> = {
  name: 'removal of a volume that vanished',
  begin: makeGenerations,
  async change({ env }, _kept, promise) {
    promise(await removeVolume(env, { directory: DIRECTORY, volume: VOLUME, assertLocked: async () => {} }));
  },
  restart: openHome,
  async judge(process, _kept, promises) {
    try {
      await readSoundCopy(process);
    } catch (error) {
      if (!isStoreError(error, 'not-found')) throw error;
    }
    const left = process.disk.files().filter((path) => path === DAT || path === IDX);
    if (promises.length > 0 && left.length > 0) throw new Violation('durable first', 'no files', `${left}`);
  },
};

export const keptScenarios = [prune, restore, detach, remove];
