import type { Disk } from '../disk.js';
import { parentOf, TEMPORARY_SUFFIX } from '../generation/small-file.js';

/** As `replaceFile`, for content of any length: written beside, made durable, then renamed over `path`. */
export async function replaceFileBy(
  disk: Disk,
  path: string,
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<void> {
  const temporary = `${path}${TEMPORARY_SUFFIX}`;
  await writeFile(disk, temporary, content);
  await disk.rename(temporary, path);
  await disk.syncDirectory(parentOf(path));
}

/** Writes a whole file, durably but for its name. Returns its length. */
export async function writeFile(
  disk: Disk,
  path: string,
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<number> {
  const file = await disk.open(path, { mode: 'create' });
  try {
    await file.truncate(0);
    let at = 0;
    for await (const piece of content) {
      await file.writeAt(at, piece);
      at += piece.length;
    }
    await file.syncData();
    return at;
  } finally {
    await file.close();
  }
}
