import { type LiveSet, openIdx, readLiveSet } from '@holdfast/index';
import type { HeldGeneration } from '@holdfast/store';

/** The live needles of a generation, by its own index. */
export async function readLive({ idx, position }: HeldGeneration): Promise<LiveSet> {
  return await readLiveSet(await openIdx(idx, position.offsetWidthBytes));
}
