import { EMPTY_VOLUME_INFO, writeVolumeInfo } from '@holdfast/format';
import {
  createVolume,
  type GenerationPosition,
  openVolumeHome,
  removeVolume,
  type Volume,
  type VolumeHome,
} from '@holdfast/store';
import { createSimulatedEnvironment } from '@holdfast/testkit';
import { beforeEach, describe, expect, it } from 'vitest';
import { createVolumeCopies, type VolumeCopies } from '../../src/index.js';

const NAME = { volumeId: 7, collection: '' };
const COPY = { directory: '/copy', volume: NAME };
const LONG_BYTES = 600_000;

let env: ReturnType<typeof createSimulatedEnvironment>;
let leader: Volume;
let home: VolumeHome;
let copies: VolumeCopies;

beforeEach(async () => {
  env = createSimulatedEnvironment({ seed: 5 });
  for (const directory of ['/leader', '/copy']) env.disk.plant(`${directory}/.keep`, new Uint8Array(0));
  leader = await createVolume(env, { directory: '/leader', name: '7' });
  home = await openVolumeHome(env, COPY);
  copies = createVolumeCopies({ env, directory: '/copy' });
});

async function put(needleId: bigint, data: string | Uint8Array): Promise<void> {
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
  await leader.append({ needleId, cookie: 1, data: bytes });
  await leader.sync();
}

async function remove(needleId: bigint): Promise<void> {
  await leader.delete(needleId, 1);
  await leader.sync();
}

async function compact(): Promise<void> {
  const compaction = leader.beginCompaction();
  await compaction.copy();
  const next = await compaction.commit();
  await leader.close();
  leader = next;
}

function position(): GenerationPosition {
  const { datSizeBytes, idxSizeBytes, liveNeedles, lastAppendAtNs } = leader.stats();
  return {
    leaderCopy: { server: 'leader', ...NAME },
    lineageId: null,
    revision: leader.superBlock.compactionRevision,
    version: leader.version,
    offsetWidthBytes: leader.offsetWidthBytes,
    datSizeBytes,
    idxSizeBytes,
    proofOffset: 0,
    lastAppendAtNs: lastAppendAtNs.toString(),
    liveNeedles,
    greatestLiveNeedles: liveNeedles,
    countedIdxSizeBytes: null,
    leaderTailBytes: 0,
    leaderDamage: [],
  };
}

