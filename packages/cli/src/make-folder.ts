import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StoreError } from '@holdfast/store';
import { UsageError } from './usage-error.js';

/**
 * Makes the folder that `flag` names, alone, never its parents: a path that is mistyped, or not mounted, should not be
 * filled. One that is there is left as it is.
 */
export async function makeFolder(flag: string, path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    // What a link leads to counts; one that leads nowhere is no directory.
    if (code === 'EEXIST' && (await stat(path).catch(() => undefined))?.isDirectory()) return;
    if (code === 'EEXIST' || code === 'ENOTDIR')
      throw new UsageError(`${flag} ${path} is no directory`, { cause });
    if (code === 'ENOENT') {
      throw new UsageError(`${flag} ${path} cannot be made: make ${dirname(path)} first`, { cause });
    }
    const storeCode = code === 'ENOSPC' || code === 'EDQUOT' ? 'no-space' : 'not-permitted';
    throw new StoreError(storeCode, `${path} cannot be made (${code})`, { path, cause });
  }
}
