import { idxEntrySizeBytes, type OffsetWidthBytes } from '@holdfast/format';
import { headerFitsEntry, openIdx, type RandomAccess } from '@holdfast/index';
import type { Disk } from '../disk.js';
import { StoreError } from '../errors.js';
import { exists, removeIfThere } from '../generation/small-file.js';
import { removeDerivedIndexes } from './derived-indexes.js';
import { readHeader } from './record-probe.js';
import type { VolumePaths } from './volume-paths.js';

/** What a compaction that was cut short left behind, and which of the files are the volume (format.md §8). */
export interface CompactionLeftovers {
  /**
   * `none`; `roll-forward`: it was decided, the renames are to be finished; `roll-back`: it was not; `misfit`: it was
   * decided, but its files do not fit each other and the former ones do.
   */
  readonly outcome: 'none' | 'roll-forward' | 'roll-back' | 'misfit';
  readonly datPath: string;
  readonly idxPath: string;
  readonly found: readonly string[];
}

const SAMPLED_ENTRIES = 64;
const WIDTHS: readonly OffsetWidthBytes[] = [4, 5];

/** Looks, changes nothing. Fails with `index-mismatch` where no data file and index of those that are there fit. */
export async function findCompactionLeftovers(disk: Disk, paths: VolumePaths): Promise<CompactionLeftovers> {
  const { dat, idx, cpd, cpx, cpc } = paths;
  const [hasCpd, hasCpx, hasMarker] = await Promise.all([
    exists(disk, cpd),
    exists(disk, cpx),
    exists(disk, cpc),
  ]);
  const found = [hasCpd && cpd, hasCpx && cpx, hasMarker && cpc].filter((path) => path !== false);
  const former = { datPath: dat, idxPath: idx, found };
  if (found.length === 0) return { outcome: 'none', ...former };
  if (!hasMarker) return { outcome: 'roll-back', ...former };
  // Only the marker is left, or came back: both files are in their places, and may have been written to since.
  if (!hasCpd && !hasCpx) return { outcome: 'roll-forward', ...former };
  const decided = { datPath: hasCpd ? cpd : dat, idxPath: hasCpx ? cpx : idx, found };
  if (await isPair(disk, decided.datPath, decided.idxPath)) return { outcome: 'roll-forward', ...decided };
  if (await isPair(disk, dat, idx)) return { outcome: 'misfit', ...former };
  throw new StoreError(
    'index-mismatch',
    `${dat}: a compaction was cut short, and what it left does not fit together`,
    {
      path: dat,
      volume: paths.name,
    },
  );
}

/** Finishes or undoes the compaction, durably; a crash in between leaves what this finishes the next time. */
export async function settleCompaction(
  disk: Disk,
  paths: VolumePaths,
  leftovers: CompactionLeftovers,
): Promise<void> {
  const { outcome, datPath, idxPath } = leftovers;
  if (outcome === 'none') return;
  if (outcome === 'roll-forward') {
    // A marker that is seen may not be durable yet, if the process that decided was killed just then.
    await disk.syncDirectory(paths.directory);
    if (datPath !== paths.dat) await disk.rename(datPath, paths.dat);
    if (idxPath !== paths.idx) await disk.rename(idxPath, paths.idx);
    // The marker goes only when both renames are durable: it is what tells that they belong together.
    await disk.syncDirectory(paths.directory);
    await removeDerivedIndexes(disk, paths);
    await removeIfThere(disk, paths.cpc);
  } else {
    // The marker goes first: with it, a crash here would be rolled forward from half of the files.
    await removeIfThere(disk, paths.cpc);
    await disk.syncDirectory(paths.directory);
    await removeIfThere(disk, paths.cpd);
    await removeIfThere(disk, paths.cpx);
  }
  await disk.syncDirectory(paths.directory);
}

/** Whether most of a sample of the index's entries point at their records, by either width. */
async function isPair(disk: Disk, datPath: string, idxPath: string): Promise<boolean> {
  if (!(await exists(disk, datPath)) || !(await exists(disk, idxPath))) return false;
  const dat = await disk.open(datPath, { mode: 'read' });
  try {
    const idx = await disk.open(idxPath, { mode: 'read' });
    try {
      const sizeBytes = await idx.sizeBytes();
      if (sizeBytes === 0) return true;
      for (const width of WIDTHS) {
        if (sizeBytes % idxEntrySizeBytes(width) === 0 && (await fits(dat, idx, width))) return true;
      }
      return false;
    } finally {
      await idx.close();
    }
  } finally {
    await dat.close();
  }
}

async function fits(dat: RandomAccess, idx: RandomAccess, width: OffsetWidthBytes): Promise<boolean> {
  const file = await openIdx(idx, width);
  const entries = await file.readEntries(0, Math.min(SAMPLED_ENTRIES, file.entryCount));
  let asked = 0;
  let fitting = 0;
  for (let i = 0; i < entries.count; i++) {
    const entry = entries.entryAt(i);
    if (entry.offset === 0) continue;
    asked++;
    const header = await readHeader(dat, entry.offset);
    if (header !== undefined && headerFitsEntry(header, entry)) fitting++;
  }
  return 2 * fitting >= asked;
}
