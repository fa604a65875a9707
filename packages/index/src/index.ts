export { type DifferenceOptions, differenceOfIndexes, type IndexDifference } from './difference.js';
export { MAX_TABLE_ENTRIES, type TableOptions } from './entry-table.js';
export { IndexError, type IndexErrorCode, type IndexErrorDetails } from './errors.js';
export { IdxEntries } from './idx-entries.js';
export { type IdxFile, type OpenIdxOptions, openIdx, type WalkOptions, walkIdx } from './idx-file.js';
export { type LastAppendOptions, type LocatedEntry, lastAppendEntry } from './last-append-entry.js';
export { type LiveSet, readLiveSet } from './live-set.js';
export { type DetectedOffsetWidth, type DetectOffsetWidthInput, detectOffsetWidth } from './offset-width.js';
export {
  EMPTY_ORDER_SUMMARY,
  extendOrderSummary,
  type OrderSummary,
  summarizeOrder,
} from './order-summary.js';
export { sortOrder } from './radix-order.js';
export type { RandomAccess } from './random-access.js';
export {
  createRecordPlaceFinder,
  MAX_PLACE_SOURCES,
  type RecordPlace,
  type RecordPlaceFinder,
  type RecordPlaces,
} from './record-places.js';
export { headerFitsEntry, proofByReading, type RecordProof } from './record-proof.js';
export { type SearchAnswer, type SearchInput, searchAppendAtNs } from './search.js';
export { createStampReader, type StampedRecord, type StampReader } from './stamp-reader.js';
export { DEFAULT_MAX_PROOFS, type Tile, type Tiling, type TilingInput, tileByIndex } from './tiling.js';
