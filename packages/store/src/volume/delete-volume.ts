import type { StoreEnvironment } from '../environment.js';
import { removeIfThere } from '../generation/small-file.js';
import { removeDerivedIndexes } from './derived-indexes.js';
import { volumePaths } from './volume-paths.js';
import { removeWritingNote } from './writing-note.js';

export interface DeleteVolumeOptions {
  readonly directory: string;
  /** Base name: `7` or `collection_7`. */
  readonly name: string;
}

/**
 * Removes the files of a volume that nobody has open, durably; nothing happens where there are none. Servers find a
 * volume by its `.vif` or `.idx`, so these go first; the `.dat` goes last.
 */
export async function deleteVolume(env: StoreEnvironment, options: DeleteVolumeOptions): Promise<void> {
  const { disk } = env;
  const paths = volumePaths(options.directory, options.name);
  const { vif, idx, cpc, cpx, cpd, dat } = paths;
  for (const path of [vif, idx, cpc, cpx, cpd]) await removeIfThere(disk, path);
  await removeDerivedIndexes(disk, paths);
  await removeWritingNote(disk, paths);
  await removeIfThere(disk, dat);
  await disk.syncDirectory(paths.directory);
}
