import type { Disk } from '../disk.js';
import { removeIfThere, replaceFile } from '../generation/small-file.js';
import type { VolumePaths } from './volume-paths.js';

export const NOTE_SUFFIX = '.note';

/** From here on a volume is not whole, durably: whoever starts in its directory removes what there is of it. */
export function noteIncomplete(disk: Disk, { note, name }: VolumePaths): Promise<void> {
  return replaceFile(disk, note, new TextEncoder().encode(`volume ${name} is not complete`));
}

/** What was begun is durable, and now this. */
export async function removeIncompleteNote(disk: Disk, { note, directory }: VolumePaths): Promise<void> {
  if (await removeIfThere(disk, note)) await disk.syncDirectory(directory);
}
