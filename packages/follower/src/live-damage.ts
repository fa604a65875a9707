import { IDX_WRAP_BYTES } from '@holdfast/format';
import type { LiveSet } from '@holdfast/index';
import type { LeaderDamage } from '@holdfast/store';

/** The damage that a reader can still meet: a bad record that was replaced or deleted since is of no consequence. */
export function liveDamage(damage: readonly LeaderDamage[], live: LiveSet): readonly LeaderDamage[] {
  return damage.filter(({ needleId, offset }) => {
    if (needleId === null) return true;
    const liveOffset = offsetOf(live, BigInt(needleId));
    return liveOffset !== undefined && (offset - liveOffset) % IDX_WRAP_BYTES === 0;
  });
}

/** Where the last entry of a live needle points; entries are in the order of their ids. */
function offsetOf(live: LiveSet, needleId: bigint): number | undefined {
  let low = 0;
  let high = live.count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (live.entryAt(middle).needleId < needleId) low = middle + 1;
    else high = middle;
  }
  const entry = low < live.count ? live.entryAt(low) : undefined;
  return entry?.needleId === needleId ? entry.offset : undefined;
}
