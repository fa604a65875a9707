export { crc32c, isCrcOf, legacyCrc, rawCrcOfLegacy } from './crc32c.js';
export { FormatError, type FormatErrorCode, type FormatErrorDetails } from './errors.js';
export { type FileId, formatFileId, parseFileId } from './file-id.js';
export { createFileNamer, type FileNamer } from './file-namer.js';
export {
  IDX_WRAP_BYTES,
  type IdxEntry,
  idxEntrySizeBytes,
  isDeletion,
  type OffsetWidthBytes,
  offsetCandidates,
  parseIdxEntry,
  readIdxOffset,
  recordSizeOfEntry,
  TOMBSTONE_SIZE,
  writeIdxEntry,
} from './idx-entry.js';
export { formatInstant, parseInstant } from './instant.js';
export {
  type Needle,
  type NeedleContent,
  type NeedleEnds,
  type ParseNeedleOptions,
  parseNeedle,
  type WriteNeedleOptions,
  writeNeedle,
  writeNeedleEnds,
} from './needle.js';
export {
  bodySizeBytes,
  EMPTY_NEEDLE_BODY,
  FLAG_CHUNK_MANIFEST,
  FLAG_COMPRESSED,
  FLAG_LAST_MODIFIED,
  FLAG_MIME,
  FLAG_NAME,
  FLAG_PAIRS,
  FLAG_TTL,
  type NeedleBody,
  parseNeedleBody,
  writeNeedleBody,
} from './needle-body.js';
export {
  type FramedRecord,
  MAX_RECORD_BYTES,
  NeedleFramer,
  type NeedleFramerOptions,
} from './needle-framer.js';
export { type NeedleHeader, parseNeedleHeader, writeNeedleHeader } from './needle-header.js';
export type { Clock, Crc32c, Random, Timers } from './ports.js';
export {
  APPEND_AT_SIZE_BYTES,
  alignUp8,
  CRC_SIZE_BYTES,
  DATA_SIZE_FIELD_BYTES,
  MAX_MIME_BYTES,
  MAX_NAME_BYTES,
  MAX_PAIRS_BYTES,
  MAX_SIZE_BYTES,
  NEEDLE_HEADER_SIZE_BYTES,
  paddingLengthBytes,
  RECORD_ALIGNMENT_BYTES,
  recordLengthBytes,
  tailSizeBytes,
  type Version,
} from './record-layout.js';
export {
  formatReplicaPlacement,
  parseReplicaPlacement,
  type ReplicaPlacement,
  replicaPlacementFromByte,
  replicaPlacementToByte,
} from './replica-placement.js';
export { pauseAfter, type RetryPace } from './retry-pace.js';
export { MAX_FILE_NAME_BYTES, safeFileName } from './safe-file-name.js';
export { parseSuperBlock, SUPER_BLOCK_SIZE_BYTES, type SuperBlock, writeSuperBlock } from './super-block.js';
export {
  formatTtl,
  NO_TTL,
  parseTtl,
  type Ttl,
  ttlFromBytes,
  ttlFromUint32,
  ttlSeconds,
  ttlToUint32,
  writeTtl,
} from './ttl.js';
export { EMPTY_VOLUME_INFO, parseVolumeInfo, type VolumeInfo, writeVolumeInfo } from './volume-info.js';
export { formatVolumeName, isSafeCollection, parseVolumeName, type VolumeName } from './volume-name.js';