/** What a follower does: appends where the generation is the same, else builds another. */
async function follow(): Promise<void> {
  const next = position();
  const { held } = home;
  if (held?.position.revision === next.revision) {
    const { datSizeBytes: from, idxSizeBytes } = held.position;
    await held.beginAppend();
    await held.write(await leader.dat.readAt(from, next.datSizeBytes - from));
    await held.commit(await leader.idx.readAt(idxSizeBytes, next.idxSizeBytes - idxSizeBytes), next);
    return;
  }
  const { leaderCopy, lineageId, revision, version, offsetWidthBytes, datSizeBytes, idxSizeBytes } = next;
  const target = { leaderCopy, lineageId, revision, version, offsetWidthBytes, datSizeBytes, idxSizeBytes };
  const unfinished = await home.beginBuild({ ...target, anchorOffset: 0, anchorBase64: '', usesPool: true });
  await unfinished.writeIndex(once(await leader.idx.readAt(0, idxSizeBytes)));
  await unfinished.write(await leader.dat.readAt(0, datSizeBytes));
  await unfinished.commitTo(datSizeBytes);
  await unfinished.swapIn(next, writeVolumeInfo({ ...EMPTY_VOLUME_INFO, version, offsetWidthBytes }));
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function read(needleId: bigint): Promise<string | undefined> {
  try {
    const needle = await copies.find(7)!.open(needleId, { cookie: 1 });
    const pieces: Uint8Array[] = [];
    for await (const piece of needle.read()) pieces.push(piece);
    await needle.close();
    return Buffer.concat(pieces).toString();
  } catch (error) {
    expect(error).toMatchObject({ code: 'needle-not-found' });
    return undefined;
  }
}

describe('copies that are followed', () => {
  it('are found when they are there, and show what is committed when they are told so', async () => {
    await copies.refresh(NAME);
    expect(copies.find(7)).toBeUndefined();
    await put(1n, 'one');
    await follow();
    expect(copies.find(7)).toBeUndefined();
    await copies.refresh(NAME);
    expect(await read(1n)).toBe('one');
    await put(2n, 'two');
    await put(1n, 'one again');
    await follow();
    expect([await read(1n), await read(2n)]).toEqual(['one', undefined]);
    await copies.refresh(NAME);
    expect([await read(1n), await read(2n)]).toEqual(['one again', 'two']);
    await remove(2n);
    await follow();
    await copies.refresh(NAME);
    expect(await read(2n)).toBeUndefined();
    expect(copies.list().map((volume) => volume.status())).toMatchObject([
      {
        liveNeedles: 1,
        deletedNeedles: 1,
        revision: 0,
        isReadOnly: true,
        datSizeBytes: position().datSizeBytes,
      },
    ]);
  });

  it('never show bytes behind what is committed, though they are in the file', async () => {
    await put(1n, 'one');
    await follow();
    await copies.refresh(NAME);
    await put(2n, 'unproved');
    const { held } = home;
    await held!.beginAppend();
    const from = held!.position.datSizeBytes;
    await held!.write(await leader.dat.readAt(from, position().datSizeBytes - from));
    await copies.refresh(NAME);
    expect([await read(1n), await read(2n)]).toEqual(['one', undefined]);
    await held!.rollback();
  });

  it('of another generation are the new one at once, and what is being read goes on', async () => {
    const long = Buffer.alloc(LONG_BYTES, 'long ');
    await put(1n, long);
    await put(2n, 'two');
    await follow();
    await copies.refresh(NAME);
    const volume = copies.find(7)!;
    const needle = await volume.open(1n, { cookie: 1 });
    const pieces = needle.read()[Symbol.asyncIterator]();
    const first = (await pieces.next()).value as Uint8Array;

    await remove(1n);
    await compact();
    await follow();
    await copies.refresh(NAME);
    expect([await read(1n), await read(2n)]).toEqual([undefined, 'two']);
    // Found before, asked afterwards.
    expect((await volume.open(2n)).data).toEqual(new TextEncoder().encode('two'));
    expect(volume.status().revision).toBe(1);

    const rest: Uint8Array[] = [first];
    for (let next = await pieces.next(); !next.done; next = await pieces.next()) rest.push(next.value);
    expect(Buffer.compare(Buffer.concat(rest), long)).toBe(0);
    await needle.close();
  });

  it('gather calls that come together, and the last of them sees everything', async () => {
    await put(1n, '0');
    await follow();
    await copies.refresh(NAME);
    const refreshes: Promise<void>[] = [];
    for (let i = 1; i <= 10; i++) {
      await put(1n, String(i));
      await follow();
      for (let times = 0; times < 3; times++) refreshes.push(copies.refresh(NAME));
    }
    await refreshes.at(-1);
    expect(await read(1n)).toBe('10');
    await Promise.all(refreshes);
  });

  it('that are gone are not found any more; closed is closed', async () => {
    await put(1n, 'one');
    await follow();
    await copies.refresh(NAME);
    const volume = copies.find(7)!;
    await home.close();
    await removeVolume(env, { ...COPY, assertLocked: async () => {} });
    await copies.refresh(NAME);
    expect(copies.find(7)).toBeUndefined();
    await expect(volume.open(1n)).rejects.toMatchObject({ code: 'closed' });
    await copies.close();
    await copies.refresh(NAME);
    expect(copies.list()).toEqual([]);
  });
});
