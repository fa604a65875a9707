import {
  IDX_WRAP_BYTES,
  idxEntrySizeBytes,
  NEEDLE_HEADER_SIZE_BYTES,
  offsetCandidates,
  parseNeedleHeader,
  recordLengthBytes,
  recordSizeOfEntry,
  SUPER_BLOCK_SIZE_BYTES,
} from '@holdfast/format';
import { headerFitsEntry, type IdxEntries, openIdx, type RandomAccess } from '@holdfast/index';
import type { VolumeFiles } from './volume-files.js';

/** Lengths of the two files that may be believed: what is durable, or all there is. */
export interface FileLimits {
  readonly datSizeBytes: number;
  readonly idxSizeBytes: number;
}

/** What of the files is served: `.dat` and `.idx` lengths that belong together, at a record's end. */
export interface ServedLengths {
  readonly datSizeBytes: number;
  readonly idxSizeBytes: number;
  /** Entries that put, and entries that delete. */
  readonly fileCount: number;
  readonly deleteCount: number;
}

/** Reads on in an `.idx` as it grows. */
export interface IndexCursor {
  /**
   * The lengths to serve within the limits: up to the last entry whose record is whole, and up to the greatest end
   * of such a record. Torn and unindexed bytes behind it, and entries past the end, are not served.
   */
  advance(limits: FileLimits, signal: AbortSignal): Promise<ServedLengths>;
}

export function createIndexCursor(
  files: Pick<VolumeFiles, 'version' | 'offsetWidthBytes'> & {
    readonly dat: RandomAccess;
    readonly idx: RandomAccess;
  },
): IndexCursor {
  const entrySize = idxEntrySizeBytes(files.offsetWidthBytes);
  let served: ServedLengths = {
    datSizeBytes: SUPER_BLOCK_SIZE_BYTES,
    idxSizeBytes: 0,
    fileCount: 0,
    deleteCount: 0,
  };

  async function recordEnd(entries: IdxEntries, i: number, datSizeBytes: number): Promise<number> {
    const lengthBytes = recordLengthBytes(files.version, recordSizeOfEntry(entries.sizeBytesAt(i)));
    const offset = entries.offsetAt(i);
    if (files.offsetWidthBytes === 5 || datSizeBytes <= IDX_WRAP_BYTES) return offset + lengthBytes;
    for (const candidate of offsetCandidates(offset, 4, datSizeBytes)) {
      const header = await files.dat.readAt(candidate, NEEDLE_HEADER_SIZE_BYTES);
      if (
        header.length === NEEDLE_HEADER_SIZE_BYTES &&
        headerFitsEntry(parseNeedleHeader(header), entries.entryAt(i))
      ) {
        return candidate + lengthBytes;
      }
    }
    return offset + lengthBytes;
  }

  async function advance(limits: FileLimits, signal: AbortSignal): Promise<ServedLengths> {
    const sizeBytes = limits.idxSizeBytes - (limits.idxSizeBytes % entrySize);
    if (sizeBytes <= served.idxSizeBytes) return served;
    const idx = await openIdx(files.idx, files.offsetWidthBytes, { sizeBytes });
    let { datSizeBytes, idxSizeBytes, fileCount, deleteCount } = served;
    let puts = fileCount;
    let deletes = deleteCount;
    for await (const entries of idx.walk({ fromEntry: served.idxSizeBytes / entrySize, signal })) {
      for (let i = 0; i < entries.count; i++) {
        const isPut = entries.offsetAt(i) !== 0 && entries.sizeBytesAt(i) >= 0;
        if (isPut) puts += 1;
        else deletes += 1;
        const end = entries.offsetAt(i) === 0 ? 0 : await recordEnd(entries, i, limits.datSizeBytes);
        if (end > limits.datSizeBytes) continue;
        datSizeBytes = Math.max(datSizeBytes, end);
        idxSizeBytes = (entries.firstEntryIndex + i + 1) * entrySize;
        fileCount = puts;
        deleteCount = deletes;
      }
    }
    served = { datSizeBytes, idxSizeBytes, fileCount, deleteCount };
    return served;
  }

  return { advance };
}
