import {
  IDX_WRAP_BYTES,
  idxEntrySizeBytes,
  SUPER_BLOCK_SIZE_BYTES,
  writeIdxEntry,
  writeSuperBlock,
} from '@holdfast/format';
import { openIdx } from '@holdfast/index';
import type { DiskFile } from '../disk.js';
import type { StoreEnvironment } from '../environment.js';
import { StoreError } from '../errors.js';
import { ensureFree } from '../generation/free-space.js';
import { removeIfThere } from '../generation/small-file.js';
import { NeedleMap } from '../needle-map.js';
import { findCompactionLeftovers, settleCompaction } from './compaction-files.js';
import { createFileWriter, type FileWriter } from './file-writer.js';
import { readLiveRecords } from './live-records.js';
import type { OpenedFiles } from './opened-files.js';
import { writeFile } from './replace-file-by.js';
import type { BeginCompactionOptions, CompactionResult, Volume, VolumeCompaction } from './volume.js';
import { removeWritingNote } from './writing-note.js';

const REVISIONS = 0x10000;
const PIECE_BYTES = 1 << 20;

/** What the compaction needs of the inside of a volume. */
export interface CompactionSource {
  readonly files: OpenedFiles;
  readonly volume: Volume;
  /** Nothing of the volume that was may be written any more, nor its notes removed. */
  yieldPlace(): void;
  fail(text: string, cause: unknown): StoreError;
  openInPlace(files: OpenedFiles): Volume;
}

interface CopyInProgress {
  readonly dat: DiskFile;
  readonly idx: DiskFile;
  readonly datWriter: FileWriter;
  readonly idxWriter: FileWriter;
  readonly map: NeedleMap;
  /** How much of the volume's files is in the copy. */
  datSizeBytes: number;
  idxSizeBytes: number;
}

