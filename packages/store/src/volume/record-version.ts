import {
  type Crc32c,
  type IdxEntry,
  idxEntrySizeBytes,
  type OffsetWidthBytes,
  recordLengthBytes,
  recordSizeOfEntry,
  SUPER_BLOCK_SIZE_BYTES,
  type Version,
} from '@holdfast/format';
import { headerFitsEntry, IdxEntries, type RandomAccess } from '@holdfast/index';
import { StoreError } from '../errors.js';
import { readHeader } from './record-probe.js';
import { walkRecords } from './record-walk.js';
import type { VolumePaths } from './volume-paths.js';

/** How much is looked at: enough to tell, however large the volume. */
const SAMPLED_ENTRIES = 64;
const SAMPLED_BYTES = 4 << 20;
const LAYOUTS: readonly Version[] = [3, 2, 1];

/**
 * The layout that the records really have. A volume allocated as version 1 or 2 is labelled so and yet gets records of
 * version 3 until it is remounted (format.md §2): the label counts only where the records do not say otherwise. Fails
 * with `unsupported-version` where some are of one layout and some of another, as such a remount leaves them.
 */
export async function detectRecordVersion(
  files: { readonly dat: RandomAccess; readonly idx: RandomAccess },
  label: Version,
  offsetWidthBytes: OffsetWidthBytes,
  crc32c: Crc32c,
  { dat: path, name: volume }: VolumePaths,
): Promise<Version> {
  const gaps = await countGaps(files.dat, await sampleIndex(files.idx, offsetWidthBytes));
  // A stamped record torn 8 bytes before its end is as long as one without: the end counts only where such may be.
  const mayEndWithout = gaps.atEnd === 'without' && label !== 3;
  const hasBetween = gaps.stamped > 0 || gaps.without > 0;
  const stamped = gaps.stamped > 0 || (!hasBetween && gaps.atEnd === 'stamped');
  const without = gaps.without > 0 || mayEndWithout;
  if (stamped && without) {
    throw new StoreError('unsupported-version', `${path} has records of version 3 and of an older one`, {
      path,
      volume,
    });
  }
  const candidates = LAYOUTS.filter((layout) => (layout === 3 ? !without : !stamped));
  const preferred = candidates.includes(label) ? label : candidates[0]!;
  if (candidates.length === 1) return preferred;
  let best = { version: preferred, proved: await countProved(files.dat, preferred, crc32c) };
  for (const version of candidates) {
    // One record proves nothing of its length, which is where the layouts differ: it takes a second behind it.
    const proved = await countProved(files.dat, version, crc32c);
    if (proved > 1 && proved > best.proved) best = { version, proved };
  }
  return best.version;
}

/** Some entries from either end of the index, by offset. */
async function sampleIndex(source: RandomAccess, width: OffsetWidthBytes): Promise<IdxEntry[]> {
  const entrySize = idxEntrySizeBytes(width);
  const count = Math.trunc((await source.sizeBytes()) / entrySize);
  const byOffset = new Map<number, IdxEntry>();
  for (const first of [0, Math.max(0, count - SAMPLED_ENTRIES)]) {
    const bytes = await source.readAt(first * entrySize, Math.min(SAMPLED_ENTRIES, count) * entrySize);
    const entries = new IdxEntries(bytes, width);
    for (let i = 0; i < entries.count; i++) byOffset.set(entries.offsetAt(i), entries.entryAt(i));
  }
  byOffset.delete(0);
  return [...byOffset.values()].sort((a, b) => a.offset - b.offset);
}

interface Gaps {
  /** How many records reach to the next one by the layout with a stamp, and by those without. */
  readonly stamped: number;
  readonly without: number;
  /** By which of them the last record reaches to the end of the file. */
  readonly atEnd: 'stamped' | 'without' | undefined;
}

async function countGaps(dat: RandomAccess, entries: readonly IdxEntry[]): Promise<Gaps> {
  const datSizeBytes = await dat.sizeBytes();
  let stamped = 0;
  let without = 0;
  let atEnd: Gaps['atEnd'];
  for (const [i, entry] of entries.entries()) {
    const next = entries[i + 1]?.offset;
    const gap = (next ?? datSizeBytes) - entry.offset;
    const sizeBytes = recordSizeOfEntry(entry.sizeBytes);
    const isStamped = gap === recordLengthBytes(3, sizeBytes);
    if (!isStamped && gap !== recordLengthBytes(2, sizeBytes)) continue;
    const header = await readHeader(dat, entry.offset);
    if (header === undefined || !headerFitsEntry(header, entry)) continue;
    if (next === undefined) atEnd = isStamped ? 'stamped' : 'without';
    else if (isStamped) stamped++;
    else without++;
  }
  return { stamped, without, atEnd };
}

/** Records with data from the start, without a break, that have their CRC by this layout. */
async function countProved(dat: RandomAccess, version: Version, crc32c: Crc32c): Promise<number> {
  const fromOffset = SUPER_BLOCK_SIZE_BYTES;
  const toOffset = Math.min(await dat.sizeBytes(), fromOffset + SAMPLED_BYTES);
  const walk = walkRecords(dat, { version, fromOffset, toOffset, collect: 'headers', crc32c });
  let proved = 0;
  for await (const batch of walk.batches) {
    for (const { isCrcValid, dataSizeBytes } of batch) {
      if (!isCrcValid) return proved;
      if (dataSizeBytes > 0) proved++;
    }
  }
  return proved;
}
