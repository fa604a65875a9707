import type { StoreEnvironment } from '../environment.js';
import { StoreError } from '../errors.js';
import { blockCount, DIGEST_SIZE_BYTES, fromHex } from './block-digests.js';
import { parentOf } from './small-file.js';
import { createTailFile, type TailCommit, type TailFile } from './tail-file.js';

export interface IndexWriting {
  readonly path: string;
  readonly digestsPath: string;
  readonly sizeBytes: number;
}

export interface WrittenIndex {
  readonly tail: TailFile;
  /** Durable; to be settled when the position that speaks of it is. */
  readonly commit: TailCommit;
}

/**
 * Writes a whole index file beside the one in use, durably, with its digests. Error `index-mismatch` where the
 * content is not `sizeBytes` long; no more than that is ever written.
 */
export async function writeIndexFile(
  env: StoreEnvironment,
  content: AsyncIterable<Uint8Array>,
  { path, digestsPath, sizeBytes }: IndexWriting,
): Promise<WrittenIndex> {
  await createEmpty(env, digestsPath);
  const file = await env.disk.open(path, { mode: 'create' });
  const tail = createTailFile(env, { file, committedBytes: 0, digestsPath });
  try {
    await file.truncate(0);
    for await (const bytes of content) {
      if (tail.writtenBytes + bytes.length > sizeBytes)
        throw mismatch(path, sizeBytes, tail.writtenBytes + bytes.length);
      await tail.write(bytes);
    }
    if (tail.writtenBytes !== sizeBytes) throw mismatch(path, sizeBytes, tail.writtenBytes);
    const commit = await tail.prepare(sizeBytes);
    await commit.syncData();
    await commit.syncDigests();
    await env.disk.syncDirectory(parentOf(path));
    return { tail, commit };
  } catch (error) {
    await tail.close();
    throw error;
  }
}

/**
 * Puts the digest of an index's last, partial block behind those of its whole ones, durably: the position, which has it
 * while the index is in use, will speak of another one.
 */
export async function sealIndexDigests(
  env: StoreEnvironment,
  digestsPath: string,
  sizeBytes: number,
  tailDigest: string,
): Promise<void> {
  const file = await env.disk.open(digestsPath, { mode: 'create' });
  try {
    await file.writeAt(blockCount(sizeBytes) * DIGEST_SIZE_BYTES, fromHex(tailDigest));
    await file.syncData();
  } finally {
    await file.close();
  }
}

function mismatch(path: string, expected: number, found: number): StoreError {
  return new StoreError('index-mismatch', `an index of ${expected} bytes was expected, ${found} came`, {
    path,
    expected,
    found,
    remedy: 'retry',
  });
}

/** Makes an empty file, or empties it. */
export async function createEmpty(env: StoreEnvironment, path: string): Promise<void> {
  const file = await env.disk.open(path, { mode: 'create' });
  try {
    await file.truncate(0);
    await file.syncData();
  } finally {
    await file.close();
  }
}
