import type { OffsetWidthBytes } from '@holdfast/format';
import type { DiskFile } from '../disk.js';
import type { StoreEnvironment } from '../environment.js';
import { StoreError, type StoreErrorCode } from '../errors.js';
import { exists } from '../generation/small-file.js';
import { applyRecovery, writeAgain } from './apply-recovery.js';
import { type CompactionLeftovers, findCompactionLeftovers, settleCompaction } from './compaction-files.js';
import { decideOffsetWidth } from './offset-width.js';
import { EMPTY_ACCESS } from './random-access.js';
import { detectRecordVersion } from './record-version.js';
import { needsRecovery, planRecovery, type RecoveryPlan } from './recovery-plan.js';
import { readSuperBlock } from './super-block-file.js';
import type { Volume, VolumeRecovery } from './volume.js';
import { readVolumeInfoFile } from './volume-info-file.js';
import { createVolumeOverFiles } from './volume-over-files.js';
import { type VolumePaths, volumePaths } from './volume-paths.js';
import { UNSYNCED_IDX_BYTES_MAX } from './whole-idx.js';
import { readWritingNote, removeWritingNote } from './writing-note.js';

export interface OpenVolumeOptions {
  readonly directory: string;
  /** Base name: `7` or `collection_7`. */
  readonly name: string;
  /** `read` changes no file: what recovery would mend is mended in memory only. */
  readonly mode: 'read' | 'write';
  /** With `write`: mend the files (default), or fail if there is anything to mend, with `index-missing`, `index-odd-size` or `index-mismatch`. */
  readonly recover?: boolean;
  /** Counts where index, data and `.vif` say nothing of the width of offsets. Default: `width-undecided`. */
  readonly assumedOffsetWidthBytes?: OffsetWidthBytes;
  readonly signal?: AbortSignal;
}

/**
 * Opens a volume of one's own, without a leader: whole, checked records that the index
 * lacks are indexed, bytes behind the last one are cut, entries past the end dropped. Errors: `not-found`,
 * `no-super-block`, `bad-super-block`, `unsupported-version`, `width-undecided`, `index-mismatch`, `corrupt`, and
 * those of the disk; the files are untouched then.
 */
export async function openVolume(env: StoreEnvironment, options: OpenVolumeOptions): Promise<Volume> {
  const { disk } = env;
  const isWrite = options.mode === 'write';
  const recover = options.recover ?? true;
  const paths = volumePaths(options.directory, options.name);
  const leftovers = await findCompactionLeftovers(disk, paths);
  if (leftovers.outcome !== 'none' && isWrite && !recover)
    throw unmended(paths, 'files of a compaction are left over');

  const opened: DiskFile[] = [];
  const open = async (path: string, mode: 'read' | 'write') => {
    const file = await disk.open(path, { mode });
    opened.push(file);
    return file;
  };
  try {
    const fileMode = isWrite ? 'write' : 'read';
    const dat = await open(leftovers.datPath, fileMode);
    const superBlock = await readSuperBlock(dat, paths);
    const { info } = await readVolumeInfoFile(disk, paths.vif);
    const isIndexMissing = !(await exists(disk, leftovers.idxPath));
    const foundIdx = isIndexMissing ? undefined : await open(leftovers.idxPath, fileMode);
    const idxOrNothing = foundIdx ?? EMPTY_ACCESS;
    const { offsetWidthBytes } = await decideOffsetWidth(
      { dat, idx: idxOrNothing },
      info.offsetWidthBytes,
      options.assumedOffsetWidthBytes,
      paths,
    );
    const files = { dat, idx: idxOrNothing };
    const version = await detectRecordVersion(files, superBlock.version, offsetWidthBytes, env.crc32c, paths);
    const writingNote = await readWritingNote(disk, paths);
    const plan = await planRecovery({
      dat,
      idx: idxOrNothing,
      isIndexMissing,
      version,
      offsetWidthBytes,
      paths,
      crc32c: env.crc32c,
      writingNote,
      signal: options.signal,
    });

    let idx = foundIdx;
    if (isWrite) {
      await settleCompaction(disk, paths, leftovers);
      if (needsRecovery(plan)) {
        if (!recover) throw unmended(paths, 'the files need recovery', codeOf(plan));
        await applyRecovery(disk, paths, dat, plan, offsetWidthBytes, writingNote);
        await foundIdx?.close();
        idx = await open(paths.idx, 'write');
      }
      if (writingNote !== undefined && idx !== undefined) await syncAgain(dat, idx);
      await removeWritingNote(disk, paths);
    }
    return createVolumeOverFiles(env, {
      paths,
      superBlock,
      version,
      offsetWidthBytes,
      info,
      mode: options.mode,
      dat,
      idx,
      idxSizeBytes: (await idx?.sizeBytes()) ?? 0,
      map: plan.map,
      datSizeBytes: plan.datSizeBytes,
      lastAppendAtNs: plan.lastAppendAtNs,
      recovery: describe(plan, leftovers),
    });
  } catch (error) {
    for (const file of opened) await file.close();
    throw error;
  }
}

/**
 * A writer of ours was cut short: what it had written is here and may not be on the disk, its last entries not even
 * after a sync if theirs had failed.
 */
async function syncAgain(dat: DiskFile, idx: DiskFile): Promise<void> {
  const idxSizeBytes = await idx.sizeBytes();
  await dat.syncData();
  await writeAgain(idx, Math.max(0, idxSizeBytes - UNSYNCED_IDX_BYTES_MAX), idxSizeBytes);
  await idx.syncData();
}

function describe(plan: RecoveryPlan, leftovers: CompactionLeftovers): VolumeRecovery {
  return {
    compaction: leftovers.outcome,
    cutBytes: Math.max(0, plan.foundDatSizeBytes - plan.datSizeBytes),
    paddedBytes: Math.max(0, plan.datSizeBytes - plan.foundDatSizeBytes),
    droppedEntries: plan.droppedEntries.size,
    droppedPartialEntryBytes: plan.partialEntryBytes,
    addedEntries: plan.frontEntries.count + plan.backEntries.count,
    ambiguousEntries: plan.ambiguousEntries,
  };
}

function codeOf({ isIndexMissing, partialEntryBytes }: RecoveryPlan): StoreErrorCode {
  if (isIndexMissing) return 'index-missing';
  return partialEntryBytes > 0 ? 'index-odd-size' : 'index-mismatch';
}

function unmended(
  { dat: path, name: volume }: VolumePaths,
  what: string,
  code: StoreErrorCode = 'index-mismatch',
): StoreError {
  return new StoreError(code, `${path}: ${what}; open it with recovery`, { path, volume, remedy: 'stop' });
}
