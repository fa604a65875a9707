import { SUPER_BLOCK_SIZE_BYTES, ttlSeconds } from '@holdfast/format';
import type { StoredVolume } from './stored-volume.js';

/**
 * `living`: it has no ttl, no record, or was written to within its ttl. `expired`: nothing in it is found any more, and
 * nobody is to be sent to it. `removable`: so long expired that it may be removed.
 */
export type VolumeExpiry = 'living' | 'expired' | 'removable';

const REMOVAL_DELAY_SHARE = 0.1;
const REMOVAL_DELAY_SECONDS_MAX = 600;

/** As a real volume server decides: a tenth of the ttl, ten minutes at most, lies between expiry and removal. */
export function volumeExpiry(
  { superBlock, status }: Pick<StoredVolume, 'superBlock' | 'status'>,
  nowSeconds: number,
): VolumeExpiry {
  const livesSeconds = ttlSeconds(superBlock.ttl);
  const { datSizeBytes, modifiedAtSeconds } = status();
  if (livesSeconds === 0 || datSizeBytes <= SUPER_BLOCK_SIZE_BYTES) return 'living';
  const ageSeconds = nowSeconds - modifiedAtSeconds;
  if (ageSeconds <= livesSeconds) return 'living';
  const delaySeconds = Math.min(livesSeconds * REMOVAL_DELAY_SHARE, REMOVAL_DELAY_SECONDS_MAX);
  return ageSeconds <= livesSeconds + delaySeconds ? 'expired' : 'removable';
}
