import type { VanishedVolume } from '@holdfast/follower';
import { formatVolumeName } from '@holdfast/format';
import type { Output } from './output.js';

const WHAT_BECOMES_OF_IT: Readonly<Record<VanishedVolume['outcome'], string>> = {
  kept: 'the copy is kept',
  held: 'the copy would have been pruned, but what is held of it has to be released first: holdfast status --release',
  pruned: 'it has been gone for as long as --prune-after says: the copy is removed',
};

/** Says that a volume that is held is no longer listed, and what becomes of its copy. */
export function announceVanished({ volume, outcome }: VanishedVolume, output: Output): void {
  const { volumeId: id, collection } = volume;
  output.event(
    { event: outcome === 'pruned' ? 'pruned' : 'vanished', id, collection },
    `volume ${formatVolumeName(volume)}: the cluster does not list it now; ${WHAT_BECOMES_OF_IT[outcome]}`,
  );
}
