import { idxEntrySizeBytes, type OffsetWidthBytes } from '@holdfast/format';
import { detectOffsetWidth, IndexError, type RandomAccess } from '@holdfast/index';
import { StoreError } from '../errors.js';
import { boundedAccess } from './random-access.js';
import type { VolumePaths } from './volume-paths.js';

const WIDTHS: readonly OffsetWidthBytes[] = [4, 5];

export interface OffsetWidth {
  readonly offsetWidthBytes: OffsetWidthBytes;
  /** The `.vif` says another; the records overruled it. */
  readonly volumeInfoDisagrees: boolean;
}

/**
 * The width by the evidence (format.md §5); `assumed` counts where index, data and `.vif` say nothing. Fails with
 * `width-undecided`.
 */
export async function decideOffsetWidth(
  files: { readonly idx: RandomAccess; readonly dat: RandomAccess },
  vifBytesOffset: OffsetWidthBytes | undefined,
  assumed: OffsetWidthBytes | undefined,
  { idx: path, name: volume }: VolumePaths,
): Promise<OffsetWidth> {
  try {
    return (
      (await byRecordsOfEitherWidth(files, vifBytesOffset)) ??
      (await detectOffsetWidth({ ...files, vifBytesOffset }))
    );
  } catch (cause) {
    if (!(cause instanceof IndexError)) throw cause;
    if (cause.code === 'width-undecided' && assumed !== undefined) {
      return { offsetWidthBytes: assumed, volumeInfoDisagrees: false };
    }
    const { offset, expected, found } = cause;
    const message = `${path}: ${cause.message}`;
    throw new StoreError('width-undecided', message, { path, volume, offset, expected, found, cause });
  }
}

/**
 * What the records say, whatever the index's length: one that a crash has cut inside an entry may by chance be
 * divisible by the other width's entries.
 */
async function byRecordsOfEitherWidth(
  { idx, dat }: { readonly idx: RandomAccess; readonly dat: RandomAccess },
  vifBytesOffset: OffsetWidthBytes | undefined,
): Promise<OffsetWidth | undefined> {
  let sizeBytes = await idx.sizeBytes();
  while (sizeBytes > 0 && WIDTHS.some((width) => sizeBytes % idxEntrySizeBytes(width) === 0)) sizeBytes--;
  if (sizeBytes === 0) return undefined;
  try {
    const detected = await detectOffsetWidth({
      idx: boundedAccess(idx, () => sizeBytes),
      dat,
      vifBytesOffset,
    });
    return detected.evidence === 'records' ? detected : undefined;
  } catch (error) {
    if (error instanceof IndexError) return undefined;
    throw error;
  }
}
