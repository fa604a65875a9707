import {
  type Crc32c,
  type IdxEntry,
  recordLengthBytes,
  recordSizeOfEntry,
  SUPER_BLOCK_SIZE_BYTES,
} from '@holdfast/format';
import { openIdx } from '@holdfast/index';
import { isStoreError, openNeedleStream } from '@holdfast/store';
import type { PinnedVolume } from '../needles/stored-volume.js';

export interface ScrubOptions {
  readonly volumeId: number;
  /** `index`: every entry against the length of the data and the next one. `records`: every live record is read too. */
  readonly depth: 'index' | 'records';
  readonly crc32c: Crc32c;
  readonly signal: AbortSignal;
}

/** What is wrong with a volume, one line each. Reads only what is durable; the volume goes on meanwhile. */
export async function* scrubVolume(pin: PinnedVolume, options: ScrubOptions): AsyncGenerator<string, void> {
  const { volumeId, depth, crc32c, signal } = options;
  const { version, dat, datSizeBytes } = pin;
  const endOf = ({ offset, sizeBytes }: IdxEntry) =>
    offset + recordLengthBytes(version, recordSizeOfEntry(sizeBytes));
  yield* entriesPastEnd(pin, volumeId, endOf, signal);
  const records = { name: `${volumeId}`, version, readRange: dat.readAt };
  let former: IdxEntry | undefined;
  for (const entry of pin.liveByOffset()) {
    signal.throwIfAborted();
    if (entry.sizeBytes < 0 || endOf(entry) > datSizeBytes) continue;
    if (former !== undefined && entry.offset < endOf(former))
      yield `needle ${former.needleId} at [${former.offset}-${endOf(former)}] overlaps needle ${entry.needleId} at [${entry.offset}-${endOf(entry)}]`;
    former = entry;
    if (depth === 'index') continue;
    try {
      for await (const _ of (await openNeedleStream(records, entry, crc32c)).data(signal));
    } catch (error) {
      if (!isStoreError(error, 'corrupt')) throw error;
      yield `failed to read needle ${entry.needleId} on volume ${volumeId}: ${error.message}`;
    }
  }
}

/** How many entries the index has. */
export async function entryCount({ idx, offsetWidthBytes, idxSizeBytes }: PinnedVolume): Promise<number> {
  return (await openIdx(idx, offsetWidthBytes, { sizeBytes: idxSizeBytes })).entryCount;
}

async function* entriesPastEnd(
  { idx: source, offsetWidthBytes, idxSizeBytes, datSizeBytes }: PinnedVolume,
  volumeId: number,
  endOf: (entry: IdxEntry) => number,
  signal: AbortSignal,
): AsyncGenerator<string, void> {
  const idx = await openIdx(source, offsetWidthBytes, { sizeBytes: idxSizeBytes });
  for await (const entries of idx.walk({ signal })) {
    for (let i = 0; i < entries.count; i++) {
      const entry = entries.entryAt(i);
      if (entry.offset === 0) continue;
      if (entry.offset >= SUPER_BLOCK_SIZE_BYTES && endOf(entry) <= datSizeBytes) continue;
      yield `index entry #${entries.firstEntryIndex + i} of volume ${volumeId} names needle ${entry.needleId} at [${entry.offset}-${endOf(entry)}], past the data's end ${datSizeBytes}`;
    }
  }
}
