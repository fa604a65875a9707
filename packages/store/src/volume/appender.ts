import {
  type IdxEntry,
  type Needle,
  type NeedleContent,
  type OffsetWidthBytes,
  TOMBSTONE_SIZE,
  writeNeedle,
} from '@holdfast/format';
import type { StoreEnvironment } from '../environment.js';
import { isStoreError, StoreError } from '../errors.js';
import { EncodedEntries } from './encoded-entries.js';
import { notFound, type OpenedFiles, type VolumeTail } from './opened-files.js';
import type { AppendedRecord, Volume, VolumeStats } from './volume.js';
import { removeWritingNote, writeWritingNote } from './writing-note.js';

/** A record with data starts below this: 32 GiB and 8 TiB (format.md §4.4). */
const MAX_OFFSET_BYTES: Readonly<Record<OffsetWidthBytes, number>> = { 4: 2 ** 35, 5: 2 ** 43 };

/** Entries that wait for a sync before one is made without being asked for. */
const MAX_PENDING_ENTRIES = 1 << 16;
/** Of the size in a record's header. */
const SIZE_AT = 12;

/** What the appender needs of the volume's reading side. */
export interface AppenderReads {
  find(needleId: bigint): IdxEntry | undefined;
  readEntry(entry: IdxEntry): Promise<Needle>;
  readCookie(entry: IdxEntry): Promise<number | undefined>;
  apply(entry: IdxEntry): void;
}

export interface Appender extends Pick<Volume, 'append' | 'delete' | 'sync' | 'close'> {
  durable(): Pick<VolumeStats, 'durableDatSizeBytes' | 'durableIdxSizeBytes'>;
}

