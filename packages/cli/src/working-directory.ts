import { resolve } from 'node:path';
import { assertNotServed, bindCluster, lockDirectory } from '@holdfast/store';
import { makeFolder } from './make-folder.js';
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
  await makeFolder('--dir', path);
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
