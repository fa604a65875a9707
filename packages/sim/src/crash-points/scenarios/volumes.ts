import { compactVolume, createVolume, fixIndex, openVolume, type Volume, verifyFiles } from '@holdfast/store';
import { Violation } from '../../oracles/violation.js';
import type { CrashProcess, CrashScenario } from '../crash-scenario.js';
import { DAT, DIRECTORY, IDX, isSame } from '../good-copy.js';

const WHICH = { directory: DIRECTORY, name: '7' };

/** Needle ids with what their data are filled with. */
type Contents = ReadonlyMap<number, number>;

/** Overwrites and deletions among it; gives what is live. */
async function makeVolume({ env, disk }: CrashProcess): Promise<Contents> {
  disk.plant(`${DIRECTORY}/.keep`, new Uint8Array(0));
  const volume = await createVolume(env, WHICH);
  const live = new Map<number, number>();
  for (let id = 1; id <= 12; id++) {
    const fill = id % 5;
    await volume.append(needle(id, fill));
    live.set(id, fill);
  }
  for (const id of [2, 5]) {
    await volume.append(needle(id, 77));
    live.set(id, 77);
  }
  for (const id of [3, 12]) {
    await volume.delete(BigInt(id), id);
    live.delete(id);
  }
  await volume.close();
  return live;
}

function needle(id: number, fill: number) {
  return { needleId: BigInt(id), cookie: id, data: new Uint8Array(700).fill(fill) };
}

/** Exactly these needles, and no damage. Gives the revision. */
export async function expectContents({ env }: CrashProcess, expected: Contents): Promise<number> {
  for await (const { severity, message } of verifyFiles(env, WHICH))
    if (severity === 'damage') throw new Violation('sound files', 'no finding', message);
  const volume = await openVolume(env, { ...WHICH, mode: 'read' });
  try {
    await expectLive(volume, expected);
    return volume.superBlock.compactionRevision;
  } finally {
    await volume.close();
  }
}

async function expectLive(volume: Volume, expected: Contents): Promise<void> {
  const found = new Map<number, number>();
  for (const { needleId } of volume.liveByNeedleId())
    found.set(Number(needleId), (await volume.readNeedle(needleId)).data[0] ?? -1);
  const told = JSON.stringify([...found].sort(([a], [b]) => a - b));
  const wanted = JSON.stringify([...expected].sort(([a], [b]) => a - b));
  if (told !== wanted) throw new Violation('live set', wanted, told);
}

async function openForWriting({ env }: CrashProcess): Promise<void> {
  await (await openVolume(env, { ...WHICH, mode: 'write' })).close();
}

const compaction: CrashScenario<Contents> = {
  name: 'compaction, offline',
  begin: makeVolume,
  async change({ env }, _live, promise) {
    const { compactionRevision } = await compactVolume(env, WHICH);
    promise(`${compactionRevision}`);
  },
  restart: openForWriting,
  async judge(process, live, promises) {
    const revision = await expectContents(process, live);
    const promised = Number(promises.at(-1) ?? 0);
    if (revision < promised || revision > promised + 1)
      throw new Violation('durable first', `revision ${promised}`, `revision ${revision}`);
  },
};

/** A torn record at the end, two records without entries. */
const recovery: CrashScenario<Contents> = {
  name: 'recovery of a volume that was written when the power failed',
  async begin(process) {
    const live = await makeVolume(process);
    const { disk } = process;
    const [dat, idx] = [disk.peek(DAT), disk.peek(IDX)];
    disk.plant(DAT, Buffer.concat([dat, new Uint8Array(100).fill(9)]));
    disk.plant(IDX, idx.subarray(0, idx.length - 2 * 17 - 5));
    return live;
  },
  async change(process, _live, promise) {
    await openForWriting(process);
    promise('whole');
  },
  restart: openForWriting,
  async judge(process, live) {
    await expectContents(process, live);
  },
};

/** The index is made anew out of the data; the data stay. */
const fix: CrashScenario<{ readonly dat: Uint8Array; readonly idx: Uint8Array; readonly live: Contents }> = {
  name: 'fix',
  async begin(process) {
    const live = await makeVolume(process);
    const { disk } = process;
    const state = { live, dat: disk.peek(DAT), idx: disk.peek(IDX).slice(0, 51) };
    disk.plant(IDX, state.idx);
    for (const derived of ['rdb', 'sdx', 'ldb/000001.log'])
      disk.plant(`${DIRECTORY}/7.${derived}`, Uint8Array.of(1));
    return state;
  },
  async change({ env }, _state, promise) {
    await fixIndex(env, WHICH);
    promise('fixed');
  },
  async restart() {
    // Whoever opens the volume next may be another server.
  },
  async judge(process, { dat, idx, live }, promises) {
    const { disk } = process;
    if (!isSame(disk.peek(DAT), dat)) throw new Violation('data', 'the same .dat', 'another one');
    if (promises.length === 0 && isSame(disk.peek(IDX), idx)) return;
    await expectContents(process, live);
    const derived = disk.files().filter((path) => /\.(rdb|sdx|ldb\/.*)$/.test(path));
    if (derived.length > 0) throw new Violation('derived indexes', 'none beside the new one', `${derived}`);
  },
};

export const volumeScenarios = [compaction, recovery, fix];
