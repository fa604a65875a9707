import { type IdxEntry, isDeletion, offsetCandidates, recordSizeOfEntry } from '@holdfast/format';
import { isStoreError, type NeedleStream, openNeedleStream, type StoreEnvironment } from '@holdfast/store';
import { examineRecord } from '../examine.js';
import type { OpenIndex } from './open-index.js';
import { readRecordEnds } from './record-ends.js';

/** What has become of one needle. */
export type NeedleEvent =
  /** It was written. Its record was checked, CRC included; its data can be read until the next change is asked for. */
  | { readonly kind: 'put'; readonly needleId: bigint; readonly needle: NeedleStream }
  /** It was deleted. `cookie` as the record says, 0 where who deleted gave none; `undefined` where there is no record. */
  | { readonly kind: 'delete'; readonly needleId: bigint; readonly cookie: number | undefined }
  /** It was written, and the leader itself has only bad bytes of it: what is kept is the same. */
  | {
      readonly kind: 'damaged';
      readonly needleId: bigint;
      readonly offset: number;
      readonly reason: string;
    };

/** The event that an entry of an index tells of. */
export async function eventOf(
  env: StoreEnvironment,
  index: OpenIndex,
  entry: IdxEntry,
): Promise<NeedleEvent> {
  return isDeletion(entry) ? await deletionOf(index, entry) : await putOf(env, index, entry);
}

/** A deletion, whose cookie `entry`'s record has: its own, or that of the needle that is gone. */
export async function deletionOf(index: OpenIndex, entry: IdxEntry): Promise<NeedleEvent> {
  const cookie = (await readRecordEnds(index, entry))?.cookie;
  return { kind: 'delete', needleId: entry.needleId, cookie };
}

export async function putOf(
  { crc32c }: StoreEnvironment,
  { reader, dat }: OpenIndex,
  entry: IdxEntry,
): Promise<NeedleEvent> {
  const { needleId } = entry;
  const { version, offsetWidthBytes, datSizeBytes, leaderCopy } = reader.position;
  const sizeBytes = recordSizeOfEntry(entry.sizeBytes);
  let reason = 'no record is there';
  for (const offset of offsetCandidates(entry.offset, offsetWidthBytes, datSizeBytes)) {
    const found = await examineRecord(dat, { offset, needleId, sizeBytes }, version, datSizeBytes, crc32c);
    if (found.kind === 'bad') {
      reason = found.reason;
      continue;
    }
    const records = { name: String(leaderCopy.volumeId), version: found.version, readRange: dat.readAt };
    try {
      const needle = await openNeedleStream(records, { ...entry, offset }, crc32c);
      return { kind: 'put', needleId, needle };
    } catch (error) {
      if (!isStoreError(error, 'corrupt')) throw error;
      reason = error.message;
    }
  }
  return { kind: 'damaged', needleId, offset: entry.offset, reason };
}
