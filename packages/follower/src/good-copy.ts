import { type Crc32c, recordSizeOfEntry } from '@holdfast/format';
import type { HeldGeneration, LeaderDamage } from '@holdfast/store';
import { examineRecord } from './examine.js';
import { readLive } from './read-live.js';

/** Whether the generation still has a sound record of a needle that is damaged on the leader. */
export async function holdsGoodCopy(
  held: HeldGeneration,
  damage: readonly LeaderDamage[],
  crc32c: Crc32c,
): Promise<boolean> {
  const damaged = new Set(damage.flatMap(({ needleId }) => (needleId === null ? [] : [BigInt(needleId)])));
  if (damaged.size === 0) return false;
  const { version, datSizeBytes } = held.position;
  const live = await readLive(held);
  for (let i = 0; i < live.count; i++) {
    const { needleId, offset, sizeBytes } = live.entryAt(i);
    if (!damaged.has(needleId)) continue;
    const expected = { offset, needleId, sizeBytes: recordSizeOfEntry(sizeBytes) };
    const result = await examineRecord(held.dat, expected, version, datSizeBytes, crc32c);
    if (result.kind === 'sound') return true;
  }
  return false;
}
