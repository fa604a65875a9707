import {
  type Crc32c,
  FormatError,
  type IdxEntry,
  NEEDLE_HEADER_SIZE_BYTES,
  parseNeedle,
  parseNeedleHeader,
  recordLengthBytes,
} from '@holdfast/format';
import { headerFitsEntry } from '@holdfast/index';
import { isStoreError, StoreError } from '../errors.js';
import { openNeedleStream, type ReadableRecords } from '../needle-stream.js';

/** Read at once; a longer record comes in pieces of this length. */
const WINDOW_BYTES = 1 << 20;

/** A record that is to be kept: all of it in `bytes`, or the first piece of a longer one. */
export interface LiveRecord {
  readonly entry: IdxEntry;
  readonly pieces: readonly Uint8Array[] | AsyncIterable<Uint8Array>;
  /** Its data do not have their CRC, or its fields do not fit into it. */
  readonly isDamaged: boolean;
}

/**
 * The records of the entries, which come in the order of the file, bytes as they are. Those that lie together are read
 * together. Fails with `corrupt` where a record is not the one that its entry speaks of.
 */
export async function* readLiveRecords(
  records: ReadableRecords,
  entries: Iterable<IdxEntry>,
  crc32c: Crc32c,
): AsyncGenerator<readonly LiveRecord[]> {
  const { version } = records;
  let run: IdxEntry[] = [];
  const endOf = (entry: IdxEntry) => entry.offset + recordLengthBytes(version, entry.sizeBytes);
  for (const entry of entries) {
    const start = run[0]?.offset ?? entry.offset;
    if (endOf(entry) - start > WINDOW_BYTES && run.length > 0) {
      yield await readRun(run);
      run = [];
    }
    if (endOf(entry) - entry.offset > WINDOW_BYTES) yield [await readLong(entry)];
    else run.push(entry);
  }
  if (run.length > 0) yield await readRun(run);

  async function readRun(entriesOfRun: readonly IdxEntry[]): Promise<readonly LiveRecord[]> {
    const start = entriesOfRun[0]!.offset;
    const window = await records.readRange(start, endOf(entriesOfRun.at(-1)!) - start);
    return entriesOfRun.map((entry) => {
      const bytes = window.subarray(entry.offset - start, endOf(entry) - start);
      assertRecord(bytes, entry);
      return { entry, pieces: [bytes], isDamaged: isDamaged(bytes) };
    });
  }

  async function readLong(entry: IdxEntry): Promise<LiveRecord> {
    assertRecord(await records.readRange(entry.offset, NEEDLE_HEADER_SIZE_BYTES), entry);
    return { entry, pieces: piecesOf(entry), isDamaged: await isDamagedLong(entry) };
  }

  async function* piecesOf(entry: IdxEntry): AsyncGenerator<Uint8Array> {
    for (let at = entry.offset; at < endOf(entry); at += WINDOW_BYTES)
      yield await records.readRange(at, Math.min(WINDOW_BYTES, endOf(entry) - at));
  }

  function assertRecord(bytes: Uint8Array, entry: IdxEntry): void {
    if (bytes.length >= NEEDLE_HEADER_SIZE_BYTES && headerFitsEntry(parseNeedleHeader(bytes), entry)) return;
    const { offset, needleId } = entry;
    const message = `volume ${records.name}: needle ${needleId.toString(16)} is not at ${offset}`;
    throw new StoreError('corrupt', message, { volume: records.name, offset, needleId });
  }

  function isDamaged(bytes: Uint8Array): boolean {
    try {
      parseNeedle(bytes, version, { crc32c });
      return false;
    } catch (error) {
      if (error instanceof FormatError) return true;
      throw error;
    }
  }

  async function isDamagedLong(entry: IdxEntry): Promise<boolean> {
    try {
      for await (const _ of (await openNeedleStream(records, entry, crc32c)).data());
      return false;
    } catch (error) {
      if (isStoreError(error, 'corrupt')) return true;
      throw error;
    }
  }
}
