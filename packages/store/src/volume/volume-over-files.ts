import {
  type IdxEntry,
  recordLengthBytes,
  SUPER_BLOCK_SIZE_BYTES,
  type VolumeInfo,
  writeVolumeInfo,
} from '@holdfast/format';
import type { StoreEnvironment } from '../environment.js';
import { StoreError } from '../errors.js';
import { replaceFile } from '../generation/small-file.js';
import { createAppender } from './appender.js';
import { createFormerRecords } from './former-records.js';
import { createGroupSync } from './group-sync.js';
import type { OpenedFiles, VolumeTail } from './opened-files.js';
import { boundedAccess, EMPTY_ACCESS, paddedAccess } from './random-access.js';
import { walkRecords } from './record-walk.js';
import type { Volume } from './volume.js';
import { createVolumeCompaction } from './volume-compaction.js';
import { createVolumeReads } from './volume-reads.js';

export function createVolumeOverFiles(env: StoreEnvironment, files: OpenedFiles): Volume {
  const { paths, superBlock, version, map } = files;
  const tail: VolumeTail = {
    datSizeBytes: files.datSizeBytes,
    idxSizeBytes: files.idxSizeBytes,
    lastAppendAtNs: files.lastAppendAtNs,
  };
  let info: VolumeInfo = files.info;
  // Reading mode mends in memory: a record may be whole but for padding that is not in the file.
  const accessDat = files.mode === 'read' ? paddedAccess : boundedAccess;
  const dat = accessDat(files.dat, () => tail.datSizeBytes);
  const idx = boundedAccess(files.idx ?? EMPTY_ACCESS, () => tail.idxSizeBytes);
  const reads = createVolumeReads(files, dat, env.crc32c);

  let liveBytes = map.sumOfLive((sizeBytes) => recordLengthBytes(version, sizeBytes));
  const lengthOf = (entry: IdxEntry | undefined) =>
    entry === undefined || entry.sizeBytes < 0 ? 0 : recordLengthBytes(version, entry.sizeBytes);

  const group = createGroupSync(files, tail, env.clock);
  const records = { name: paths.name, version, readRange: reads.readRange };
  const appender = createAppender(env, files, tail, group, {
    ...createFormerRecords(records, env.crc32c),
    info: () => info,
    apply(entry) {
      const former = map.apply(entry);
      liveBytes += lengthOf(entry) - lengthOf(former);
    },
  });

  const close = async () => {
    try {
      await appender.end();
    } finally {
      await files.dat.close();
      await files.idx?.close();
    }
  };

  const volume: Volume = {
    directory: paths.directory,
    name: paths.name,
    superBlock,
    version,
    offsetWidthBytes: files.offsetWidthBytes,
    get info() {
      return info;
    },
    get isReadOnly() {
      return files.mode === 'read' || info.readOnly;
    },
    recovery: files.recovery,
    dat,
    idx,
    stats: () => ({
      liveNeedles: map.liveCount,
      deletedNeedles: map.deletedCount,
      fileCount: map.fileCount,
      deleteCount: map.deleteCount,
      datSizeBytes: tail.datSizeBytes,
      idxSizeBytes: tail.idxSizeBytes,
      ...group.durable(),
      liveBytes,
      garbageBytes: tail.datSizeBytes - SUPER_BLOCK_SIZE_BYTES - liveBytes,
      maxNeedleId: map.maxNeedleId,
      lastAppendAtNs: tail.lastAppendAtNs,
    }),
    ...reads,
    liveByOffset: () => map.liveByOffset(),
    liveByNeedleId: () => map.liveByNeedleId(),
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
    async markReadOnly(marks, { persist = false } = {}) {
      const marked = { ...info, ...marks };
      if (persist) await replaceFile(env.disk, paths.vif, new TextEncoder().encode(writeVolumeInfo(marked)));
      info = marked;
    },
    get failure() {
      return group.failure;
    },
    beginCompaction: (options = {}) =>
      createVolumeCompaction(
        env,
        {
          files,
          volume,
          yieldPlace: appender.yieldPlace,
          fail: group.fail,
          openInPlace: (next) => createVolumeOverFiles(env, { ...next, info }),
        },
        options,
      ),
    endWriting: appender.end,
    close,
    [Symbol.asyncDispose]: close,
  };
  return volume;
}
