import type { RandomAccess } from '@holdfast/index';
import type { DiskFile } from '../disk.js';
import type { StoreEnvironment } from '../environment.js';
import { isStoreError } from '../errors.js';
import { blockStart, differingBlocks } from './block-digests.js';
import { type FileIdentity, isSameFile } from './position-record.js';

/** A file of a generation, and what of it is committed. */
export interface CommittedFile {
  readonly path: string;
  readonly digestsPath: string;
  readonly committedBytes: number;
  readonly identity: FileIdentity;
}

export interface Identified {
  /** The committed bytes are there and unchanged. */
  readonly isHeld: boolean;
  /** The metadata say so too: nothing has touched the file since the commit. */
  readonly isUntouched: boolean;
  /** What lies behind the committed length. */
  readonly bytesBehind: number;
}

export const EMPTY: RandomAccess = {
  sizeBytes: async () => 0,
  readAt: async () => new Uint8Array(0),
};

/** A file for reading, or an empty one where there is none. */
export async function openIfThere(
  env: StoreEnvironment,
  path: string,
): Promise<RandomAccess & { close(): Promise<void> }> {
  try {
    return await env.disk.open(path, { mode: 'read' });
  } catch (error) {
    if (!isStoreError(error, 'not-found')) throw error;
    return { ...EMPTY, close: async () => {} };
  }
}

/**
 * Compares the file with what the position says of it: the metadata, and where they differ every block. One that cannot
 * be read is not held: what can be is a pool.
 */
export async function identifyFile(
  env: StoreEnvironment,
  file: DiskFile,
  committed: CommittedFile,
): Promise<Identified> {
  const { committedBytes, identity } = committed;
  const stat = await file.stat();
  if (isSameFile(identity, committedBytes, stat)) return { isHeld: true, isUntouched: true, bytesBehind: 0 };
  const bytesBehind = Math.max(0, stat.sizeBytes - committedBytes);
  if (stat.sizeBytes < committedBytes) return { isHeld: false, isUntouched: false, bytesBehind };
  const digests = await openIfThere(env, committed.digestsPath);
  try {
    const content = { lengthBytes: committedBytes, digests, tailDigest: identity.tailDigest };
    for await (const _ of differingBlocks(env.sha256, file, content))
      return { isHeld: false, isUntouched: false, bytesBehind };
    return { isHeld: true, isUntouched: false, bytesBehind };
  } catch (error) {
    if (isStoreError(error, 'disk-failed')) return { isHeld: false, isUntouched: false, bytesBehind };
    throw error;
  } finally {
    await digests.close();
  }
}

/**
 * Cuts the file to its committed length and makes the last block, which an append that failed may have shared a page
 * with, durable anew. The block must have been compared with its digest.
 */
export async function settleFile(file: DiskFile, committedBytes: number): Promise<void> {
  await file.truncate(committedBytes);
  const start = blockStart(committedBytes);
  if (start < committedBytes) await file.writeAt(start, await file.readAt(start, committedBytes - start));
  await file.syncData();
}
