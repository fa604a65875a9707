import {
  FormatError,
  type FramedRecord,
  type IdxEntry,
  parseNeedle,
  recordLengthBytes,
  recordSizeOfEntry,
  SUPER_BLOCK_SIZE_BYTES,
} from '@holdfast/format';
import { headerFitsEntry } from '@holdfast/index';
import type { EntriesByOffset } from './entries-by-offset.js';
import type { DataFile } from './index-replay.js';
import { findCheckedRecord, hasCheckedRecord, readHeader, unpaddedLengthBytes } from './record-probe.js';
import { walkRecords } from './record-walk.js';

/** One thing that a walk over data and index, side by side, comes upon. */
export type SurveyItem =
  /** A record that is in order, and the entries that point at it: none, one, seldom more. */
  | { readonly kind: 'record'; readonly record: FramedRecord; readonly entries: readonly IdxEntry[] }
  /** Bytes that should be a record, or are one with damage. `record` where it could be told from the next one. */
  | {
      readonly kind: 'damaged';
      readonly offset: number;
      readonly endOffset: number;
      readonly reason: string;
      readonly record: FramedRecord | undefined;
      readonly entries: readonly IdxEntry[];
    }
  /** An entry that points at no record's start. */
  | { readonly kind: 'stray-entry'; readonly entry: IdxEntry }
  /** What is behind the last record: one cut short, one that lacks only padding, or bytes that are none. */
  | {
      readonly kind: 'rest';
      readonly rest: 'torn' | 'missing-padding' | 'trailing';
      readonly offset: number;
      readonly entries: readonly IdxEntry[];
    };

/** Where to go on behind something damaged. */
interface Resumption {
  readonly item: SurveyItem;
  readonly offset: number;
}

/**
 * Reads all of the data once, front to back, with the index beside it. Damage does not end it: entries tell where the
 * next record is, else the next record with the right CRC is looked for. Memory for one record and the entries.
 */
export async function* survey(
  data: DataFile,
  entries: EntriesByOffset,
  signal?: AbortSignal,
): AsyncGenerator<SurveyItem> {
  let offset = SUPER_BLOCK_SIZE_BYTES;
  while (offset < data.datSizeBytes) {
    const walk = walkRecords(data.dat, {
      version: data.version,
      fromOffset: offset,
      toOffset: data.datSizeBytes,
      collect: 'records',
      crc32c: data.crc32c,
      signal,
    });
    let resumeAt: number | undefined;
    scan: for await (const batch of walk.batches) {
      for (const record of batch) {
        for (const entry of entries.takeBefore(record.offset)) yield { kind: 'stray-entry', entry };
        const here = entries.takeAt(record.offset);
        const reason = damageOf(record, data);
        offset = record.offset + record.lengthBytes;
        if (reason === undefined) {
          yield { kind: 'record', record, entries: here };
          continue;
        }
        // The header of a damaged record may be what is damaged: its entry knows the length better.
        resumeAt = endByEntry(here, record.header.sizeBytes, data);
        const endOffset = resumeAt ?? offset;
        yield { kind: 'damaged', offset: record.offset, endOffset, reason, record, entries: here };
        if (resumeAt !== undefined) break scan;
      }
    }
    if (resumeAt !== undefined) {
      offset = resumeAt;
      continue;
    }
    if (walk.stop === undefined) break;
    for (const entry of entries.takeBefore(walk.stop.offset)) yield { kind: 'stray-entry', entry };
    const { item, offset: next } = await goOnBehind(walk.stop.offset, walk.stop.cause.message, data, entries);
    yield item;
    offset = next;
  }
  for (const entry of entries.takeBefore(Number.POSITIVE_INFINITY)) yield { kind: 'stray-entry', entry };
}

function damageOf(record: FramedRecord, { version }: DataFile): string | undefined {
  if (!record.isCrcValid) return 'its data do not have their CRC';
  try {
    parseNeedle(record.bytes!, version, { crc32c: () => record.crc });
    return undefined;
  } catch (error) {
    if (error instanceof FormatError) return error.message;
    throw error;
  }
}

/** The end of the record at an offset, as an entry has it that disagrees with the header about the size. */
function endByEntry(here: readonly IdxEntry[], headerSizeBytes: number, data: DataFile): number | undefined {
  for (const entry of here) {
    const sizeBytes = recordSizeOfEntry(entry.sizeBytes);
    const endOffset = entry.offset + recordLengthBytes(data.version, sizeBytes);
    if (sizeBytes !== headerSizeBytes && endOffset <= data.datSizeBytes) return endOffset;
  }
  return undefined;
}

/** What to make of `offset`, where no record can be cut out of the bytes, and where to go on. */
async function goOnBehind(
  offset: number,
  reason: string,
  data: DataFile,
  entries: EntriesByOffset,
): Promise<Resumption> {
  const { dat, datSizeBytes, version, crc32c } = data;
  const here = entries.takeAt(offset);
  const damagedTo = (endOffset: number): Resumption => ({
    item: { kind: 'damaged', offset, endOffset, reason, record: undefined, entries: here },
    offset: endOffset,
  });
  const byEntry = endByEntry(here, -1, data);
  if (byEntry !== undefined) return damagedTo(byEntry);
  for (const entry of entries.upcoming()) {
    const header = await readHeader(dat, entry.offset);
    if (header !== undefined && headerFitsEntry(header, entry)) return damagedTo(entry.offset);
  }
  const next = await findCheckedRecord(dat, offset + 8, data.contentEndOffset, { version, crc32c });
  if (next.kind === 'found') return damagedTo(next.offset);
  return {
    item: { kind: 'rest', rest: await kindOfRest(offset, data), offset, entries: here },
    offset: datSizeBytes,
  };
}

async function kindOfRest(
  offset: number,
  { dat, datSizeBytes, version, crc32c }: DataFile,
): Promise<'torn' | 'missing-padding' | 'trailing'> {
  const header = await readHeader(dat, offset);
  if (header === undefined || header.sizeBytes < 0) return 'trailing';
  const isWhole = offset + unpaddedLengthBytes(version, header.sizeBytes) <= datSizeBytes;
  if (isWhole && header.sizeBytes === 0) return 'missing-padding';
  if (isWhole && (await hasCheckedRecord(dat, offset, datSizeBytes, { version, crc32c })))
    return 'missing-padding';
  const head = await dat.readAt(offset + 16, 4);
  const dataSizeBytes = head.length < 4 ? 0 : new DataView(head.buffer, head.byteOffset).getUint32(0);
  return version === 1 || dataSizeBytes <= header.sizeBytes - 4 ? 'torn' : 'trailing';
}
