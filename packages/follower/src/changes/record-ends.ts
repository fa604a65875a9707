import {
  APPEND_AT_SIZE_BYTES,
  CRC_SIZE_BYTES,
  type IdxEntry,
  isCrcOf,
  NEEDLE_HEADER_SIZE_BYTES,
  offsetCandidates,
  parseNeedleHeader,
  recordSizeOfEntry,
} from '@holdfast/format';
import { headerFitsEntry } from '@holdfast/index';
import type { OpenIndex } from './open-index.js';

/** What a record says of itself before and behind its body. */
export interface RecordEnds {
  readonly cookie: number;
  readonly sizeBytes: number;
  /** In either of its two encodings (format.md §4). */
  readonly storedCrc: number;
  /** `undefined` in version 1 and 2. */
  readonly appendAtNs: bigint | undefined;
}

/** `undefined` where the record of the entry is not there, or there never was one. */
export async function readRecordEnds(
  { reader, dat }: Pick<OpenIndex, 'reader' | 'dat'>,
  entry: IdxEntry,
): Promise<RecordEnds | undefined> {
  const { version, offsetWidthBytes, datSizeBytes } = reader.position;
  const sizeBytes = recordSizeOfEntry(entry.sizeBytes);
  for (const offset of offsetCandidates(entry.offset, offsetWidthBytes, datSizeBytes)) {
    const head = await dat.readAt(offset, NEEDLE_HEADER_SIZE_BYTES);
    if (head.length < NEEDLE_HEADER_SIZE_BYTES) continue;
    const header = parseNeedleHeader(head);
    if (!headerFitsEntry(header, entry)) continue;
    const tailOffset = offset + NEEDLE_HEADER_SIZE_BYTES + sizeBytes;
    const tail = await dat.readAt(tailOffset, CRC_SIZE_BYTES + APPEND_AT_SIZE_BYTES);
    if (tail.length < CRC_SIZE_BYTES + (version === 3 ? APPEND_AT_SIZE_BYTES : 0)) continue;
    const view = new DataView(tail.buffer, tail.byteOffset, tail.length);
    const appendAtNs = version === 3 ? view.getBigUint64(CRC_SIZE_BYTES) : undefined;
    return { cookie: header.cookie, sizeBytes, storedCrc: view.getUint32(0), appendAtNs };
  }
  return undefined;
}

/**
 * Whether both are of one and the same write, carried over by a compaction. Another server's copy of it has a stamp of
 * its own: there the rest has to do.
 */
export function isSameWrite(
  a: RecordEnds | undefined,
  b: RecordEnds | undefined,
  isOneServer: boolean,
): boolean {
  if (a === undefined || b === undefined) return false;
  const haveStamps = isOneServer && a.appendAtNs !== undefined && b.appendAtNs !== undefined;
  return (
    a.cookie === b.cookie &&
    a.sizeBytes === b.sizeBytes &&
    (isCrcOf(a.storedCrc, b.storedCrc) || isCrcOf(b.storedCrc, a.storedCrc)) &&
    (!haveStamps || a.appendAtNs === b.appendAtNs)
  );
}
