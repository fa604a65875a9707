import { type IdxEntry, idxEntrySizeBytes, type OffsetWidthBytes } from '@holdfast/format';
import { IndexError } from './errors.js';
import { IdxEntries } from './idx-entries.js';
import type { RandomAccess } from './random-access.js';

/** Entries read at once by a walk: about 1 MiB. */
const BATCH_ENTRIES = 65_536;

export interface WalkOptions {
  /** The first entry to give. Default 0. */
  readonly fromEntry?: number;
  /** The entry to stop before. Default: the end. */
  readonly toEntry?: number;
  /** Looked at before each read. */
  readonly signal?: AbortSignal;
}

/** An `.idx` as an array of entries. Its length is fixed when it is opened; what is appended later is not seen. */
export interface IdxFile {
  readonly offsetWidthBytes: OffsetWidthBytes;
  readonly sizeBytes: number;
  readonly entryCount: number;
  /** Throws `RangeError` for an index outside; fails with `short-read` if the source has become shorter. */
  readEntry(entryIndex: number): Promise<IdxEntry>;
  /** The entries [fromEntry, toEntry) in one read. Errors as `readEntry`. */
  readEntries(fromEntry: number, toEntry: number): Promise<IdxEntries>;
  /** In order, in batches of bounded size. */
  walk(options?: WalkOptions): AsyncGenerator<IdxEntries, void, undefined>;
}

export interface OpenIdxOptions {
  /** Looks only at so many bytes from the start: a committed length. Default: all that the source has. */
  readonly sizeBytes?: number;
}

/** Fails with `odd-size` where the length is no multiple of the entry's, with `short-read` where it is not there. */
export async function openIdx(
  source: RandomAccess,
  offsetWidthBytes: OffsetWidthBytes,
  options: OpenIdxOptions = {},
): Promise<IdxFile> {
  const present = await source.sizeBytes();
  const sizeBytes = options.sizeBytes ?? present;
  if (sizeBytes > present) throw shortRead(0, sizeBytes, present);
  const entrySize = idxEntrySizeBytes(offsetWidthBytes);
  if (sizeBytes % entrySize !== 0) {
    throw new IndexError(
      'odd-size',
      `an index of ${sizeBytes} bytes is not a whole number of ${entrySize}-byte entries`,
      {
        offset: sizeBytes - (sizeBytes % entrySize),
        expected: `a multiple of ${entrySize}`,
        found: sizeBytes,
      },
    );
  }
  const entryCount = sizeBytes / entrySize;

  async function readEntries(fromEntry: number, toEntry: number): Promise<IdxEntries> {
    if (!(fromEntry >= 0 && fromEntry <= toEntry && toEntry <= entryCount)) {
      throw new RangeError(`entries [${fromEntry}, ${toEntry}) of ${entryCount}`);
    }
    const offset = fromEntry * entrySize;
    const lengthBytes = (toEntry - fromEntry) * entrySize;
    const bytes = await source.readAt(offset, lengthBytes);
    if (bytes.length < lengthBytes) throw shortRead(offset, lengthBytes, bytes.length);
    return new IdxEntries(bytes, offsetWidthBytes, fromEntry);
  }

  return {
    offsetWidthBytes,
    sizeBytes,
    entryCount,
    readEntries,
    async readEntry(entryIndex) {
      return (await readEntries(entryIndex, entryIndex + 1)).entryAt(0);
    },
    async *walk({ fromEntry = 0, toEntry = entryCount, signal } = {}) {
      for (let from = fromEntry; from < toEntry; from += BATCH_ENTRIES) {
        signal?.throwIfAborted();
        yield await readEntries(from, Math.min(from + BATCH_ENTRIES, toEntry));
      }
    },
  };
}

/** Opens and walks in one go. Errors as `openIdx`. */
export async function* walkIdx(
  source: RandomAccess,
  offsetWidthBytes: OffsetWidthBytes,
  options: WalkOptions = {},
): AsyncGenerator<IdxEntries, void, undefined> {
  const idx = await openIdx(source, offsetWidthBytes);
  yield* idx.walk(options);
}

function shortRead(offset: number, expected: number, found: number): IndexError {
  return new IndexError('short-read', `${found} bytes of ${expected} at ${offset} of the index`, {
    offset,
    expected,
    found,
  });
}
