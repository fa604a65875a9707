import type { StoreErrorCode } from '../../src/errors.js';
import type { FindingCode } from '../../src/finding.js';
import type { VolumeRecovery } from '../../src/volume/volume.js';

/** What Holdfast makes of one damaged fixture: the table in the fixtures' README, case by case. */
export interface DamagedCase {
  /** The error of opening; the files are untouched then. */
  readonly openError?: StoreErrorCode;
  /** What recovery reports, but for zeros. */
  readonly recovery?: Partial<Record<keyof VolumeRecovery, unknown>>;
  /** Needles of the unaltered volume that are not read as they were, by their place in its records: why. */
  readonly lost?: readonly StoreErrorCode[];
  /** How many live needles there are more than those of the unaltered volume that are not `needle-not-found`. */
  readonly extraLive?: number;
  /** Codes that `verifyFiles` gives, each once or more. */
  readonly findings: readonly FindingCode[];
}

const ANY_NUMBER = /^[1-9][0-9]*$/;
export const SOME = ANY_NUMBER;

const FINE: DamagedCase = { findings: [] };
const NOTHING_LOCAL: DamagedCase = { findings: [] };
const ONE_CORRUPT: DamagedCase = { lost: ['corrupt'], findings: ['record-damaged'] };
const tornOne: DamagedCase = {
  recovery: { cutBytes: SOME, droppedEntries: 1 },
  lost: ['needle-not-found'],
  findings: ['entry-past-end', 'torn-tail'],
};
const garbage: DamagedCase = { recovery: { cutBytes: SOME }, findings: ['trailing-bytes'] };
const note: DamagedCase = { findings: ['volume-info'] };

export const DAMAGED_CASES: Readonly<Record<string, DamagedCase>> = {
  'ok-baseline': FINE,
  'torn-header': tornOne,
  'torn-exact-header': tornOne,
  'torn-mid-data': tornOne,
  'torn-in-crc': tornOne,
  'torn-in-timestamp': tornOne,
  'torn-two-needles': {
    recovery: { cutBytes: SOME, droppedEntries: 2 },
    lost: ['needle-not-found', 'needle-not-found'],
    findings: ['entry-past-end', 'torn-tail'],
  },
  'torn-tail-not-indexed': {
    recovery: { cutBytes: SOME },
    lost: ['needle-not-found'],
    findings: ['torn-tail'],
  },
  'dat-ends-one-needle-early': {
    recovery: { droppedEntries: 1 },
    lost: ['needle-not-found'],
    findings: ['entry-past-end'],
  },
  'torn-padding': { recovery: { paddedBytes: 1 }, findings: ['missing-padding'] },
  'garbage-aligned': garbage,
  'garbage-unaligned': garbage,
  'garbage-zeros-4096': garbage,
  'trailing-unindexed-needle': {
    recovery: { addedEntries: 1 },
    extraLive: 1,
    findings: ['unindexed-record'],
  },
  'idx-short-one': { recovery: { addedEntries: 1 }, findings: ['unindexed-record'] },
  'idx-short-three': { recovery: { addedEntries: 3 }, findings: ['unindexed-record'] },
  'idx-ahead-one': { recovery: { droppedEntries: 1 }, findings: ['entry-past-end'] },
  'idx-ahead-delete': { recovery: { droppedEntries: 1 }, findings: ['entry-past-end'] },
  'dat-superblock-only-idx-full': {
    recovery: { droppedEntries: 22 },
    lost: Array<StoreErrorCode>(12).fill('needle-not-found'),
    findings: ['entry-past-end'],
  },
  'idx-odd-size-minus7': {
    recovery: { droppedPartialEntryBytes: SOME, addedEntries: 1 },
    findings: ['index-odd-size', 'unindexed-record'],
  },
  'idx-odd-size-plus5': { recovery: { droppedPartialEntryBytes: 5 }, findings: ['index-odd-size'] },
  'idx-missing': { recovery: { addedEntries: 22 }, findings: ['index-missing'] },
  'idx-empty': { recovery: { addedEntries: 22 }, findings: ['index-missing'] },
  'idx-extra-zero-entry': { findings: ['entry-without-record'] },
  'idx-key-sorted': FINE,
  'offset0-tombstones-head': { findings: ['unindexed-record'] },
  'offset0-tombstones-tail': { lost: ['needle-not-found', 'needle-not-found'], findings: [] },
  'offset0-tombstones-all-tail-long': { lost: ['needle-not-found', 'needle-not-found'], findings: [] },
  'offset0-head-lost-rows': { recovery: { addedEntries: 2 }, findings: ['unindexed-record'] },
  'legacy-crc': FINE,
  'zero-padding': FINE,
  'vif-old-style': FINE,
  'vif-empty': FINE,
  'flip-data': ONE_CORRUPT,
  'flip-data-last': ONE_CORRUPT,
  'flip-crc': ONE_CORRUPT,
  'flip-data-size': ONE_CORRUPT,
  'flip-name-size': ONE_CORRUPT,
  'flip-header-size': ONE_CORRUPT,
  'flip-header-size-high': ONE_CORRUPT,
  'flip-header-size-last': ONE_CORRUPT,
  'flip-header-key': { lost: ['corrupt'], findings: ['entry-mismatch'] },
  'flip-header-key-last': { lost: ['corrupt'], findings: ['entry-mismatch'] },
  // The entry is found under the key that it now has, which is one that nobody asks for.
  'flip-idx-key': { lost: ['needle-not-found'], extraLive: 1, findings: ['entry-mismatch'] },
  'flip-idx-offset': { lost: ['corrupt'], findings: ['entry-mismatch', 'unindexed-record'] },
  'flip-idx-size': { lost: ['corrupt'], findings: ['entry-mismatch'] },
  // Read without a cookie, all are what they were; only a leader can tell.
  'flip-header-cookie': NOTHING_LOCAL,
  'flip-timestamp': NOTHING_LOCAL,
  'flip-timestamp-high': NOTHING_LOCAL,
  'flip-flags': NOTHING_LOCAL,
  'flip-padding': NOTHING_LOCAL,
  'superblock-version-0': { openError: 'unsupported-version', findings: ['unsupported-version'] },
  'superblock-version-9': { openError: 'unsupported-version', findings: ['unsupported-version'] },
  'superblock-extra-size-16': { openError: 'bad-super-block', findings: ['super-block-damaged'] },
  'superblock-extra-nonzero-reserved': { openError: 'bad-super-block', findings: ['super-block-damaged'] },
  'dat-empty': { openError: 'no-super-block', findings: ['super-block-damaged'] },
  'dat-5-bytes': { openError: 'no-super-block', findings: ['super-block-damaged'] },
  'superblock-version2-label': { findings: ['version-label'] },
  'vif-garbage': note,
  'vif-readonly': note,
  'vif-readonly-candelete': note,
  'vif-replication-override': note,
  'vif-version-2': note,
  'vif-bytesoffset-mismatch': { findings: ['width-disagrees'] },
  'compaction-all-with-marker': { recovery: { compaction: 'roll-forward' }, findings: ['leftover-file'] },
  'compaction-marker-only': { recovery: { compaction: 'roll-forward' }, findings: ['leftover-file'] },
  'compaction-cpd-cpx-no-marker': { recovery: { compaction: 'roll-back' }, findings: ['leftover-file'] },
  // Here the `.dat` had been swapped already: the pending rename is finished.
  'compaction-only-cpx-with-marker': {
    recovery: { compaction: 'roll-forward' },
    findings: ['leftover-file'],
  },
};
