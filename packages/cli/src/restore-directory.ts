import { dirname } from 'node:path';
import { ensureFree, type StoreEnvironment } from '@holdfast/store';
import { makeFolder } from './make-folder.js';

/**
 * Sees to it that `neededBytes` fit on the disk of a directory that need not be there yet, and gives what is free.
 * Error `no-space`.
 */
export async function assertFits(
  env: StoreEnvironment,
  directory: string,
  neededBytes: number,
  minFreeBytes: number,
): Promise<number> {
  let present = directory;
  while ((await env.disk.stat(present)) === undefined && dirname(present) !== present)
    present = dirname(present);
  await ensureFree(env, present, neededBytes, minFreeBytes);
  return await env.disk.freeBytes(present);
}

/** Makes the directory, but not its parents, if it is not there. */
export async function makeOutDirectory({ disk }: StoreEnvironment, directory: string): Promise<void> {
  const isNew = (await disk.stat(directory)) === undefined;
  await makeFolder('--out', directory);
  if (isNew) await disk.syncDirectory(dirname(directory));
}
