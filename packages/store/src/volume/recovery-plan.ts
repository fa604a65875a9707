import {
  type Crc32c,
  type FramedRecord,
  type IdxEntry,
  type OffsetWidthBytes,
  recordLengthBytes,
  SUPER_BLOCK_SIZE_BYTES,
  TOMBSTONE_SIZE,
  type Version,
} from '@holdfast/format';
import { headerFitsEntry, openIdx, type RandomAccess } from '@holdfast/index';
import { StoreError } from '../errors.js';
import type { NeedleMap } from '../needle-map.js';
import { EncodedEntries } from './encoded-entries.js';
import { findLostHeadRows } from './head-rows.js';
import { type DataFile, type IndexReplay, replayIndex } from './index-replay.js';
import { mayLackPart } from './missing-parts.js';
import { boundedAccess } from './random-access.js';
import {
  findCheckedRecord,
  hasCheckedRecord,
  readHeader,
  trailingZerosOffset,
  unpaddedLengthBytes,
} from './record-probe.js';
import { walkRecords } from './record-walk.js';
import type { VolumePaths } from './volume-paths.js';
import { wholeIdxBytes } from './whole-idx.js';
import type { WritingNote } from './writing-note.js';

export interface RecoveryInput {
  readonly dat: RandomAccess;
  readonly idx: RandomAccess;
  readonly isIndexMissing: boolean;
  readonly version: Version;
  readonly offsetWidthBytes: OffsetWidthBytes;
  readonly paths: VolumePaths;
  readonly crc32c: Crc32c;
  /** Of a writer of ours that was cut short: what it left without an entry was never promised to be durable. */
  readonly writingNote?: WritingNote | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How the files of a volume differ from what they should be, and the needle map as it will be. */
export interface RecoveryPlan {
  readonly map: NeedleMap;
  /** The length that the `.dat` should have, and has now. */
  readonly datSizeBytes: number;
  readonly foundDatSizeBytes: number;
  /** The stamp of the physically last record, 0n if there is none or the version has none (format.md §4.1). */
  readonly lastAppendAtNs: bigint;
  readonly isIndexMissing: boolean;
  /** Bytes behind the last whole index entry that is to be believed. */
  readonly partialEntryBytes: number;
  readonly entryCount: number;
  /** Indexes of entries to drop: their records are past the end. */
  readonly droppedEntries: ReadonlySet<number>;
  /** Entries to put in front: rows that a past bug of the server overwrote (format.md §7.8). */
  readonly frontEntries: EncodedEntries;
  /**
   * Where the records begin that a writer of ours had not synced, as far as it got: a sync that failed may have left
   * them readable and not on the disk, so they are written again. `undefined` where there are none.
   */
  readonly unsyncedFromOffset: number | undefined;
  /** Where the last record ends that has an entry: the first of `backEntries` begins there. */
  readonly indexedEndOffset: number;
  /** Entries to append: of whole, checked records that the index lacks. */
  readonly backEntries: EncodedEntries;
  /** Of `backEntries`, records without data that may be deletions or live empty needles; taken for deletions. */
  readonly ambiguousEntries: number;
}

export function needsRecovery(plan: RecoveryPlan): boolean {
  return (
    plan.datSizeBytes !== plan.foundDatSizeBytes ||
    plan.isIndexMissing ||
    plan.partialEntryBytes > 0 ||
    plan.droppedEntries.size > 0 ||
    plan.frontEntries.count > 0 ||
    plan.backEntries.count > 0
  );
}

/**
 * Finds what recovery asks of a store without a leader; changes nothing. Records that the index has
 * are not read again but for the last ones: a damaged one is an error when it is read. Fails with `corrupt` where a
 * bad record has good ones behind it and no entry tells where they are, with `index-mismatch` where the index is that
 * of other data.
 */
export async function planRecovery(input: RecoveryInput): Promise<RecoveryPlan> {
  const foundDatSizeBytes = await input.dat.sizeBytes();
  let datSizeBytes = foundDatSizeBytes;
  for (;;) {
    const { plan, indexedEndOffset } = await planWithin(input, datSizeBytes);
    // What was cut may have had entries, which then are entries past the end. Each round ends lower.
    if (indexedEndOffset <= plan.datSizeBytes) return { ...plan, foundDatSizeBytes };
    datSizeBytes = plan.datSizeBytes;
  }
}

/** The plan for the first `datSizeBytes` of the data, and where the last record ends that an entry speaks of. */
async function planWithin(
  input: RecoveryInput,
  datSizeBytes: number,
): Promise<{ plan: RecoveryPlan; indexedEndOffset: number }> {
  const { version, offsetWidthBytes, crc32c, signal } = input;
  const dat = boundedAccess(input.dat, () => datSizeBytes);
  const idxSizeBytes = await input.idx.sizeBytes();
  const contentEndOffset = Math.max(SUPER_BLOCK_SIZE_BYTES, await trailingZerosOffset(dat, datSizeBytes));
  const data: DataFile = { dat, datSizeBytes, contentEndOffset, version, offsetWidthBytes, crc32c };
  const sizeBytes = await wholeIdxBytes(input.idx, data, input.writingNote);
  const partialEntryBytes = idxSizeBytes - sizeBytes;
  const idx = await openIdx(input.idx, offsetWidthBytes, { sizeBytes });

  const replay = await replayIndex(idx, data, signal);
  const frontEntries = await findLostHeadRows(idx, data, replay.headTombstones);
  for (const entry of frontEntries) replay.map.apply(entry);
  const indexedEnd = await findIndexedEnd(replay, data, input.paths);
  const tail = await readTail(indexedEnd, data, replay.map, input);
  const isUnsynced = input.writingNote !== undefined && tail.entries.count > 0;

  const plan: RecoveryPlan = {
    map: replay.map,
    datSizeBytes: tail.endOffset,
    foundDatSizeBytes: datSizeBytes,
    lastAppendAtNs: tail.lastAppendAtNs ?? (await stampOf(replay, data)),
    isIndexMissing: input.isIndexMissing,
    partialEntryBytes,
    entryCount: idx.entryCount,
    droppedEntries: replay.pastEnd,
    frontEntries: EncodedEntries.of(frontEntries, offsetWidthBytes),
    unsyncedFromOffset: isUnsynced ? indexedEnd : undefined,
    indexedEndOffset: indexedEnd,
    backEntries: tail.entries,
    ambiguousEntries: tail.ambiguousEntries,
  };
  return { plan, indexedEndOffset: replay.lastRecords[0]?.endOffset ?? 0 };
}

/** Where the last indexed record that is really there ends. */
async function findIndexedEnd(
  { lastRecords, isAllRecords }: IndexReplay,
  { dat, datSizeBytes, contentEndOffset, version, crc32c }: DataFile,
  { dat: datPath, idx: path, name: volume }: VolumePaths,
): Promise<number> {
  if (lastRecords.length === 0) return SUPER_BLOCK_SIZE_BYTES;
  for (const { entry, endOffset } of lastRecords) {
    // A record that ends exactly where the file does was written whole, whatever has befallen its header since.
    if (endOffset === datSizeBytes) return endOffset;
    const header = await readHeader(dat, entry.offset);
    if (header === undefined) continue;
    if (headerFitsEntry(header, entry)) return endOffset;
    const ownEnd = entry.offset + recordLengthBytes(version, Math.max(0, header.sizeBytes));
    // One of the two is wrong about id or size, but it is a record, and this is its end.
    if (
      ownEnd === endOffset &&
      (await hasCheckedRecord(dat, entry.offset, datSizeBytes, { version, crc32c }))
    )
      return endOffset;
  }
  // None is there. If no other record is either, a power failure took them before they were durable.
  const found = await findCheckedRecord(dat, SUPER_BLOCK_SIZE_BYTES, contentEndOffset, { version, crc32c });
  if (isAllRecords && found.kind === 'none') return SUPER_BLOCK_SIZE_BYTES;
  const { entry } = lastRecords[0]!;
  const { offset, needleId } = entry;
  throw new StoreError('index-mismatch', `${path} is not the index of ${datPath}`, {
    path,
    volume,
    offset,
    needleId,
  });
}

interface Tail {
  readonly endOffset: number;
  readonly entries: EncodedEntries;
  readonly ambiguousEntries: number;
  readonly lastAppendAtNs: bigint | undefined;
}

/** The records behind the indexed ones; adds them to the map. */
async function readTail(
  fromOffset: number,
  data: DataFile,
  map: NeedleMap,
  input: RecoveryInput,
): Promise<Tail> {
  const { dat, datSizeBytes, version, crc32c } = data;
  const entries = new EncodedEntries(data.offsetWidthBytes);
  let ambiguousEntries = 0;
  let endOffset = fromOffset;
  let lastAppendAtNs: bigint | undefined;

  const add = (record: Pick<FramedRecord, 'offset' | 'header' | 'storedCrc' | 'appendAtNs'>, end: number) => {
    const entry = entryOf(record);
    if (entry.sizeBytes === TOMBSTONE_SIZE && record.storedCrc === 0) ambiguousEntries++;
    entries.push(entry);
    map.apply(entry);
    endOffset = end;
    lastAppendAtNs = record.appendAtNs;
  };

  const walk = walkRecords(dat, {
    version,
    fromOffset,
    toOffset: datSizeBytes,
    collect: 'headers',
    crc32c,
    signal: input.signal,
  });
  let badRecord: FramedRecord | undefined;
  for await (const batch of walk.batches) {
    for (const record of batch) {
      // What a writer of ours left has been promised to nobody, so nothing doubtful of it need be kept.
      const isDoubtful = input.writingNote !== undefined && (await mayLackPart(dat, record, version));
      if (isDoubtful || !isWhole(record, version)) badRecord = record;
      if (badRecord !== undefined) break;
      add(record, record.offset + record.lengthBytes);
    }
    if (badRecord !== undefined) break;
  }
  if (badRecord === undefined && walk.stop === undefined)
    return { endOffset, entries, ambiguousEntries, lastAppendAtNs };

  const unpadded = await readUnpadded(endOffset, data);
  if (unpadded !== undefined) {
    add(unpadded, endOffset + recordLengthBytes(version, unpadded.header.sizeBytes));
  } else if (endOffset < (input.writingNote?.fromOffset ?? Number.POSITIVE_INFINITY)) {
    await assertNothingBehind(endOffset, badRecord, data, input.paths);
  }
  return { endOffset, entries, ambiguousEntries, lastAppendAtNs };
}

/**
 * Whether nothing of a record is missing. Sectors that a power failure took read as zeros: without its first ones a
 * body has no data, and then no CRC that could be wrong; a deletion without its tail has no stamp. No writer writes such.
 */
function isWhole({ header, dataSizeBytes, isCrcValid, appendAtNs }: FramedRecord, version: Version): boolean {
  if (version > 1 && header.sizeBytes > 0 && dataSizeBytes === 0) return false;
  return isCrcValid && (version < 3 || appendAtNs !== 0n);
}

/** The entry for a record that no index speaks of. One without data is taken for a deletion (format.md §4.3). */
export function entryOf({ offset, header }: Pick<FramedRecord, 'offset' | 'header'>): IdxEntry {
  return {
    needleId: header.needleId,
    offset,
    sizeBytes: header.sizeBytes === 0 ? TOMBSTONE_SIZE : header.sizeBytes,
  };
}

/** The last record of the file if nothing but padding is missing from it. */
async function readUnpadded(offset: number, { dat, datSizeBytes, version, crc32c }: DataFile) {
  const header = await readHeader(dat, offset);
  if (header === undefined || header.sizeBytes < 0) return undefined;
  const unpadded = offset + unpaddedLengthBytes(version, header.sizeBytes);
  if (unpadded > datSizeBytes || offset + recordLengthBytes(version, header.sizeBytes) <= datSizeBytes)
    return undefined;
  if (!(await hasCheckedRecord(dat, offset, datSizeBytes, { version, crc32c }))) return undefined;
  const appendAtNs = version === 3 ? await readStamp(dat, unpadded) : 0n;
  return { offset, header, storedCrc: 1, appendAtNs };
}

async function assertNothingBehind(
  offset: number,
  badRecord: FramedRecord | undefined,
  { dat, contentEndOffset, version, crc32c }: DataFile,
  { dat: path, name: volume }: VolumePaths,
): Promise<void> {
  const next = await findCheckedRecord(dat, offset + 8, contentEndOffset, { version, crc32c });
  if (next.kind === 'none') return;
  throw new StoreError('corrupt', `${path}: no good record at ${offset}, but there are some behind it`, {
    path,
    volume,
    offset,
    needleId: badRecord?.header.needleId,
    found: next.offset,
  });
}

async function stampOf({ lastRecords }: IndexReplay, { dat, version }: DataFile): Promise<bigint> {
  const last = lastRecords[0];
  if (version !== 3 || last === undefined) return 0n;
  const sizeBytes = Math.max(0, last.entry.sizeBytes);
  return readStamp(dat, last.entry.offset + unpaddedLengthBytes(version, sizeBytes));
}

/** The stamp that ends at `endOffset`. */
async function readStamp(dat: RandomAccess, endOffset: number): Promise<bigint> {
  const bytes = await dat.readAt(endOffset - 8, 8);
  return bytes.length < 8 ? 0n : new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0);
}
