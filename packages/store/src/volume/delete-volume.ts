import { parseVolumeName } from '@holdfast/format';
import type { StoreEnvironment } from '../environment.js';
import { removeIfThere } from '../generation/small-file.js';
import { removeDerivedIndexes } from './derived-indexes.js';
import { NOTE_SUFFIX, noteIncomplete, removeIncompleteNote } from './incomplete-note.js';
import { volumePaths } from './volume-paths.js';
import { removeWritingNote } from './writing-note.js';

export interface DeleteVolumeOptions {
  readonly directory: string;
  /** Base name: `7` or `collection_7`. */
  readonly name: string;
}

/**
 * Removes the files of a volume that nobody has open, durably; nothing happens where there are none. Cut short by a crash
 * it is completed at the next start (`removeIncompleteVolumes`).
 */
export async function deleteVolume(env: StoreEnvironment, options: DeleteVolumeOptions): Promise<void> {
  const { disk } = env;
  const paths = volumePaths(options.directory, options.name);
  const { vif, idx, cpc, cpx, cpd, dat } = paths;
  await noteIncomplete(disk, paths);
  for (const path of [vif, idx, cpc, cpx, cpd]) await removeIfThere(disk, path);
  await removeDerivedIndexes(disk, paths);
  await removeWritingNote(disk, paths);
  await removeIfThere(disk, dat);
  await disk.syncDirectory(paths.directory);
  await removeIncompleteNote(disk, paths);
}

/**
 * Removes the volumes of a directory that a crash has left half made or half removed, as servers do at their start. Gives
 * their base names. Under the directory's lock.
 */
export async function removeIncompleteVolumes(
  env: StoreEnvironment,
  directory: string,
): Promise<readonly string[]> {
  const names = (await env.disk.list(directory))
    .filter((file) => file.endsWith(NOTE_SUFFIX))
    .map((file) => file.slice(0, -NOTE_SUFFIX.length))
    .filter(isVolumeName);
  for (const name of names) await deleteVolume(env, { directory, name });
  return names;
}

function isVolumeName(name: string): boolean {
  try {
    parseVolumeName(name);
    return true;
  } catch {
    return false;
  }
}
