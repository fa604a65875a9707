import { fence, type Sighting } from './fence.js';
import type { VolumeRun } from './run.js';

/** The leader's index; its last byte is given out only when the fence behind it has held. */
export async function* fencedIndex(
  run: VolumeRun,
  sighting: Sighting,
): AsyncGenerator<Uint8Array, void, undefined> {
  let last: Uint8Array | undefined;
  for await (const chunk of run.volume.readIndex(0, sighting.status.idxSizeBytes, run.signal)) {
    if (last !== undefined) yield last;
    // Its memory is used again for the next one.
    last = chunk.slice();
  }
  await fence(run, sighting, []);
  if (last !== undefined) yield last;
}
