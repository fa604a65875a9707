import { FormatError } from './errors.js';
import type { Version } from './record-layout.js';
import {
  type ReplicaPlacement,
  replicaPlacementFromByte,
  replicaPlacementToByte,
} from './replica-placement.js';
import { type Ttl, ttlFromBytes, writeTtl } from './ttl.js';

/** The start of every `.dat`; the first record follows at this offset (format.md §2). */
export const SUPER_BLOCK_SIZE_BYTES = 8;

const TTL_AT = 2;
const REVISION_AT = 4;
const EXTRA_SIZE_AT = 6;

export interface SuperBlock {
  readonly version: Version;
  readonly replicaPlacement: ReplicaPlacement;
  readonly ttl: Ttl;
  /** 0 to 65535, one more with each vacuum, 65535 wraps to 0. */
  readonly compactionRevision: number;
  /** Always 0: no server loads a volume with anything else. */
  readonly extraSizeBytes: 0;
}

/**
 * The first 8 bytes of a `.dat`; more are ignored. Fails with `bad-super-block` for fewer bytes, an unknown version,
 * and a non-zero length of `extra`.
 */
export function parseSuperBlock(bytes: Uint8Array): SuperBlock {
  if (bytes.length < SUPER_BLOCK_SIZE_BYTES) {
    throw refused(`a super block has ${SUPER_BLOCK_SIZE_BYTES} bytes, there are ${bytes.length}`, {
      expected: SUPER_BLOCK_SIZE_BYTES,
      found: bytes.length,
      offset: 0,
    });
  }
  const version = bytes[0]!;
  if (version !== 1 && version !== 2 && version !== 3) {
    throw refused(`unknown volume version ${version}`, { expected: '1, 2 or 3', found: version, offset: 0 });
  }
  const extraSizeBytes = uint16At(bytes, EXTRA_SIZE_AT);
  if (extraSizeBytes !== 0) {
    throw refused(`super block with ${extraSizeBytes} extra bytes, which no server can load`, {
      expected: 0,
      found: extraSizeBytes,
      offset: EXTRA_SIZE_AT,
    });
  }
  return {
    version,
    replicaPlacement: replicaPlacementFromByte(bytes[1]!),
    ttl: ttlFromBytes(bytes, TTL_AT),
    compactionRevision: uint16At(bytes, REVISION_AT),
    extraSizeBytes,
  };
}

/** The 8 bytes. Throws `RangeError` for a revision that is no uint16. */
export function writeSuperBlock(superBlock: SuperBlock): Uint8Array {
  const { compactionRevision } = superBlock;
  if (!Number.isInteger(compactionRevision) || compactionRevision < 0 || compactionRevision > 0xffff) {
    throw new RangeError(`compaction revision ${compactionRevision} is not 0 to 65535`);
  }
  const bytes = new Uint8Array(SUPER_BLOCK_SIZE_BYTES);
  bytes[0] = superBlock.version;
  bytes[1] = replicaPlacementToByte(superBlock.replicaPlacement);
  writeTtl(superBlock.ttl, bytes, TTL_AT);
  bytes[REVISION_AT] = compactionRevision >>> 8;
  bytes[REVISION_AT + 1] = compactionRevision & 0xff;
  return bytes;
}

function uint16At(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

function refused(message: string, details: { expected: string | number; found: number; offset: number }) {
  return new FormatError('bad-super-block', message, details);
}
