import {
  type IdxEntry,
  offsetCandidates,
  recordLengthBytes,
  recordSizeOfEntry,
  type Version,
} from '@holdfast/format';
import type { IdxFile } from './idx-file.js';

export interface LocatedEntry {
  readonly entryIndex: number;
  readonly entry: IdxEntry;
}

export interface LastAppendOptions {
  readonly version: Version;
  readonly datSizeBytes: number;
  readonly signal?: AbortSignal;
}

/**
 * The entry of the record that lies last in the `.dat`: the highest offset, the later one of two with the same.
 * Entries with offset 0 have no record. `undefined` where none has. Where the last entry's record ends at the end of
 * the `.dat` that is it, and nothing else is read (format.md §7).
 */
export async function lastAppendEntry(
  idx: IdxFile,
  options: LastAppendOptions,
): Promise<LocatedEntry | undefined> {
  if (idx.entryCount === 0) return undefined;
  const entryIndex = idx.entryCount - 1;
  const last = await idx.readEntry(entryIndex);
  if (endsAt(last, idx, options)) return { entryIndex, entry: last };

  let highest: LocatedEntry | undefined;
  let highestOffset = 1;
  for await (const entries of idx.walk(options.signal === undefined ? {} : { signal: options.signal })) {
    for (let i = 0; i < entries.count; i++) {
      const offset = entries.offsetAt(i);
      if (offset < highestOffset) continue;
      highestOffset = offset;
      highest = { entryIndex: entries.firstEntryIndex + i, entry: entries.entryAt(i) };
    }
  }
  return highest;
}

function endsAt(entry: IdxEntry, idx: IdxFile, { version, datSizeBytes }: LastAppendOptions): boolean {
  const lengthBytes = recordLengthBytes(version, recordSizeOfEntry(entry.sizeBytes));
  return offsetCandidates(entry.offset, idx.offsetWidthBytes, datSizeBytes).includes(
    datSizeBytes - lengthBytes,
  );
}
