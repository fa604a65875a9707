import type { HeldGeneration } from '@holdfast/store';
import { holds, overlapRanges, type Sighting, witnessesOf } from './fence.js';
import { equalBytes } from './leader-read.js';
import type { VolumeRun } from './run.js';

/** The overlap proof: what is held ends in the leader's own bytes, and begins with its super block. */
export async function isOverlapEqual(
  run: VolumeRun,
  held: HeldGeneration,
  sighting: Sighting,
): Promise<boolean> {
  const { superBlock } = sighting;
  if (superBlock !== undefined) {
    const ours = await held.dat.readAt(0, superBlock.length);
    if (!equalBytes(ours, superBlock)) return false;
  }
  return await holds(run, await witnessesOf(held.dat, overlapRanges(held.position), 'the overlap'));
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
