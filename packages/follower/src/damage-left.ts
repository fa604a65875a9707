import { recordSizeOfEntry } from '@holdfast/format';
import { openIdx, proofByReading, tileByIndex } from '@holdfast/index';
import type { HeldGeneration, LeaderDamage } from '@holdfast/store';
import { examineRecord } from './examine.js';
import type { VolumeRun } from './run.js';

/**
 * What is still damaged by an index that has taken the place of another: what the former one spoke of can have been
 * its own fault, and is gone where the present one finds a sound record, or names none. Reads no more than the
 * damaged records.
 */
export async function damageLeft(
  { env, signal }: Pick<VolumeRun, 'env' | 'signal'>,
  held: HeldGeneration,
): Promise<readonly LeaderDamage[]> {
  const { leaderDamage, version, datSizeBytes, offsetWidthBytes } = held.position;
  if (leaderDamage.length === 0) return leaderDamage;
  const idx = await openIdx(held.idx, offsetWidthBytes);
  const prove = proofByReading(held.dat);
  const tiling = await tileByIndex(idx, { version, datSizeBytes, prove, signal });
  const isMisfit = ({ offset, needleId }: LeaderDamage): boolean =>
    tiling.misfits.some((entry) => entry.offset === offset && `${entry.needleId}` === needleId);
  const left = new Set(leaderDamage.filter(isMisfit));
  const offsets = new Set(leaderDamage.map(({ offset }) => offset));
  for (const tile of tiling.tiles()) {
    if (tile.kind === 'gap' || !offsets.has(tile.offset)) continue;
    if (tile.kind === 'record') {
      const { needleId, sizeBytes } = tile.entry;
      const expected = { offset: tile.offset, needleId, sizeBytes: recordSizeOfEntry(sizeBytes) };
      const found = await examineRecord(held.dat, expected, version, datSizeBytes, env.crc32c);
      if (found.kind === 'sound') continue;
    }
    for (const damage of leaderDamage) if (damage.offset === tile.offset) left.add(damage);
  }
  return leaderDamage.filter((damage) => left.has(damage));
}
