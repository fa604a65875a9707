import type { IdxEntry } from '@holdfast/format';
import { isStoreError, StoreError } from '../errors.js';
import { EncodedEntries } from './encoded-entries.js';
import type { OpenedFiles, VolumeTail } from './opened-files.js';
import type { VolumeStats } from './volume.js';

/** Entries that wait for a sync before one is made without being asked for. */
const MAX_PENDING_ENTRIES = 1 << 16;

export type DurableSizes = Pick<VolumeStats, 'durableDatSizeBytes' | 'durableIdxSizeBytes'>;

/** Makes appended records durable, many with one sync, and gives them their entries then. */
export interface GroupSync {
  /** The entry of a record that has been written. */
  add(entry: IdxEntry): void;
  readonly isOverdue: boolean;
  durable(): DurableSizes;
  /** Covers everything that was added before the call. Calls that come while one sync runs share the next. */
  sync(): Promise<void>;
  /** When no sync runs any more. */
  idle(): Promise<void>;
  /** Why nothing more can be written. */
  readonly failure: StoreError | undefined;
  /** From now on nothing is written. */
  fail(text: string, cause: unknown): StoreError;
}

export function createGroupSync(files: OpenedFiles, tail: VolumeTail): GroupSync {
  const { paths, offsetWidthBytes, dat, idx } = files;
  let pending = new EncodedEntries(offsetWidthBytes);
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

  /** Data, then their entries: at no instant is there an entry whose record is not durable. */
  async function syncNow(): Promise<void> {
    if (failure !== undefined) throw failure;
    const { datSizeBytes } = tail;
    if (datSizeBytes === durable.durableDatSizeBytes) return;
    const entries = pending;
    pending = new EncodedEntries(offsetWidthBytes);
    try {
      await dat.syncData();
      let at = tail.idxSizeBytes;
      for (const piece of entries.pieces()) {
        await idx!.writeAt(at, piece);
        at += piece.length;
      }
      await idx!.syncData();
      tail.idxSizeBytes = at;
    } catch (error) {
      throw fail('a sync failed', error);
    }
    durable = { durableDatSizeBytes: datSizeBytes, durableIdxSizeBytes: tail.idxSizeBytes };
  }

  return {
    add: (entry) => pending.push(entry),
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
