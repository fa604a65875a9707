import type { Disk } from '../disk.js';
import { listIfThere, removeIfThere } from '../generation/small-file.js';
import type { VolumePaths } from './volume-paths.js';

/**
 * Removes what servers derive from an `.idx` and would go on from, though it is another one now (format.md §1): a
 * LevelDB folder, `.rdb`, `.sdx`. They make them anew. Not yet durable.
 */
export async function removeDerivedIndexes(disk: Disk, { ldb, rdb, sdx }: VolumePaths): Promise<void> {
  await removeIfThere(disk, rdb);
  await removeIfThere(disk, sdx);
  for (const name of await listIfThere(disk, ldb)) await disk.remove(`${ldb}/${name}`);
  if ((await disk.stat(ldb)) !== undefined) await disk.removeDirectory(ldb);
}
