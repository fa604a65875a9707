import { dirname } from 'node:path';
import { ensureFree, type StoreEnvironment } from '@holdfast/store';
import { UsageError } from './usage-error.js';

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
  const found = await disk.stat(directory);
  if (found === undefined) {
    await disk.makeDirectory(directory);
    await disk.syncDirectory(dirname(directory));
  } else if (found.kind !== 'directory') {
    throw new UsageError(`${directory} is no directory: --out names one`);
  }
}
