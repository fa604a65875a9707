import { SUPER_BLOCK_SIZE_BYTES } from '@holdfast/format';
import type { RandomAccess } from '@holdfast/index';
import { type GenerationPosition, isStoreError } from '@holdfast/store';
import { holds, overlapRanges, type Sighting, type Witness, witnessesOf } from './fence.js';
import { equalBytes } from './leader-read.js';
import type { LeaderView } from './run.js';

/** What is held, for reading. */
export interface Held {
  readonly position: GenerationPosition;
  readonly dat: RandomAccess;
  readonly idx: RandomAccess;
}

/**
 * The overlap proof: what is held ends in the leader's own bytes, and begins with its super block. Where the disk does not
 * give them any more nothing is proved: a build takes what it still gives.
 */
export async function isOverlapEqual(
  run: LeaderView,
  held: Held,
  { superBlock, anchor }: Sighting,
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
  const asked = overlap.filter((witness) => !isSeen(anchor, witness));
  return asked.length === 0 || (await holds(run, asked));
}

/** Whether the run has read these very bytes of the leader's as its anchor. */
function isSeen(anchor: Witness | undefined, { offset, bytes }: Witness): boolean {
  if (anchor === undefined || offset < anchor.offset) return false;
  const at = offset - anchor.offset;
  return equalBytes(anchor.bytes.subarray(at, at + bytes.length), bytes);
}

/** Whether the leader's `.idx` begins with `lengthBytes` of ours. */
export async function isIndexEqual(run: LeaderView, held: Held, lengthBytes: number): Promise<boolean> {
  let at = 0;
  let isEqual = true;
  for await (const chunk of run.volume.readIndex(0, lengthBytes, run.signal)) {
    isEqual &&= equalBytes(chunk, await held.idx.readAt(at, chunk.length));
    at += chunk.length;
  }
  return isEqual;
}
