import {
  type IdxEntry,
  type NeedleContent,
  type OffsetWidthBytes,
  ttlSeconds,
  type VolumeInfo,
} from '@holdfast/format';
import type { StoreEnvironment } from '../environment.js';
import { StoreError } from '../errors.js';
import { createAppendBatches } from './append-batches.js';
import { appendRecords, encodeRecord, type RecordToAppend } from './append-records.js';
import { removeDerivedIndexes } from './derived-indexes.js';
import type { FormerRecords } from './former-records.js';
import type { GroupSync } from './group-sync.js';
import { notFound, type OpenedFiles, type VolumeTail } from './opened-files.js';
import type { AppendedRecord, AppendOptions, DeletionRecord, StagedData, Volume } from './volume.js';
import { removeWritingNote, writeWritingNote } from './writing-note.js';

/** A record with data starts below this: 32 GiB and 8 TiB (format.md §4.4). */
const MAX_OFFSET_BYTES: Readonly<Record<OffsetWidthBytes, number>> = { 4: 2 ** 35, 5: 2 ** 43 };
/** Beside its data, about. */
const RECORD_BYTES = 64;

/** What the appender needs of the volume's reading side. */
export interface AppenderReads extends FormerRecords {
  info(): VolumeInfo;
  apply(entry: IdxEntry): void;
}

export interface Appender extends Pick<Volume, 'append' | 'delete' | 'sync'> {
  /** Waits for what is under way, makes it durable, and takes back what is not. Idempotent. */
  end(): Promise<void>;
  /** Another volume has taken the place of this one: nothing is written any more. */
  yieldPlace(): void;
}

/** One call of `append` or `delete` that waits. */
interface Append {
  readonly needleId: bigint;
  readonly lengthBytes: number;
  /** What is to be written, `undefined` where the call has its answer without. */
  prepare(): RecordToAppend | undefined | Promise<RecordToAppend | undefined>;
  resolve(record: AppendedRecord): void;
  reject(error: unknown): void;
}