export function createVolumeCompaction(
  env: StoreEnvironment,
  source: CompactionSource,
  options: BeginCompactionOptions,
): VolumeCompaction {
  const { disk, crc32c } = env;
  const { files, volume } = source;
  const { paths, version, offsetWidthBytes: width, map } = files;
  const compactionRevision = (files.superBlock.compactionRevision + 1) % REVISIONS;
  const superBlock = { ...files.superBlock, version, compactionRevision };
  let copied: CopyInProgress | undefined;

  async function openNew(path: string): Promise<DiskFile> {
    const file = await disk.open(path, { mode: 'create' });
    await file.truncate(0);
    return file;
  }

  async function begin(): Promise<CopyInProgress> {
    const { liveBytes, liveNeedles } = volume.stats();
    const neededBytes = SUPER_BLOCK_SIZE_BYTES + liveBytes + liveNeedles * idxEntrySizeBytes(width);
    await ensureFree(env, paths.directory, neededBytes, options.minFreeBytes ?? 0);
    await volume.sync();
    const dat = await openNew(paths.cpd);
    const idx = await openNew(paths.cpx).catch(async (error) => {
      await dat.close();
      throw error;
    });
    const [datWriter, idxWriter] = [createFileWriter(dat), createFileWriter(idx)];
    await datWriter.write(writeSuperBlock(superBlock));
    const { durableDatSizeBytes: datSizeBytes, durableIdxSizeBytes: idxSizeBytes } = volume.stats();
    return { dat, idx, datWriter, idxWriter, map: new NeedleMap(), datSizeBytes, idxSizeBytes };
  }

  /** Those whose record lies in what is copied first; the others are added with what was appended. */
  function* liveBefore(offset: number) {
    for (const entry of map.liveByOffset()) {
      if (entry.sizeBytes >= 0 && entry.offset < offset) yield entry;
    }
  }

  async function copyLive(copy: CopyInProgress): Promise<CompactionResult> {
    let damagedNeedles = 0;
    for await (const records of readLiveRecords(volume, liveBefore(copy.datSizeBytes), crc32c)) {
      options.signal?.throwIfAborted();
      for (const { entry, pieces, isDamaged } of records) {
        if (isDamaged) damagedNeedles++;
        const moved = { ...entry, offset: copy.datWriter.sizeBytes };
        for await (const piece of pieces) await copy.datWriter.write(piece);
        await copy.idxWriter.write(writeIdxEntry(moved, width));
        copy.map.apply(moved);
      }
      await options.onCopied?.(copy.datWriter.sizeBytes);
    }
    return { compactionRevision, keptNeedles: copy.map.liveCount, damagedNeedles };
  }

  /** The records as they are, one behind the other, and their entries: all of them move by the same distance. */
  async function addAppended(copy: CopyInProgress): Promise<void> {
    const { durableDatSizeBytes, durableIdxSizeBytes } = volume.stats();
    const { datSizeBytes: fromOffset } = copy;
    const distance = copy.datWriter.sizeBytes - fromOffset;
    for (let at = fromOffset; at < durableDatSizeBytes; at += PIECE_BYTES) {
      options.signal?.throwIfAborted();
      await copy.datWriter.write(await volume.readRange(at, Math.min(PIECE_BYTES, durableDatSizeBytes - at)));
    }
    const entrySize = idxEntrySizeBytes(width);
    const idx = await openIdx(volume.idx, width, { sizeBytes: durableIdxSizeBytes });
    for await (const entries of idx.walk({ fromEntry: copy.idxSizeBytes / entrySize })) {
      for (let i = 0; i < entries.count; i++) {
        const entry = entries.entryAt(i);
        // Offsets of 4 bytes wrap; these records lie behind all that was copied before.
        const wraps = width === 4 ? Math.ceil(Math.max(0, fromOffset - entry.offset) / IDX_WRAP_BYTES) : 0;
        const moved = { ...entry, offset: entry.offset + wraps * IDX_WRAP_BYTES + distance };
        await copy.idxWriter.write(writeIdxEntry(moved, width));
        copy.map.apply(moved);
      }
    }
    copy.datSizeBytes = durableDatSizeBytes;
    copy.idxSizeBytes = durableIdxSizeBytes;
  }

  function copyInHand(): CopyInProgress {
    if (copied !== undefined) return copied;
    throw new StoreError('compaction-state', `volume ${paths.name}: no compaction is ready to be committed`, {
      path: paths.dat,
      volume: paths.name,
    });
  }

  async function closeCopy(): Promise<void> {
    await copied?.dat.close();
    await copied?.idx.close();
    copied = undefined;
  }

  async function discard(): Promise<void> {
    await closeCopy();
    for (const path of [paths.cpd, paths.cpx]) await removeIfThere(disk, path);
  }

  /** The marker decides: until it is durable a restart rolls back, from then on it rolls forward. */
  async function decide(): Promise<void> {
    try {
      await disk.syncDirectory(paths.directory);
      await writeFile(disk, paths.cpc, []);
      await disk.syncDirectory(paths.directory);
    } catch (error) {
      await undecide();
      throw error;
    }
  }

  /** A marker that came back after a crash would roll forward over what was written since: it goes durably. */
  async function undecide(): Promise<void> {
    try {
      await removeIfThere(disk, paths.cpc);
      await disk.syncDirectory(paths.directory);
    } catch (cause) {
      throw source.fail('it is open whether a compaction was decided', cause);
    }
    await discard().catch(() => {});
  }

  async function takePlace(copy: CopyInProgress): Promise<Volume> {
    const sizes = { datSizeBytes: copy.datWriter.sizeBytes, idxSizeBytes: copy.idxWriter.sizeBytes };
    await closeCopy();
    await settleCompaction(disk, paths, await findCompactionLeftovers(disk, paths));
    await removeWritingNote(disk, paths);
    const dat = await disk.open(paths.dat, { mode: 'write' });
    const idx = await disk.open(paths.idx, { mode: 'write' }).catch(async (error) => {
      await dat.close();
      throw error;
    });
    const { lastAppendAtNs } = volume.stats();
    return source.openInPlace({ ...files, superBlock, dat, idx, map: copy.map, ...sizes, lastAppendAtNs });
  }

  return {
    async copy() {
      try {
        copied = await begin();
        return await copyLive(copied);
      } catch (error) {
        // What cannot be removed now is when the volume is opened next.
        await discard().catch(() => {});
        throw error;
      }
    },
    catchUp: () => addAppended(copyInHand()),
    async commit() {
      const copy = copyInHand();
      try {
        await volume.sync();
        await addAppended(copy);
        await copy.datWriter.sync();
        await copy.idxWriter.sync();
      } catch (error) {
        await discard().catch(() => {});
        throw error;
      }
      await decide();
      try {
        const next = await takePlace(copy);
        source.yieldPlace();
        return next;
      } catch (error) {
        throw source.fail('a compaction that was decided could not be finished', error);
      }
    },
    discard,
  };
}
