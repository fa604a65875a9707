import type { StoreEnvironment } from '../environment.js';
import { StoreError } from '../errors.js';
import { parentOf } from './small-file.js';
import { createTailFile, type TailFile } from './tail-file.js';

export interface IndexWriting {
  readonly path: string;
  readonly digestsPath: string;
  readonly sizeBytes: number;
}

/**
 * Writes a whole index file beside the one in use, durably, with its digests. Error `index-mismatch` where the
 * content is not `sizeBytes` long; no more than that is ever written.
 */
export async function writeIndexFile(
  env: StoreEnvironment,
  content: AsyncIterable<Uint8Array>,
  { path, digestsPath, sizeBytes }: IndexWriting,
): Promise<TailFile> {
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
    await tail.syncTo(sizeBytes);
    await tail.syncDigests();
    await env.disk.syncDirectory(parentOf(path));
    return tail;
  } catch (error) {
    await tail.close();
    throw error;
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
