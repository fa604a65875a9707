import {
  FormatError,
  type IdxEntry,
  type Needle,
  parseNeedle,
  recordLengthBytes,
  SUPER_BLOCK_SIZE_BYTES,
} from '@holdfast/format';
import { headerFitsEntry } from '@holdfast/index';
import type { StoreEnvironment } from '../environment.js';
import { StoreError, type StoreErrorDetails } from '../errors.js';
import { createAppender } from './appender.js';
import { notFound, type OpenedFiles, type VolumeTail } from './opened-files.js';
import { boundedAccess, EMPTY_ACCESS, paddedAccess } from './random-access.js';
import { readHeader } from './record-probe.js';
import { walkRecords } from './record-walk.js';
import type { Volume } from './volume.js';

export function createVolumeOverFiles(env: StoreEnvironment, files: OpenedFiles): Volume {
  const { paths, superBlock, version, map } = files;
  const tail: VolumeTail = {
    datSizeBytes: files.datSizeBytes,
    idxSizeBytes: files.idxSizeBytes,
    lastAppendAtNs: files.lastAppendAtNs,
  };
  // Reading mode mends in memory: a record may be whole but for padding that is not in the file.
  const dat = paddedAccess(files.dat, () => tail.datSizeBytes);
  const idx = boundedAccess(files.idx ?? EMPTY_ACCESS, () => tail.idxSizeBytes);
  const details = (entry: IdxEntry, more: StoreErrorDetails = {}): StoreErrorDetails => ({
    path: paths.dat,
    volume: paths.name,
    offset: entry.offset,
    needleId: entry.needleId,
    ...more,
  });

  async function readEntry(entry: IdxEntry): Promise<Needle> {
    const bytes = await dat.readAt(entry.offset, recordLengthBytes(version, entry.sizeBytes));
    try {
      const needle = parseNeedle(bytes, version, { crc32c: env.crc32c });
      if (headerFitsEntry(needle, entry)) return needle;
    } catch (cause) {
      if (!(cause instanceof FormatError)) throw cause;
      throw new StoreError('corrupt', `needle ${hex(entry)} of ${paths.dat} is damaged: ${cause.message}`, {
        ...details(entry, { expected: cause.expected, found: cause.found, cause }),
      });
    }
    throw disagreement(entry);
  }

  function disagreement(entry: IdxEntry): StoreError {
    const message = `${paths.dat}: the record at ${entry.offset} is not needle ${hex(entry)} as the index has it`;
    return new StoreError('corrupt', message, details(entry));
  }

  /** The cookie of a needle's record, deleted or not; `undefined` where the record is not the needle's. */
  async function readCookie(entry: IdxEntry): Promise<number | undefined> {
    const header = await readHeader(dat, entry.offset);
    return header?.needleId === entry.needleId ? header.cookie : undefined;
  }

  function find(needleId: bigint): IdxEntry | undefined {
    const entry = map.get(needleId);
    return entry !== undefined && entry.sizeBytes >= 0 ? entry : undefined;
  }

  async function readNeedle(needleId: bigint, cookie?: number): Promise<Needle> {
    const entry = find(needleId);
    if (entry === undefined) throw notFound(paths, needleId);
    const needle = await readEntry(entry);
    if (cookie !== undefined && cookie !== needle.cookie) {
      throw new StoreError('cookie-mismatch', `needle ${hex(entry)} has another cookie`, details(entry));
    }
    return needle;
  }

  let liveBytes = 0;
  for (const entry of map.live()) liveBytes += recordLengthBytes(version, entry.sizeBytes);
  const lengthOf = (entry: IdxEntry | undefined) =>
    entry === undefined || entry.sizeBytes < 0 ? 0 : recordLengthBytes(version, entry.sizeBytes);

  const appender = createAppender(env, files, tail, {
    find,
    readEntry,
    readCookie,
    apply(entry) {
      const former = map.apply(entry);
      liveBytes += lengthOf(entry) - lengthOf(former);
    },
  });

  const close = async () => {
    try {
      await appender.close();
    } finally {
      await files.dat.close();
      await files.idx?.close();
    }
  };

  return {
    directory: paths.directory,
    name: paths.name,
    superBlock,
    version,
    offsetWidthBytes: files.offsetWidthBytes,
    info: files.info,
    isReadOnly: files.mode === 'read' || files.info.readOnly,
    recovery: files.recovery,
    dat,
    idx,
    stats: () => ({
      liveNeedles: map.liveCount,
      deletedNeedles: map.deletedCount,
      datSizeBytes: tail.datSizeBytes,
      idxSizeBytes: tail.idxSizeBytes,
      ...appender.durable(),
      liveBytes,
      garbageBytes: tail.datSizeBytes - SUPER_BLOCK_SIZE_BYTES - liveBytes,
      lastAppendAtNs: tail.lastAppendAtNs,
    }),
    find,
    liveByOffset: () => map.liveByOffset(),
    liveByNeedleId: () => map.liveByNeedleId(),
    readNeedle,
    readRange: (offset, lengthBytes) => dat.readAt(offset, lengthBytes),
    async *scan({ collect = 'headers', fromOffset = SUPER_BLOCK_SIZE_BYTES, signal } = {}) {
      const toOffset = tail.datSizeBytes;
      const walk = walkRecords(dat, { version, fromOffset, toOffset, collect, crc32c: env.crc32c, signal });
      yield* walk.batches;
      if (walk.stop === undefined) return;
      const { offset, cause } = walk.stop;
      const message = `${paths.dat}: no record at ${offset}: ${cause.message}`;
      throw new StoreError('corrupt', message, { path: paths.dat, volume: paths.name, offset, cause });
    },
    append: appender.append,
    delete: appender.delete,
    sync: appender.sync,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function hex({ needleId }: IdxEntry): string {
  return needleId.toString(16);
}
