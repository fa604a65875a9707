import type { Random } from '@holdfast/format';
import { createGrowingFile, type GrowingFile } from './growing-file.js';
import {
  type RecordVersion,
  readStockEntries,
  type StockEntry,
  stockRecordLengthBytes,
  stockTombstoneRecord,
  writeStockEntry,
} from './stock-record.js';

/** The `.cpd` and `.cpx` of a compaction, and how far the `.idx` had come when it began. */
export interface StockCompaction {
  readonly datFile: GrowingFile;
  readonly idxFile: GrowingFile;
  readonly idxSizeAtStartBytes: number;
}

interface CompactionSource {
  readonly datFile: GrowingFile;
  readonly idxFile: GrowingFile;
  readonly offsetWidthBytes: 4 | 5;
  readonly runtimeVersion: RecordVersion;
}

const SUPER_BLOCK_SIZE_BYTES = 8;
const MAKEUP_TOMBSTONE_COOKIE = 0x12345678;

function appendRecord(
  to: Pick<StockCompaction, 'datFile' | 'idxFile'>,
  record: Uint8Array,
  entry: Omit<StockEntry, 'offset'>,
  offsetWidthBytes: 4 | 5,
): void {
  const offset = to.datFile.sizeBytes;
  to.datFile.write(offset, record);
  to.idxFile.write(to.idxFile.sizeBytes, writeStockEntry({ ...entry, offset }, offsetWidthBytes));
}

/** Live records in key order with the stamps that they had; tombstones leave no trace (format.md §8, by index). */
export function startCompaction(
  source: CompactionSource & { readonly needleMap: ReadonlyMap<bigint, StockEntry> },
): StockCompaction {
  const { datFile, idxFile, needleMap, offsetWidthBytes, runtimeVersion } = source;
  const superBlock = datFile.read(0, SUPER_BLOCK_SIZE_BYTES);
  const view = new DataView(superBlock.buffer);
  view.setUint8(0, runtimeVersion);
  view.setUint16(4, view.getUint16(4) + 1);
  const compaction: StockCompaction = {
    datFile: createGrowingFile(superBlock),
    idxFile: createGrowingFile(),
    idxSizeAtStartBytes: idxFile.sizeBytes,
  };
  const live = [...needleMap.values()].filter((entry) => entry.sizeBytes >= 0);
  live.sort((left, right) => (left.needleId < right.needleId ? -1 : 1));
  for (const entry of live) {
    const record = datFile.read(entry.offset, stockRecordLengthBytes(runtimeVersion, entry.sizeBytes));
    appendRecord(compaction, record, entry, offsetWidthBytes);
  }
  return compaction;
}

/**
 * What was written while the compaction ran: the last entry of each changed key, in random order. A live record is
 * copied as it is; a deletion, and an empty body, become a new tombstone stamped with the time of the commit.
 */
export function applyChangesSince(
  compaction: StockCompaction,
  source: CompactionSource & { readonly nowNs: () => bigint; readonly random: Random },
): void {
  const { datFile, idxFile, offsetWidthBytes, runtimeVersion, nowNs, random } = source;
  const added = idxFile.read(compaction.idxSizeAtStartBytes, idxFile.sizeBytes);
  const lastOfKey = new Map(
    readStockEntries(added, offsetWidthBytes).map((entry) => [entry.needleId, entry]),
  );
  const shuffled = [...lastOfKey.values()]
    .map((entry) => ({ entry, rank: random.nextFloat() }))
    .sort((left, right) => left.rank - right.rank);
  for (const { entry } of shuffled) {
    const record =
      entry.sizeBytes > 0
        ? datFile.read(entry.offset, stockRecordLengthBytes(runtimeVersion, entry.sizeBytes))
        : stockTombstoneRecord(entry.needleId, MAKEUP_TOMBSTONE_COOKIE, runtimeVersion, 0, nowNs());
    appendRecord(compaction, record, entry, offsetWidthBytes);
  }
}
