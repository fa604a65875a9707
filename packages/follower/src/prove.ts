import { SUPER_BLOCK_SIZE_BYTES } from '@holdfast/format';
import { type HeldGeneration, isStoreError } from '@holdfast/store';
import { holds, overlapRanges, type Sighting, type Witness, witnessesOf } from './fence.js';
import { equalBytes } from './leader-read.js';
import type { VolumeRun } from './run.js';

/**
 * The overlap proof: what is held ends in the leader's own bytes, and begins with its super block. Where the disk does not
 * give them any more nothing is proved: a build takes what it still gives.
 */
export async function isOverlapEqual(
  run: VolumeRun,
  held: HeldGeneration,
  { superBlock }: Sighting,
): Promise<boolean> {
  let overlap: readonly Witness[];
  try {
    const ours = await held.dat.readAt(0, SUPER_BLOCK_SIZE_BYTES);
    if (superBlock !== undefined && !equalBytes(ours, superBlock)) return false;
    overlap = await witnessesOf(held.dat, overlapRanges(held.position), 'the overlap');
  } catch (error) {
    if (isStoreError(error, 'disk-failed')) return false;
    throw error;
  }
  return await holds(run, overlap);
}

/** Whether the leader's `.idx` begins with `lengthBytes` of ours. */
export async function isIndexEqual(
  run: VolumeRun,
  held: HeldGeneration,
  lengthBytes: number,
): Promise<boolean> {
  let at = 0;
  let isEqual = true;
  for await (const chunk of run.volume.readIndex(0, lengthBytes, run.signal)) {
    isEqual &&= equalBytes(chunk, await held.idx.readAt(at, chunk.length));
    at += chunk.length;
  }
  return isEqual;
}
