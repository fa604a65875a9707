import type { Disk, StoreEnvironment } from '@holdfast/store';

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

export async function* oneChunk(text: string): AsyncGenerator<Uint8Array, void, undefined> {
  yield new TextEncoder().encode(text);
}

export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** An empty directory: what an earlier try has left in it goes. */
export async function emptyDirectory(disk: Disk, path: string): Promise<void> {
  if ((await disk.stat(path)) === undefined) await disk.makeDirectory(path);
  for (const name of await disk.list(path)) await disk.remove(`${path}/${name}`);
}
