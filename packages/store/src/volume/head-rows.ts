import { type IdxEntry, SUPER_BLOCK_SIZE_BYTES } from '@holdfast/format';
import type { IdxFile } from '@holdfast/index';
import type { DataFile } from './index-replay.js';
import { walkRecords } from './record-walk.js';

/** More lost rows than any bug has made: a hostile index must not make us hold its volume's records in memory. */
const MAX_HEAD_ROWS = 1 << 20;

/**
 * Rows of records that a past bug of the server overwrote with deletions without a record: with N of them in front of
 * the index, those of the first N records whose needle no entry names (format.md §7.8).
 */
export async function findLostHeadRows(
  idx: IdxFile,
  data: DataFile,
  headTombstones: number,
): Promise<IdxEntry[]> {
  if (headTombstones === 0) return [];
  const lost = await firstRecords(data, Math.min(headTombstones, MAX_HEAD_ROWS));
  for await (const entries of idx.walk()) {
    for (let i = 0; i < entries.count; i++) lost.delete(entries.needleIdAt(i));
  }
  return [...lost.values()];
}

async function firstRecords(data: DataFile, count: number): Promise<Map<bigint, IdxEntry>> {
  const { dat, datSizeBytes, version, crc32c } = data;
  const first = new Map<bigint, IdxEntry>();
  let seen = 0;
  const walk = walkRecords(dat, {
    version,
    fromOffset: SUPER_BLOCK_SIZE_BYTES,
    toOffset: datSizeBytes,
    collect: 'headers',
    crc32c,
  });
  for await (const batch of walk.batches) {
    for (const { header, offset, isCrcValid } of batch) {
      if (!isCrcValid || seen++ === count) return first;
      first.delete(header.needleId);
      if (header.sizeBytes > 0)
        first.set(header.needleId, { needleId: header.needleId, offset, sizeBytes: header.sizeBytes });
    }
  }
  return first;
}
