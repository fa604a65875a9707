import { readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import type { NeedleContent } from '@holdfast/format';
import type { FollowEvent, LeaderErrorCode } from '@holdfast/protocol';
import { expect, test } from 'vitest';
import type { StoredVolume } from '../src/index.js';
import { bytesOf, serveDirectory, serveStore, signal, temporaryDirectory, text } from './rig.js';

const VOLUME = { volumeId: 7, collection: '' };
const COOKIE = 5;

function writerOf(volume: StoredVolume) {
  return {
    put: ({ data = new Uint8Array(0), ...content }: NeedleContent) => volume.write({ content, data }),
    delete: (needleId: bigint, cookie?: number) =>
      volume.delete(needleId, cookie === undefined ? {} : { cookie }),
    async compact() {
      await volume.compact();
      await volume.commitCompaction();
    },
  };
}

async function openVolume() {
  const directory = await temporaryDirectory();
  const served = await serveStore(directory.path);
  const writer = writerOf(await served.store.allocate(VOLUME));
  const session = await served.client.openSession(signal);
  return {
    ...served,
    writer,
    volume: session.volume(7, ''),
    files: async () => ({
      dat: await readFile(join(directory.path, '7.dat')),
      idx: await readFile(join(directory.path, '7.idx')),
    }),
    path: directory.path,
    async [Symbol.asyncDispose]() {
      await session.close();
      await served[Symbol.asyncDispose]();
      await directory[Symbol.asyncDispose]();
    },
  };
}

function failsWith(code: LeaderErrorCode) {
  return expect.objectContaining({ code });
}

test('status, ranges, index and sweep tell of the files as they are durable', async () => {
  await using rig = await openVolume();
  await rig.writer.put({ needleId: 1n, cookie: COOKIE, data: text('one') });
  await rig.writer.put({ needleId: 2n, cookie: COOKIE });
  const { dat, idx } = await rig.files();
  const status = await rig.volume.status(signal);
  expect(status).toMatchObject({
    revision: 0,
    datSizeBytes: dat.length,
    idxSizeBytes: idx.length,
    version: 3,
  });
  const ranges = [
    { offset: 3, lengthBytes: 21 },
    { offset: 0, lengthBytes: dat.length },
  ];
  const bytes = await bytesOf(rig.volume.readRanges(ranges, signal));
  expect(bytes).toEqual(Buffer.concat([dat.subarray(3, 24), dat]));
  expect(await bytesOf(rig.volume.readIndex(17, 34, signal))).toEqual(idx.subarray(17));
  const sweep = await rig.client.sweep(signal);
  expect(sweep).toMatchObject([{ volumeId: 7, contentBytes: dat.length, fileCount: 2, deleteCount: 0 }]);
});

test('an empty needle is live, a deleted one and an unknown one are not', async () => {
  await using rig = await openVolume();
  await rig.writer.put({ needleId: 1n, cookie: COOKIE });
  await rig.writer.put({ needleId: 2n, cookie: COOKIE, data: text('two') });
  await rig.writer.delete(2n, COOKIE);
  const live = [1n, 2n, 3n].map((needleId) => rig.volume.isNeedleLive(needleId, signal));
  expect(await Promise.all(live)).toEqual([true, false, false]);
});

test('a range past the end is refused, an unknown volume is named', async () => {
  await using rig = await openVolume();
  const { datSizeBytes } = await rig.volume.status(signal);
  const past = bytesOf(rig.volume.readRanges([{ offset: datSizeBytes - 1, lengthBytes: 2 }], signal));
  await expect(past).rejects.toEqual(failsWith('past-end'));
  const session = await rig.client.openSession(signal);
  await expect(session.volume(8, '').status(signal)).rejects.toEqual(failsWith('volume-not-found'));
  await expect(session.volume(8, '../x').status(signal)).rejects.toEqual(failsWith('volume-not-found'));
  await session.close();
});

test('a pinned copy is whole through a compaction; ranges of the old revision are refused', async () => {
  await using rig = await openVolume();
  for (let i = 0; i < 20; i++)
    await rig.writer.put({ needleId: BigInt(i % 5), cookie: COOKIE, data: text(`${i}`) });
  const before = await rig.files();
  const status = await rig.volume.status(signal);
  const copy = await rig.volume.openPinnedCopy(status, signal);
  await rig.writer.compact();
  expect(await bytesOf(copy.dat)).toEqual(before.dat);
  expect(await bytesOf(copy.idx)).toEqual(before.idx);
  await copy.close();
  const stale = bytesOf(rig.volume.readRanges([{ offset: 0, lengthBytes: 8 }], signal));
  await expect(stale).rejects.toEqual(failsWith('revision-changed'));
  const after = await rig.volume.status(signal);
  expect(after.revision).toBe(1);
  expect(after.lineageId).not.toBe(status.lineageId);
});

test('a position is proved and then everything that becomes durable is pushed', async () => {
  await using rig = await openVolume();
  await rig.writer.put({ needleId: 1n, cookie: COOKIE, data: text('before') });
  const before = await rig.files();
  const { revision, lineageId } = await rig.volume.status(signal);
  const position = {
    revision,
    lineageId: lineageId!,
    datOffset: before.dat.length,
    idxOffset: before.idx.length,
    overlap: before.dat.subarray(8),
  };
  const ending = new AbortController();
  const events = rig.volume.follow(position, AbortSignal.any([signal, ending.signal]));
  const got = { dat: [] as Uint8Array[], idx: [] as Uint8Array[], heartbeats: 0 };
  const take = async (iterator: AsyncIterator<FollowEvent>, datSize: number) => {
    while (true) {
      const { value } = await iterator.next();
      if (value.kind === 'bytes') got.dat.push(value.bytes.slice());
      if (value.kind === 'heartbeat') got.heartbeats += 1;
      if (value.kind !== 'durable') continue;
      got.idx.push(value.idxEntries.slice());
      if (value.datSizeBytes === datSize) return;
    }
  };
  const iterator = events[Symbol.asyncIterator]();
  for (const word of ['second', 'third']) {
    await rig.writer.put({ needleId: 2n, cookie: COOKIE, data: text(word) });
    await rig.writer.delete(1n).catch(() => undefined);
    await take(iterator, (await rig.files()).dat.length);
  }
  const after = await rig.files();
  expect(Buffer.concat([before.dat, ...got.dat])).toEqual(after.dat);
  expect(Buffer.concat([before.idx, ...got.idx])).toEqual(after.idx);
  // The history ends: the stream says so and does not go on in another one.
  await rig.writer.compact();
  const next = (async () => {
    while (true) await iterator.next();
  })();
  await expect(next).rejects.toEqual(failsWith('revision-changed'));
  ending.abort();
});

test.each([
  ['another revision', { revision: 1 }],
  ['another lineage', { lineageId: 'another' }],
  ['other bytes before it', { overlap: text('otherwise') }],
  ['a place past the end', { datOffset: 1 << 20 }],
  ['a place inside an entry', { idxOffset: 3 }],
])('a position with %s is refused', async (_what, change) => {
  await using rig = await openVolume();
  await rig.writer.put({ needleId: 1n, cookie: COOKIE, data: text('before') });
  const { dat, idx } = await rig.files();
  const { revision, lineageId } = await rig.volume.status(signal);
  const position = {
    revision,
    lineageId: lineageId!,
    datOffset: dat.length,
    idxOffset: idx.length,
    overlap: dat.subarray(8),
  };
  const follow = async () => {
    for await (const _ of rig.volume.follow({ ...position, ...change }, signal)) return;
  };
  await expect(follow()).rejects.toEqual(failsWith('position-refused'));
});

test('what is newer than a time comes from its first byte; where it does not lie together that is refused', async () => {
  await using rig = await openVolume();
  await rig.writer.put({ needleId: 2n, cookie: COOKIE, data: text('two') });
  const { dat: first } = await rig.files();
  // The stamp of a record of 3 bytes of data: before 4 bytes of padding (format.md §4).
  const sinceNs = first.readBigUInt64BE(first.length - 12);
  await rig.writer.put({ needleId: 3n, cookie: COOKIE, data: text('three') });
  const { dat } = await rig.files();
  const since = async (ns: bigint) => {
    const parts: Uint8Array[] = [];
    let startsAt = -1;
    for await (const event of rig.volume.followSince(ns, false, signal)) {
      if (event.kind === 'start') startsAt = event.datOffset;
      if (event.kind === 'bytes') parts.push(event.bytes.slice());
    }
    return { startsAt, bytes: Buffer.concat(parts) };
  };
  expect(await since(0n)).toEqual({ startsAt: 8, bytes: dat.subarray(8) });
  expect(await since(2n ** 63n)).toEqual({ startsAt: dat.length, bytes: Buffer.alloc(0) });
  expect(await since(sinceNs)).toEqual({ startsAt: first.length, bytes: dat.subarray(first.length) });
});

test('a file that was cut in place is another history', async () => {
  await using directory = await temporaryDirectory();
  {
    await using written = await serveStore(directory.path);
    const writer = writerOf(await written.store.allocate(VOLUME));
    await writer.put({ needleId: 1n, cookie: COOKIE, data: text('one') });
    await writer.put({ needleId: 2n, cookie: COOKIE, data: text('two') });
  }
  await using served = await serveDirectory(directory.path);
  const session = await served.client.openSession(signal);
  const before = await session.volume(7, '').status(signal);
  await truncate(join(directory.path, '7.idx'), 17);
  const after = await session.volume(7, '').status(signal);
  expect(after.datSizeBytes).toBeLessThan(before.datSizeBytes);
  expect(after.lineageId).not.toBe(before.lineageId);
  await session.close();
});
