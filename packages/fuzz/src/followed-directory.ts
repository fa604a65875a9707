import type { VolumeName } from '@holdfast/format';
import {
  bindCluster,
  type GenerationPosition,
  lockDirectory,
  openAbsenceLedger,
  openVolumeHome,
  type VolumeHome,
} from '@holdfast/store';
import { createSeededRandom, createSimulatedEnvironment } from '@holdfast/testkit';

export const DIRECTORY = '/d';
export const VOLUME: VolumeName = { collection: '', volumeId: 7 };

const LEADER_COPY = { server: 'leader:8080', volumeId: 7, collection: '' };
const BLOCK_BYTES = 1 << 16;

export interface CommittedState {
  readonly dat: Uint8Array;
  readonly idx: Uint8Array;
}

/** A directory with everything in it that following can leave: the files, and the states that were committed. */
export interface FollowedDirectory {
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Of the current generation. */
  readonly states: readonly CommittedState[];
  /** Of the one before it, which is kept. */
  readonly former: CommittedState;
}

/** The same bytes each time. */
export async function createFollowedDirectory(): Promise<FollowedDirectory> {
  const env = createSimulatedEnvironment({ seed: 7 });
  env.disk.plant(`${DIRECTORY}/.keep`, new Uint8Array(0));
  const random = createSeededRandom(7);
  const states: CommittedState[] = [];
  const lock = await lockDirectory(env, DIRECTORY);
  const lockFile = env.disk.peek(`${DIRECTORY}/.holdfast/lock`);
  await bindCluster(env, DIRECTORY, 'a');
  await (await openAbsenceLedger(env, DIRECTORY)).note(VOLUME, { leader: true });
  const home = await openVolumeHome(env, { directory: DIRECTORY, volume: VOLUME });

  const former = { dat: random.bytes(500), idx: random.bytes(34) };
  await buildAll(home, former, 0);
  await home.holdPresent('loss-guard');
  const rebuilt = { dat: random.bytes(BLOCK_BYTES + 300), idx: random.bytes(51) };
  await buildAll(home, rebuilt, 1);
  states.push(rebuilt);
  const held = home.held!;
  const more = { dat: random.bytes(200), idx: random.bytes(17) };
  await held.beginAppend();
  await held.write(more.dat);
  const appended = { dat: joinedBytes(rebuilt.dat, more.dat), idx: joinedBytes(rebuilt.idx, more.idx) };
  await held.commit(more.idx, positionOf(appended, 1));
  states.push(appended);
  const adopted = { dat: appended.dat, idx: random.bytes(85) };
  await held.adoptIndex(chunks(adopted.idx), positionOf(adopted, 1));
  states.push(adopted);
  await beginBuild(home, { dat: random.bytes(400), idx: random.bytes(34) }, 2);
  await held.beginAppend();
  await held.write(random.bytes(40));
  // A process that ends here: an append and a build are unfinished, the lock file is there.
  await lock.release();
  env.disk.plant(`${DIRECTORY}/.holdfast/lock`, lockFile);
  const files = new Map(env.disk.files().map((path) => [path, env.disk.peek(path)]));
  return { files, states, former };
}

async function beginBuild(home: VolumeHome, { dat, idx }: CommittedState, revision: number) {
  const { leaderDamage, proofOffset, lastAppendAtNs, ...target } = positionOf({ dat, idx }, revision);
  const build = await home.beginBuild({ ...target, anchorOffset: 0, anchorBase64: '', usesPool: true });
  await build.writeIndex(chunks(idx));
  await build.write(dat.subarray(0, dat.length >> 1));
  await build.commitTo(dat.length >> 1);
  return build;
}

async function buildAll(home: VolumeHome, state: CommittedState, revision: number): Promise<void> {
  const build = await beginBuild(home, state, revision);
  await build.write(state.dat.subarray(state.dat.length >> 1));
  await build.commitTo(state.dat.length);
  await build.swapIn(positionOf(state, revision), '{"version":3}');
}

function positionOf({ dat, idx }: CommittedState, revision: number): GenerationPosition {
  return {
    leaderCopy: LEADER_COPY,
    lineageId: null,
    revision,
    version: 3,
    offsetWidthBytes: 5,
    datSizeBytes: dat.length,
    idxSizeBytes: idx.length,
    proofOffset: 0,
    lastAppendAtNs: `${dat.length}`,
    liveNeedles: 1,
    greatestLiveNeedles: 2,
    countedIdxSizeBytes: null,
    leaderTailBytes: 0,
    leaderDamage: [{ offset: 8, needleId: '5', reason: 'its data do not have its CRC' }],
  };
}

async function* chunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function joinedBytes(a: Uint8Array, b: Uint8Array): Uint8Array {
  return Uint8Array.of(...a, ...b);
}