export function createAppender(
  env: StoreEnvironment,
  files: OpenedFiles,
  tail: VolumeTail,
  group: GroupSync,
  reads: AppenderReads,
): Appender {
  const { paths, version, offsetWidthBytes, map } = files;
  const volumeTtl = files.superBlock.ttl;
  const hasTtl = ttlSeconds(volumeTtl) > 0;
  let hasNote = false;
  let isEnded = false;
  const batches = createAppendBatches<Append>(runBatch);

  const refusal = (
    code: 'read-only' | 'closed' | 'cookie-mismatch' | 'too-large',
    text: string,
    needleId?: bigint,
  ) =>
    new StoreError(code, `volume ${paths.name} ${text}`, { path: paths.dat, volume: paths.name, needleId });

  function assertWritable(isDelete: boolean): void {
    if (isEnded) throw refusal('closed', 'is closed');
    if (group.failure !== undefined) throw group.failure;
    if (files.mode === 'read') throw refusal('read-only', 'is open for reading');
    const { readOnly, readOnlyCanDelete } = reads.info();
    if (readOnly && !(isDelete && readOnlyCanDelete)) throw refusal('read-only', 'is marked read-only');
  }

  function assertCookie(found: number | undefined, cookie: number, needleId: bigint): void {
    if (found === cookie) return;
    throw refusal('cookie-mismatch', `has needle ${needleId.toString(16)} by another cookie`, needleId);
  }

  function preparePut(
    content: NeedleContent,
    { staged, checksCookie = true }: AppendOptions,
    resolve: Append['resolve'],
  ): RecordToAppend | Promise<RecordToAppend | undefined> {
    assertWritable(false);
    const inherits = hasTtl && content.ttl === undefined && version > 1;
    const inherited = inherits ? { ...content, ttl: volumeTtl } : content;
    const data = staged ?? content.data ?? new Uint8Array(0);
    const crc = data instanceof Uint8Array ? env.crc32c(data) : data.crc;
    const record = { content: { ...inherited, storedCrc: crc }, staged, isDelete: false };
    const known = map.get(content.needleId);
    return known === undefined ? record : unlessSame(record, data, known, checksCookie, resolve);
  }

  /** Nothing is written for a needle that is there just so; fails where the cookie is another (format.md §4.4). */
  async function unlessSame(
    record: RecordToAppend,
    data: Uint8Array | StagedData,
    known: IdxEntry,
    checksCookie: boolean,
    resolve: Append['resolve'],
  ): Promise<RecordToAppend | undefined> {
    const { cookie, needleId, storedCrc } = record.content;
    const head = await reads.headOf(known);
    if (head !== undefined && checksCookie) assertCookie(head.cookie, cookie, needleId);
    const lengthBytes = data instanceof Uint8Array ? data.length : data.sizeBytes;
    const mayBeSame =
      known.sizeBytes > 0 && !hasTtl && lengthBytes > 0 && head?.dataSizeBytes === lengthBytes;
    if (!mayBeSame || head.cookie !== cookie) return record;
    const appendAtNs = await reads.stampIfSame(known, data, env.clock.nowNs());
    if (appendAtNs === undefined) return record;
    const { offset, sizeBytes } = known;
    resolve({ offset, lengthBytes: 0, sizeBytes, crc: storedCrc, appendAtNs, isUnchanged: true });
    return undefined;
  }

  async function prepareDelete(needleId: bigint, cookie: number | undefined): Promise<RecordToAppend> {
    assertWritable(true);
    const entry = map.get(needleId);
    if (entry === undefined || entry.sizeBytes < 0) throw notFound(paths, needleId);
    if (cookie !== undefined) assertCookie((await reads.headOf(entry))?.cookie, cookie, needleId);
    // As the servers have it: the CRC of the data deleted (format.md §4.2).
    const storedCrc = cookie === undefined ? 0 : await reads.crcOf(entry);
    return { content: { needleId, cookie: cookie ?? 0, storedCrc }, staged: undefined, isDelete: true };
  }

  async function runBatch(batch: readonly Append[]): Promise<void> {
    const prepared = await Promise.all(
      batch.map(async (append) => {
        try {
          return await append.prepare();
        } catch (error) {
          append.reject(error);
          return undefined;
        }
      }),
    );
    const writing: { readonly append: Append; readonly record: ReturnType<typeof encodeRecord> }[] = [];
    let offset = tail.datSizeBytes;
    let lastAppendAtNs = tail.lastAppendAtNs;
    for (const [i, toAppend] of prepared.entries()) {
      if (toAppend === undefined) continue;
      const append = batch[i]!;
      try {
        const appendAtNs = nextStamp(lastAppendAtNs);
        const record = encodeRecord(toAppend, offset, appendAtNs, version);
        assertReachable(record.entry.sizeBytes, offset, append.needleId);
        writing.push({ append, record });
        offset += record.lengthBytes;
        lastAppendAtNs = appendAtNs;
      } catch (error) {
        append.reject(error);
      }
    }
    if (writing.length === 0) return;
    try {
      await noteWriting();
      await appendRecords(
        files.dat,
        tail.datSizeBytes,
        writing.map(({ record }) => record),
      );
    } catch (error) {
      await undo(tail.datSizeBytes, error);
      for (const { append } of writing) append.reject(error);
      return;
    }
    tail.datSizeBytes = offset;
    tail.lastAppendAtNs = lastAppendAtNs;
    for (const { append, record } of writing) {
      const { entry, lengthBytes, crc, appendAtNs } = record;
      group.add(entry);
      reads.apply(entry);
      const sizeBytes = Math.max(0, entry.sizeBytes);
      append.resolve({ offset: entry.offset, lengthBytes, sizeBytes, crc, appendAtNs, isUnchanged: false });
    }
    // Who waits for it learns of its failure from the next call.
    if (group.isOverdue) await group.sync().catch(() => {});
  }

  function nextStamp(lastAppendAtNs: bigint): bigint {
    if (version < 3) return 0n;
    const nowNs = env.clock.nowNs();
    return nowNs > lastAppendAtNs ? nowNs : lastAppendAtNs + 1n;
  }

  function assertReachable(sizeBytes: number, offset: number, needleId: bigint): void {
    if (sizeBytes <= 0 || offset < MAX_OFFSET_BYTES[offsetWidthBytes]) return;
    throw refusal('too-large', `is full: offsets of ${offsetWidthBytes} bytes reach no further`, needleId);
  }

  async function noteWriting(): Promise<void> {
    if (hasNote) return;
    await removeDerivedIndexes(env.disk, paths);
    const note = { fromOffset: tail.datSizeBytes, fromIdxOffset: tail.idxSizeBytes };
    await writeWritingNote(env.disk, paths, note);
    hasNote = true;
  }

  async function undo(datSizeBytes: number, cause: unknown): Promise<void> {
    try {
      await files.dat.truncate(datSizeBytes);
    } catch {
      group.fail('a failed append could not be undone', cause);
    }
  }

  /** What a failed sync left may read right and not be on the disk: nobody who opens these files shall find it. */
  async function cutToDurable(): Promise<void> {
    const { durableDatSizeBytes, durableIdxSizeBytes } = group.durable();
    await files.dat.truncate(durableDatSizeBytes).catch(() => {});
    await files.idx?.truncate(durableIdxSizeBytes).catch(() => {});
  }

  return {
    append: (content, options = {}) =>
      new Promise((resolve, reject) => {
        const { needleId } = content;
        const shortBytes = RECORD_BYTES + (content.data?.length ?? 0);
        const lengthBytes = options.staged === undefined ? shortBytes : Number.POSITIVE_INFINITY;
        const prepare = () => preparePut(content, options, resolve);
        batches.add({ needleId, lengthBytes, prepare, resolve, reject });
      }),
    delete: (needleId, cookie) =>
      new Promise<DeletionRecord>((resolve, reject) => {
        let deletedSizeBytes = 0;
        batches.add({
          needleId,
          lengthBytes: RECORD_BYTES,
          prepare() {
            deletedSizeBytes = map.get(needleId)?.sizeBytes ?? 0;
            return prepareDelete(needleId, cookie);
          },
          resolve: (record) => resolve({ ...record, deletedSizeBytes }),
          reject,
        });
      }),
    async sync() {
      if (isEnded) throw refusal('closed', 'is closed');
      if (files.mode === 'write') await group.sync();
    },
    async end() {
      await batches.idle();
      await group.idle();
      if (isEnded) return;
      try {
        if (group.failure !== undefined) await cutToDurable();
        else if (hasNote) {
          await group.sync();
          await group.syncIndex();
          await removeWritingNote(env.disk, paths);
        }
      } finally {
        isEnded = true;
      }
    },
    yieldPlace() {
      isEnded = true;
    },
  };
}
