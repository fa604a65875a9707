import { idxEntrySizeBytes, type OffsetWidthBytes } from '@holdfast/format';
import { openIdx, type RandomAccess } from '@holdfast/index';
import type { Disk, DiskFile } from '../disk.js';
import type { RecoveryPlan } from './recovery-plan.js';
import { replaceFileBy } from './replace-file-by.js';
import type { VolumePaths } from './volume-paths.js';
import { type WritingNote, writeWritingNote } from './writing-note.js';

const PIECE_BYTES = 1 << 20;

/**
 * Makes the files what the plan says: first the data, durably, then the index, so that at no instant an entry points
 * past the data. Running it again after a crash ends in the same files.
 */
export async function applyRecovery(
  disk: Disk,
  paths: VolumePaths,
  dat: DiskFile,
  plan: RecoveryPlan,
  width: OffsetWidthBytes,
  writingNote: WritingNote | undefined,
): Promise<void> {
  if (plan.datSizeBytes !== plan.foundDatSizeBytes) await dat.truncate(plan.datSizeBytes);
  if (plan.unsyncedFromOffset !== undefined)
    await writeAgain(dat, plan.unsyncedFromOffset, plan.datSizeBytes);
  if (plan.datSizeBytes !== plan.foundDatSizeBytes || plan.backEntries.count > 0) await dat.syncData();
  const entrySize = idxEntrySizeBytes(width);
  const keptEntries = keptPrefix(plan);
  if (plan.frontEntries.count > 0 || keptEntries === undefined) {
    await replaceFileBy(disk, paths.idx, rewrittenIndex(disk, paths, plan, width));
    return;
  }
  const keptBytes = keptEntries * entrySize;
  // A crash may tear the entries, and then this tells which they are.
  if (writingNote === undefined && plan.backEntries.count > 0)
    await writeWritingNote(disk, paths, { fromOffset: plan.indexedEndOffset, fromIdxOffset: keptBytes });
  const idx = await disk.open(paths.idx, { mode: 'create' });
  try {
    if ((await idx.sizeBytes()) !== keptBytes) {
      await idx.truncate(keptBytes);
      // What is cut must not come back among what is written in its place.
      if (plan.backEntries.count > 0) await idx.syncData();
    }
    let at = keptBytes;
    for (const piece of plan.backEntries.pieces()) {
      await idx.writeAt(at, piece);
      at += piece.length;
    }
    await idx.syncData();
  } finally {
    await idx.close();
  }
  if (plan.isIndexMissing) await disk.syncDirectory(paths.directory);
}

/** Only bytes that are written anew are sure to be in the next sync, where one has failed. */
export async function writeAgain(file: DiskFile, fromOffset: number, toOffset: number): Promise<void> {
  for (let at = fromOffset; at < toOffset; at += PIECE_BYTES)
    await file.writeAt(at, await file.readAt(at, Math.min(PIECE_BYTES, toOffset - at)));
}

/** How many entries stay if those to drop are the last ones; `undefined` if others are behind them. */
function keptPrefix({ entryCount, droppedEntries }: RecoveryPlan): number | undefined {
  const kept = entryCount - droppedEntries.size;
  for (let entryIndex = kept; entryIndex < entryCount; entryIndex++) {
    if (!droppedEntries.has(entryIndex)) return undefined;
  }
  return kept;
}

async function* rewrittenIndex(
  disk: Disk,
  paths: VolumePaths,
  plan: RecoveryPlan,
  width: OffsetWidthBytes,
): AsyncGenerator<Uint8Array> {
  yield* plan.frontEntries.pieces();
  const former = await disk.open(paths.idx, { mode: 'read' });
  try {
    yield* keptEntries(former, plan, width);
  } finally {
    await former.close();
  }
  yield* plan.backEntries.pieces();
}

async function* keptEntries(
  former: RandomAccess,
  { entryCount, droppedEntries }: RecoveryPlan,
  width: OffsetWidthBytes,
): AsyncGenerator<Uint8Array> {
  const entrySize = idxEntrySizeBytes(width);
  const idx = await openIdx(former, width, { sizeBytes: entryCount * entrySize });
  for await (const entries of idx.walk()) {
    let runStart = 0;
    for (let i = 0; i <= entries.count; i++) {
      if (i < entries.count && !droppedEntries.has(entries.firstEntryIndex + i)) continue;
      if (i > runStart) yield entries.bytes.subarray(runStart * entrySize, i * entrySize);
      runStart = i + 1;
    }
  }
}
