import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { assertNotServed, bindCluster, lockDirectory, StoreError } from '@holdfast/store';
import { UsageError } from './usage-error.js';
import type { VerbContext } from './verb.js';

export interface WorkingDirectoryOptions {
  readonly path: string;
  /** What the directory is bound to; `undefined` where the cluster has no name: then it is not bound. */
  readonly clusterId: string | undefined;
  /** Work where a volume server has run. */
  readonly takesOver: boolean;
}

/** A directory that this process alone writes into. */
export interface WorkingDirectory {
  /** Absolute. */
  readonly path: string;
  readonly assertLocked: () => Promise<void>;
  release(): Promise<void>;
}

/** Makes the directory if there is none, locks it, and refuses one that is served or another cluster's. */
export async function openWorkingDirectory(
  { env }: VerbContext,
  options: WorkingDirectoryOptions,
): Promise<WorkingDirectory> {
  const path = resolve(options.path);
  await makeDirectory(path);
  const lock = await lockDirectory(env, path);
  try {
    if (!options.takesOver) await assertNotServed(env, path);
    if (options.clusterId !== undefined) await bindCluster(env, path, options.clusterId);
  } catch (error) {
    await lock.release();
    throw error;
  }
  return { path, assertLocked: () => lock.assertHeld(), release: () => lock.release() };
}

/** The directory alone, never its parents: a path that is mistyped, or not mounted, should not be filled. */
async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    // What a link leads to counts; one that leads nowhere is no directory.
    if (code === 'EEXIST' && (await stat(path).catch(() => undefined))?.isDirectory()) return;
    if (code === 'EEXIST' || code === 'ENOTDIR')
      throw new UsageError(`--dir ${path} is no directory`, { cause });
    if (code === 'ENOENT') {
      throw new UsageError(`--dir ${path} cannot be made: make ${dirname(path)} first`, { cause });
    }
    const storeCode = code === 'ENOSPC' || code === 'EDQUOT' ? 'no-space' : 'not-permitted';
    throw new StoreError(storeCode, `${path} cannot be made (${code})`, { path, cause });
  }
}
