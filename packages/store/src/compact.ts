import type { StoreEnvironment } from './environment.js';
import { openVolume } from './volume/open-volume.js';
import type { CompactionResult } from './volume/volume.js';

export interface CompactOptions {
  readonly directory: string;
  /** Base name: `7` or `collection_7`. */
  readonly name: string;
  /** Bytes that must stay free on the disk beside what is written. Default 0. */
  readonly minFreeBytes?: number;
  readonly signal?: AbortSignal;
}

export interface CompactReport extends CompactionResult {
  readonly datSizeBytesBefore: number;
  readonly datSizeBytes: number;
  readonly idxSizeBytesBefore: number;
  readonly idxSizeBytes: number;
}

/**
 * Compacts a volume that nobody has open: live needles alone, in the order of the file, bytes as they are; deletions
 * vanish; the revision is one higher. A crash at any instant leaves the former volume or the new one (format.md §8).
 * What a server derived from the former index goes. Fails, changing nothing, with `corrupt` where an entry's record is
 * not there, and with `no-space` before anything is written. A needle past its ttl is kept.
 */
export async function compactVolume(env: StoreEnvironment, options: CompactOptions): Promise<CompactReport> {
  const former = await openVolume(env, { ...options, mode: 'write' });
  try {
    const { datSizeBytes: datSizeBytesBefore, idxSizeBytes: idxSizeBytesBefore } = former.stats();
    const compaction = former.beginCompaction(options);
    const result = await compaction.copy();
    const volume = await compaction.commit();
    const { datSizeBytes, idxSizeBytes } = volume.stats();
    await volume.close();
    return { ...result, datSizeBytesBefore, datSizeBytes, idxSizeBytesBefore, idxSizeBytes };
  } finally {
    await former.close();
  }
}
