import type { Clock, IdxEntry } from '@holdfast/format';
import { isStoreError, StoreError } from '../errors.js';
import { EncodedEntries } from './encoded-entries.js';
import type { OpenedFiles, VolumeTail } from './opened-files.js';
import type { VolumeStats } from './volume.js';

/** Entries that wait for a sync before one is made without being asked for. */
const MAX_PENDING_ENTRIES = 1 << 16;
/** How long entries of needles with data may be written and not synced: recovery reads no more of the `.dat` for them. */
const INDEX_SYNC_INTERVAL_MS = 1000;
/** With what may wait for one sync less than recovery looks at (`UNSYNCED_IDX_BYTES_MAX`). */
const UNSYNCED_BYTES_MAX = 1 << 20;

export type DurableSizes = Pick<VolumeStats, 'durableDatSizeBytes' | 'durableIdxSizeBytes'>;

/** Makes appended records durable, many with one sync, and gives them their entries then. */
export interface GroupSync {
  /** The entry of a record that has been written. */
  add(entry: IdxEntry): void;
  readonly isOverdue: boolean;
  durable(): DurableSizes;
  /** Covers everything that was added before the call. Calls that come while one sync runs share the next. */
  sync(): Promise<void>;
  /** Everything that has been synced has its entries on the disk: nothing is left that recovery would have to find. */
  syncIndex(): Promise<void>;
  /** When no sync runs any more. */
  idle(): Promise<void>;
  /** Why nothing more can be written. */
  readonly failure: StoreError | undefined;
  /** From now on nothing is written. */
  fail(text: string, cause: unknown): StoreError;
}

/**
 * A sync makes records durable, and writes their entries. Of a needle with data the entry can be made again out of its
 * record (whole-idx.ts), so the index itself is synced once a second; an entry without data is all that tells a deletion
 * from an empty needle (format.md §4.3), and is durable with its record.
 */
export function createGroupSync(files: OpenedFiles, tail: VolumeTail, clock: Clock): GroupSync {
  const { paths, offsetWidthBytes, dat, idx } = files;
  let pending = new EncodedEntries(offsetWidthBytes);
  let hasPendingSizeZero = false;
  let unsyncedIdxBytes = 0;
  let idxSyncedAtMs = Number.NEGATIVE_INFINITY;
  let durable = { durableDatSizeBytes: tail.datSizeBytes, durableIdxSizeBytes: tail.idxSizeBytes };
  let failure: StoreError | undefined;
  let lastSync: Promise<void> = Promise.resolve();
  let waitingSync: Promise<void> | undefined;

  function fail(text: string, cause: unknown): StoreError {
    const code = isStoreError(cause, 'no-space') ? 'no-space' : 'disk-failed';
    failure = new StoreError(code, `volume ${paths.name}: ${text}; open it again`, {
      path: paths.dat,
      volume: paths.name,
      cause,
    });
    return failure;
  }

  function isIndexOverdue(): boolean {
    return (
      unsyncedIdxBytes >= UNSYNCED_BYTES_MAX || clock.monotonicMs() - idxSyncedAtMs >= INDEX_SYNC_INTERVAL_MS
    );
  }

  async function syncIndexNow(): Promise<void> {
    await idx!.syncData();
    unsyncedIdxBytes = 0;
    idxSyncedAtMs = clock.monotonicMs();
  }

  /** Data, then their entries: at no instant is there an entry whose record is not durable. */
  async function syncNow(): Promise<void> {
    if (failure !== undefined) throw failure;
    const { datSizeBytes } = tail;
    if (datSizeBytes === durable.durableDatSizeBytes) return;
    const entries = pending;
    const hasSizeZero = hasPendingSizeZero;
    pending = new EncodedEntries(offsetWidthBytes);
    hasPendingSizeZero = false;
    try {
      await dat.syncData();
      let at = tail.idxSizeBytes;
      for (const piece of entries.pieces()) {
        await idx!.writeAt(at, piece);
        at += piece.length;
      }
      unsyncedIdxBytes += entries.sizeBytes;
      if (hasSizeZero || isIndexOverdue()) await syncIndexNow();
      tail.idxSizeBytes = at;
    } catch (error) {
      throw fail('a sync failed', error);
    }
    durable = { durableDatSizeBytes: datSizeBytes, durableIdxSizeBytes: tail.idxSizeBytes };
  }

  return {
    add(entry) {
      pending.push(entry);
      hasPendingSizeZero ||= entry.sizeBytes <= 0;
    },
    get isOverdue() {
      return pending.count >= MAX_PENDING_ENTRIES;
    },
    durable: () => durable,
    sync() {
      waitingSync ??= lastSync
        .catch(() => {})
        .then(() => {
          waitingSync = undefined;
          lastSync = syncNow();
          return lastSync;
        });
      return waitingSync;
    },
    async syncIndex() {
      if (failure !== undefined) throw failure;
      if (unsyncedIdxBytes === 0) return;
      try {
        await syncIndexNow();
      } catch (error) {
        throw fail('a sync of the index failed', error);
      }
    },
    async idle() {
      await waitingSync?.catch(() => {});
      await lastSync.catch(() => {});
    },
    get failure() {
      return failure;
    },
    fail,
  };
}
