import {
  FormatError,
  type IdxEntry,
  idxEntrySizeBytes,
  parseNeedle,
  parseNeedleHeader,
  recordLengthBytes,
  SUPER_BLOCK_SIZE_BYTES,
  writeIdxEntry,
  writeSuperBlock,
} from '@holdfast/format';
import { headerFitsEntry } from '@holdfast/index';
import type { StoreEnvironment } from './environment.js';
import { StoreError } from './errors.js';
import { ensureFree } from './generation/free-space.js';
import { removeIfThere } from './generation/small-file.js';
import { findCompactionLeftovers, settleCompaction } from './volume/compaction-files.js';
import { openVolume } from './volume/open-volume.js';
import { writeFile } from './volume/replace-file-by.js';
import type { Volume } from './volume/volume.js';
import { volumePaths } from './volume/volume-paths.js';

export interface CompactOptions {
  readonly directory: string;
  /** Base name: `7` or `collection_7`. */
  readonly name: string;
  /** Bytes that must stay free on the disk beside what is written. Default 0. */
  readonly minFreeBytes?: number;
  readonly signal?: AbortSignal;
}

export interface CompactReport {
  readonly compactionRevision: number;
  readonly keptNeedles: number;
  readonly datSizeBytesBefore: number;
  readonly datSizeBytes: number;
  readonly idxSizeBytesBefore: number;
  readonly idxSizeBytes: number;
  /** Needles whose data do not have their CRC: carried over as they are. */
  readonly damagedNeedles: number;
}

const REVISIONS = 0x10000;
const BATCH_BYTES = 1 << 20;

/**
 * Compacts a volume that nobody has open: live needles alone, in the order of the file, bytes as they are; deletions
 * vanish; the revision is one higher. A crash at any instant leaves the former volume or the new one (format.md §8).
 * What a server derived from the former index goes. Fails, changing nothing, with `corrupt` where an entry's record is
 * not there, and with `no-space` before anything is written. A needle past its ttl is kept.
 */
export async function compactVolume(env: StoreEnvironment, options: CompactOptions): Promise<CompactReport> {
  const { disk } = env;
  const { directory, name, signal } = options;
  const paths = volumePaths(directory, name);
  const volume = await openVolume(env, { ...options, mode: 'write' });
  const compactionRevision = (volume.superBlock.compactionRevision + 1) % REVISIONS;
  const before = volume.stats();
  const idxSizeBytes = before.liveNeedles * idxEntrySizeBytes(volume.offsetWidthBytes);
  let damagedNeedles = 0;
  let datSizeBytes = 0;
  try {
    const neededBytes = SUPER_BLOCK_SIZE_BYTES + before.liveBytes + idxSizeBytes;
    await ensureFree(env, directory, neededBytes, options.minFreeBytes ?? 0);
    datSizeBytes = await writeFile(disk, paths.cpd, batched(newData()));
    await writeFile(disk, paths.cpx, batched(newIndex()));
  } catch (error) {
    // What cannot be removed now is when the volume is opened next.
    for (const path of [paths.cpd, paths.cpx]) await removeIfThere(disk, path).catch(() => {});
    throw error;
  } finally {
    await volume.close();
  }
  // The marker decides: until it is durable a restart rolls back, from then on it rolls forward.
  await disk.syncDirectory(directory);
  await writeFile(disk, paths.cpc, []);
  await disk.syncDirectory(directory);
  await settleCompaction(disk, paths, await findCompactionLeftovers(disk, paths));
  return {
    compactionRevision,
    keptNeedles: before.liveNeedles,
    datSizeBytesBefore: before.datSizeBytes,
    datSizeBytes,
    idxSizeBytesBefore: before.idxSizeBytes,
    idxSizeBytes,
    damagedNeedles,
  };

  async function* newData(): AsyncGenerator<Uint8Array> {
    yield writeSuperBlock({ ...volume.superBlock, version: volume.version, compactionRevision });
    for (const entry of volume.liveByOffset()) {
      signal?.throwIfAborted();
      const { bytes, isDamaged } = await readRecord(env, volume, entry);
      if (isDamaged) damagedNeedles++;
      yield bytes;
    }
  }

  function* newIndex(): Generator<Uint8Array> {
    let offset = SUPER_BLOCK_SIZE_BYTES;
    for (const { needleId, sizeBytes } of volume.liveByOffset()) {
      yield writeIdxEntry({ needleId, offset, sizeBytes }, volume.offsetWidthBytes);
      offset += recordLengthBytes(volume.version, sizeBytes);
    }
  }
}

async function readRecord(env: StoreEnvironment, volume: Volume, entry: IdxEntry) {
  const { offset, needleId } = entry;
  const bytes = await volume.readRange(offset, recordLengthBytes(volume.version, entry.sizeBytes));
  if (!headerFitsEntry(parseNeedleHeader(bytes), entry)) {
    const message = `volume ${volume.name}: needle ${needleId.toString(16)} is not at ${offset}, nothing was compacted`;
    throw new StoreError('corrupt', message, { volume: volume.name, offset, needleId });
  }
  try {
    parseNeedle(bytes, volume.version, { crc32c: env.crc32c });
    return { bytes, isDamaged: false };
  } catch (error) {
    if (error instanceof FormatError) return { bytes, isDamaged: true };
    throw error;
  }
}

/** Small pieces gathered into writes of about 1 MiB. */
async function* batched(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const batch = new Uint8Array(BATCH_BYTES);
  let filled = 0;
  for await (const piece of pieces) {
    if (filled + piece.length > BATCH_BYTES) {
      yield batch.subarray(0, filled);
      filled = 0;
    }
    if (piece.length > BATCH_BYTES) yield piece;
    else {
      batch.set(piece, filled);
      filled += piece.length;
    }
  }
  yield batch.subarray(0, filled);
}
