import { type Crc32c, SUPER_BLOCK_SIZE_BYTES, type Version } from '@holdfast/format';
import type { RandomAccess } from '@holdfast/index';
import { walkRecords } from './record-walk.js';

/** How much is looked at: enough records to tell, however large the volume. */
const SAMPLED_BYTES = 4 << 20;
const SAMPLED_RECORDS = 64;
const LAYOUTS: readonly Version[] = [3, 2, 1];

/**
 * The layout that the records really have. A volume allocated as version 1 or 2 is labelled so and yet gets records of
 * version 3 until it is remounted (format.md §2), so the label counts only where the records do not say otherwise:
 * cut by the wrong layout, the second record already is none.
 */
export async function detectRecordVersion(
  dat: RandomAccess,
  datSizeBytes: number,
  label: Version,
  crc32c: Crc32c,
): Promise<Version> {
  let best = { version: label, score: await countFitting(dat, datSizeBytes, label, crc32c) };
  for (const version of LAYOUTS) {
    if (version === label) continue;
    const score = await countFitting(dat, datSizeBytes, version, crc32c);
    if (score > best.score) best = { version, score };
  }
  return best.version;
}

/** Records at the start, without a break, that this layout makes sense of; one more if they end where the file does. */
async function countFitting(
  dat: RandomAccess,
  datSizeBytes: number,
  version: Version,
  crc32c: Crc32c,
): Promise<number> {
  const toOffset = Math.min(datSizeBytes, SUPER_BLOCK_SIZE_BYTES + SAMPLED_BYTES);
  const walk = walkRecords(dat, {
    version,
    fromOffset: SUPER_BLOCK_SIZE_BYTES,
    toOffset,
    collect: 'headers',
    crc32c,
  });
  let fitting = 0;
  for await (const batch of walk.batches) {
    for (const { isCrcValid, dataSizeBytes } of batch) {
      if (!isCrcValid) return fitting;
      if (dataSizeBytes > 0) fitting++;
      if (fitting === SAMPLED_RECORDS) return fitting;
    }
  }
  return walk.stop === undefined && toOffset > SUPER_BLOCK_SIZE_BYTES ? fitting + 1 : fitting;
}
