import type { RandomAccess } from '@holdfast/index';
import { expect, test } from 'vitest';
import { createStampSearch, type SearchedFiles } from '../src/stamp-search.js';
import { serveStore, signal, temporaryDirectory, text } from './rig.js';

const RECORDS = 200;
/** A proof and a stamp for each of log2 n entries, and one for good measure. */
const SEARCH_READS_MAX = 2 * (Math.ceil(Math.log2(RECORDS)) + 1);

/** Header, the length of four bytes of data, these, flags, CRC. */
const STAMP_AT = 16 + 4 + 4 + 1 + 4;

function counted(file: RandomAccess): RandomAccess & { reads: number } {
  return {
    reads: 0,
    sizeBytes: () => file.sizeBytes(),
    readAt(offset, lengthBytes) {
      this.reads += 1;
      return file.readAt(offset, lengthBytes);
    },
  };
}

test('each stamp is read once, by the first search that it is there for', async () => {
  await using directory = await temporaryDirectory();
  await using served = await serveStore(directory.path);
  const volume = await served.store.allocate({ volumeId: 7, collection: '' });
  const put = (needleId: number) =>
    volume.write({ content: { needleId: BigInt(needleId), cookie: 5 }, data: text('data') });
  for (let needleId = 1; needleId < RECORDS; needleId++) await put(needleId);

  const search = createStampSearch();
  const former = volume.pin();
  const dat = counted(former.dat);
  const filesOf = (status: SearchedFiles['status'], idx: RandomAccess) => ({ status, dat, idx });
  const readsOf = async (files: SearchedFiles, sinceNs: bigint) => {
    const before = dat.reads;
    const answer = await search(files, sinceNs, signal);
    return { answer, reads: dat.reads - before };
  };
  const lengthBytes = (former.datSizeBytes - 8) / (RECORDS - 1);
  const stampOf = async (record: number) => {
    const stamp = await former.dat.readAt(8 + lengthBytes * (record - 1) + STAMP_AT, 8);
    return new DataView(stamp.buffer, stamp.byteOffset).getBigUint64(0);
  };

  const middleNs = await stampOf(100);
  const found = { kind: 'found', entryIndex: 100, offset: 8 + 100 * lengthBytes };
  const first = await readsOf(filesOf(former, former.idx), middleNs);
  expect(first.answer).toEqual(found);
  expect(first.reads).toBeGreaterThanOrEqual(RECORDS - 1);
  const second = await readsOf(filesOf(former, former.idx), middleNs);
  expect(second.answer).toEqual(found);
  expect(second.reads).toBeLessThanOrEqual(SEARCH_READS_MAX);

  await put(RECORDS);
  const present = volume.pin();
  const third = await readsOf(filesOf(present, present.idx), await stampOf(RECORDS - 1));
  expect(third.answer).toEqual({ kind: 'found', entryIndex: RECORDS - 1, offset: former.datSizeBytes });
  expect(third.reads).toBeLessThanOrEqual(SEARCH_READS_MAX + 2);
  // A reader that stays with what it has pinned is not told of what came since.
  expect((await readsOf(filesOf(former, former.idx), await stampOf(RECORDS - 1))).answer).toEqual({
    kind: 'nothing-newer',
  });
  await former.close();
  await present.close();
});