export function createAppender(
  env: StoreEnvironment,
  files: OpenedFiles,
  tail: VolumeTail,
  reads: AppenderReads,
): Appender {
  const { paths, version, offsetWidthBytes, dat, idx, map, info } = files;
  const volumeTtl = files.superBlock.ttl;
  const hasTtl = volumeTtl.count > 0 && volumeTtl.unit !== 0;
  let pending = new EncodedEntries(offsetWidthBytes);
  let hasNote = false;
  let durable = { durableDatSizeBytes: tail.datSizeBytes, durableIdxSizeBytes: tail.idxSizeBytes };
  let failure: StoreError | undefined;
  let isClosed = false;
  let lastWrite: Promise<unknown> = Promise.resolve();
  let lastSync: Promise<void> = Promise.resolve();
  let waitingSync: Promise<void> | undefined;

  const refusal = (
    code: 'read-only' | 'closed' | 'cookie-mismatch' | 'too-large',
    text: string,
    needleId?: bigint,
  ) =>
    new StoreError(code, `volume ${paths.name} ${text}`, { path: paths.dat, volume: paths.name, needleId });

  function assertWritable(isDelete: boolean): void {
    if (isClosed) throw refusal('closed', 'is closed');
    if (failure !== undefined) throw failure;
    if (files.mode === 'read') throw refusal('read-only', 'is open for reading');
    if (info.readOnly && !(isDelete && info.readOnlyCanDelete))
      throw refusal('read-only', 'is marked read-only');
  }

  /** One after the other, in the order of the calls. */
  function inTurn<T>(run: () => Promise<T>): Promise<T> {
    const turn = lastWrite.then(run);
    lastWrite = turn.catch(() => {});
    return turn;
  }

  function nextAppendAtNs(): bigint {
    const nowNs = env.clock.nowNs();
    const leastNs = tail.lastAppendAtNs + 1n;
    return version < 3 ? 0n : nowNs > leastNs ? nowNs : leastNs;
  }

  /** Only the record: its entry waits until the record is durable. */
  async function write(content: NeedleContent, isDelete: boolean): Promise<AppendedRecord> {
    const appendAtNs = nextAppendAtNs();
    const record = writeNeedle({ ...content, appendAtNs }, version, { crc32c: env.crc32c });
    const offset = tail.datSizeBytes;
    const sizeBytes = new DataView(record.buffer).getInt32(SIZE_AT);
    if (sizeBytes > 0 && offset >= MAX_OFFSET_BYTES[offsetWidthBytes]) {
      throw refusal(
        'too-large',
        `is full: offsets of ${offsetWidthBytes} bytes reach no further`,
        content.needleId,
      );
    }
    if (!hasNote) {
      await writeWritingNote(env.disk, paths, offset);
      hasNote = true;
    }
    try {
      await dat.writeAt(offset, record);
    } catch (error) {
      await undo(offset, error);
      throw error;
    }
    const entry = { needleId: content.needleId, offset, sizeBytes: isDelete ? TOMBSTONE_SIZE : sizeBytes };
    pending.push(entry);
    tail.datSizeBytes = offset + record.length;
    tail.lastAppendAtNs = appendAtNs;
    reads.apply(entry);
    if (pending.count >= MAX_PENDING_ENTRIES) await sync();
    return { offset, lengthBytes: record.length, appendAtNs, isUnchanged: false };
  }

  async function undo(datSizeBytes: number, cause: unknown): Promise<void> {
    try {
      await dat.truncate(datSizeBytes);
    } catch {
      fail('a failed append could not be undone', cause);
    }
  }

  function fail(text: string, cause: unknown): StoreError {
    const code = isStoreError(cause, 'no-space') ? 'no-space' : 'disk-failed';
    failure = new StoreError(code, `volume ${paths.name}: ${text}; open it again`, {
      path: paths.dat,
      volume: paths.name,
      cause,
    });
    return failure;
  }

  /** The record that makes `content` superfluous (format.md §4.4); fails where the cookie is another. */
  async function unchanged(content: NeedleContent): Promise<AppendedRecord | undefined> {
    const known = map.get(content.needleId);
    if (known === undefined) return undefined;
    const cookie = await reads.readCookie(known);
    if (cookie !== undefined && cookie !== content.cookie) {
      throw refusal(
        'cookie-mismatch',
        `has needle ${content.needleId.toString(16)} by another cookie`,
        content.needleId,
      );
    }
    const data = content.data ?? new Uint8Array(0);
    if (known.sizeBytes <= 0 || hasTtl || data.length === 0) return undefined;
    try {
      const former = await reads.readEntry(known);
      if (!isEqual(former.data, data)) return undefined;
      return { offset: known.offset, lengthBytes: 0, appendAtNs: former.appendAtNs, isUnchanged: true };
    } catch (error) {
      // A damaged record is what the new one heals.
      if (isStoreError(error, 'corrupt')) return undefined;
      throw error;
    }
  }

  /** The CRC that the servers put into the record of a deletion: that of the data deleted (format.md §4.2). */
  async function crcOfDeleted(entry: IdxEntry): Promise<number> {
    try {
      return (await reads.readEntry(entry)).crc;
    } catch (error) {
      if (isStoreError(error, 'corrupt')) return 0;
      throw error;
    }
  }

  /** Data, then their entries: at no instant is there an entry whose record is not durable. */
  async function syncNow(): Promise<void> {
    if (isClosed) throw refusal('closed', 'is closed');
    if (failure !== undefined) throw failure;
    if (files.mode === 'read') return;
    const { datSizeBytes } = tail;
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

  function sync(): Promise<void> {
    // Callers that come while one sync runs share the next: it covers what all of them have appended.
    waitingSync ??= lastSync
      .catch(() => {})
      .then(() => {
        waitingSync = undefined;
        lastSync = syncNow();
        return lastSync;
      });
    return waitingSync;
  }

  return {
    durable: () => durable,
    append: (content) =>
      inTurn(async () => {
        assertWritable(false);
        const inherits = hasTtl && content.ttl === undefined && version > 1;
        return (
          (await unchanged(content)) ?? write(inherits ? { ...content, ttl: volumeTtl } : content, false)
        );
      }),
    delete: (needleId, cookie) =>
      inTurn(async () => {
        assertWritable(true);
        const entry = reads.find(needleId);
        if (entry === undefined) throw notFound(paths, needleId);
        if (cookie !== undefined && cookie !== (await reads.readCookie(entry))) {
          throw refusal('cookie-mismatch', `has needle ${needleId.toString(16)} by another cookie`, needleId);
        }
        const storedCrc = cookie === undefined ? 0 : await crcOfDeleted(entry);
        return write({ needleId, cookie: cookie ?? 0, storedCrc }, true);
      }),
    sync,
    async close() {
      await lastWrite;
      await waitingSync?.catch(() => {});
      await lastSync.catch(() => {});
      if (isClosed) return;
      try {
        if (failure === undefined && hasNote) {
          await sync();
          await removeWritingNote(env.disk, paths);
        }
      } finally {
        isClosed = true;
      }
    },
  };
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
