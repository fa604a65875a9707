import type { GenerationPosition, UnfinishedGeneration } from '@holdfast/store';
import { stepVoided } from '../errors.js';
import { fence, holds, overlapRanges, type Sighting, witnessesOf } from '../fence.js';
import type { VolumeRun } from '../run.js';
import { hasMovedOn } from './moved-on.js';

/**
 * Data from the pool are what the leader's CRC proves, also where its own have rotted since. Where the overlap proof of
 * every later run will look they must be what it reads, or the volume would be built for ever: then the build is
 * dropped, and the run reads everything from the leader.
 */
export async function assertOverlap(
  run: VolumeRun,
  unfinished: UnfinishedGeneration,
  position: GenerationPosition,
  sighting: Sighting,
): Promise<void> {
  const ranges = overlapRanges(position).filter(({ offset }) => offset < run.tally.reusedUntil);
  if (ranges.length === 0) return;
  try {
    if (await holds(run, await witnessesOf(unfinished.dat, ranges, 'the overlap'))) return;
    await fence(run, sighting, []);
  } catch (error) {
    // It cannot be asked any more, and what is here is proved.
    if (hasMovedOn(error)) return;
    throw error;
  }
  run.tally.isPoolRefused = true;
  await unfinished.discard();
  throw stepVoided(run.leaderCopy.volumeId, 'its last record is not what its CRC says', position.proofOffset);
}
