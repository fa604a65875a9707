import { type Disk, type StoreEnvironment, StoreError } from '@holdfast/store';

/** A file as it was written, for the manifest. */
export interface RestoredFile {
  readonly name: string;
  readonly sizeBytes: number;
  /** Hex digits. */
  readonly sha256: string;
}

/** Writes a new file, durably but for its name. `onWritten` is told of each piece. Errors of the disk, `exists`. */
export async function writeRestoredFile(
  env: StoreEnvironment,
  directory: string,
  name: string,
  content: AsyncIterable<Uint8Array>,
  onWritten: (lengthBytes: number) => void = () => {},
): Promise<RestoredFile> {
  const hash = env.createSha256();
  const file = await env.disk.open(`${directory}/${name}`, { mode: 'create-new' });
  try {
    let sizeBytes = 0;
    for await (const bytes of content) {
      await file.writeAt(sizeBytes, bytes);
      hash.push(bytes);
      sizeBytes += bytes.length;
      onWritten(bytes.length);
    }
    await file.syncData();
    return { name, sizeBytes, sha256: hexOf(hash.digest()) };
  } finally {
    await file.close();
  }
}

const CHUNK_BYTES = 1024 * 1024;

export async function* chunksOf(content: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < content.length; at += CHUNK_BYTES) yield content.subarray(at, at + CHUNK_BYTES);
}

export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** An empty directory: what an earlier try has left in it goes. */
export async function emptyDirectory(disk: Disk, path: string): Promise<void> {
  if ((await disk.stat(path)) === undefined) await disk.makeDirectory(path);
  for (const name of await disk.list(path)) await disk.remove(`${path}/${name}`);
}

export async function removeIfThere(disk: Disk, path: string): Promise<void> {
  if ((await disk.stat(path)) !== undefined) await disk.remove(path);
}

/** Error `exists` where one of the names is taken: a restore replaces nothing. */
export async function assertAbsent(
  { disk }: StoreEnvironment,
  directory: string,
  names: readonly string[],
): Promise<void> {
  for (const name of names) {
    const path = `${directory}/${name}`;
    if ((await disk.stat(path)) === undefined) continue;
    throw new StoreError('exists', `${path} is there already: a restore replaces nothing`, { path });
  }
}

/** Tidies up behind a failure, which counts more than what the disk makes of this. */
export async function tidyUp(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
  }
}
