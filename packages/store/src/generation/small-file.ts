import type { Disk } from '../disk.js';
import { isStoreError, StoreError } from '../errors.js';

/** Ends the name of a file that is being written and has no meaning yet. */
export const TEMPORARY_SUFFIX = '.tmp';

const PAGE_BYTES = 4096;

export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

/**
 * Gives `path` this content, durably and at once: after a crash it has its former content or the new one, whole.
 * `beforeRename` runs when the content is durable and nothing has changed yet.
 */
export async function replaceFile(
  disk: Disk,
  path: string,
  content: Uint8Array,
  beforeRename?: () => Promise<void>,
): Promise<void> {
  const temporary = `${path}${TEMPORARY_SUFFIX}`;
  const file = await disk.open(temporary, { mode: 'create' });
  try {
    await file.truncate(0);
    await file.writeAt(0, content);
    await file.syncData();
  } finally {
    await file.close();
  }
  await beforeRename?.();
  await disk.rename(temporary, path);
  await disk.syncDirectory(parentOf(path));
}

/** The whole content, `undefined` if there is no such file. Error `too-large` past `maxBytes`. */
export async function readWhole(disk: Disk, path: string, maxBytes: number): Promise<Uint8Array | undefined> {
  try {
    const file = await disk.open(path, { mode: 'read' });
    try {
      // Nearly all of them are shorter than a page: one call, and no question how long they are.
      const headBytes = Math.min(PAGE_BYTES, maxBytes + 1);
      const head = await file.readAt(0, headBytes);
      if (head.length < headBytes) return head;
      const sizeBytes = await file.sizeBytes();
      if (sizeBytes > maxBytes) {
        throw new StoreError('too-large', `${path} has ${sizeBytes} bytes; ${maxBytes} are the limit`, {
          path,
          expected: maxBytes,
          found: sizeBytes,
        });
      }
      return await file.readAt(0, sizeBytes);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isStoreError(error, 'not-found')) return undefined;
    throw error;
  }
}

export async function exists(disk: Disk, path: string): Promise<boolean> {
  return (await disk.stat(path)) !== undefined;
}

/** Whether there was something to remove. */
export async function removeIfThere(disk: Disk, path: string): Promise<boolean> {
  try {
    await disk.remove(path);
    return true;
  } catch (error) {
    if (isStoreError(error, 'not-found')) return false;
    throw error;
  }
}

/** Names in a directory; none where there is no directory. */
export async function listIfThere(disk: Disk, path: string): Promise<readonly string[]> {
  try {
    return await disk.list(path);
  } catch (error) {
    if (isStoreError(error, 'not-found')) return [];
    throw error;
  }
}

/** Makes a directory whose parent exists, durably. */
export async function ensureDirectory(disk: Disk, path: string): Promise<void> {
  if (await exists(disk, path)) return;
  try {
    await disk.makeDirectory(path);
  } catch (error) {
    // Somebody of ours was faster; it may not be durable yet.
    if (!isStoreError(error, 'exists')) throw error;
  }
  await disk.syncDirectory(parentOf(path));
}
