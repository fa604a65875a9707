import { FormatError, parseSuperBlock, SUPER_BLOCK_SIZE_BYTES, type SuperBlock } from '@holdfast/format';
import type { RandomAccess } from '@holdfast/index';
import { StoreError } from '../errors.js';
import type { VolumePaths } from './volume-paths.js';

const EXTRA_SIZE_OFFSET = 6;

/**
 * The super block of a `.dat`. Fails with `no-super-block` (shorter than one), `unsupported-version`,
 * `bad-super-block` (format.md §2).
 */
export async function readSuperBlock(
  dat: RandomAccess,
  { dat: path, name: volume }: VolumePaths,
): Promise<SuperBlock> {
  const bytes = await dat.readAt(0, SUPER_BLOCK_SIZE_BYTES);
  if (bytes.length < SUPER_BLOCK_SIZE_BYTES) {
    throw new StoreError('no-super-block', `${path} has ${bytes.length} bytes, too few for a volume`, {
      path,
      volume,
      offset: 0,
      expected: SUPER_BLOCK_SIZE_BYTES,
      found: bytes.length,
    });
  }
  try {
    return parseSuperBlock(bytes);
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause;
    const code = cause.offset === EXTRA_SIZE_OFFSET ? 'bad-super-block' : 'unsupported-version';
    const { offset, expected, found } = cause;
    throw new StoreError(code, `${path}: ${cause.message}`, { path, volume, offset, expected, found, cause });
  }
}
