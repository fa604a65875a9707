import type { DiskFile } from '../disk.js';
import { toHex } from './block-digests.js';
import type { HomeContext } from './home-records.js';
import { ensureDirectory, TEMPORARY_SUFFIX } from './small-file.js';

const COPY_SIZE_BYTES = 1 << 20;
/** Of the digest in a stray's name. */
const NAME_DIGEST_BYTES = 8;

/**
 * Copies what lies behind `offset` into `strays/`, durably, and gives the path. The name tells file, offset and
 * content, so a copy that a crash made useless is made again under the same name.
 */
export async function keepStray(
  context: HomeContext,
  kind: 'dat' | 'idx',
  file: DiskFile,
  offset: number,
): Promise<string> {
  const { env, layout } = context;
  const { disk } = env;
  await ensureDirectory(disk, layout.strays);
  const temporary = `${layout.strays}/${kind}${TEMPORARY_SUFFIX}`;
  const copy = await disk.open(temporary, { mode: 'create' });
  let digest = new Uint8Array(0);
  try {
    await copy.truncate(0);
    const sizeBytes = await file.sizeBytes();
    for (let at = offset; at < sizeBytes; at += COPY_SIZE_BYTES) {
      const bytes = await file.readAt(at, Math.min(COPY_SIZE_BYTES, sizeBytes - at));
      await copy.writeAt(at - offset, bytes);
      const chained = new Uint8Array(digest.length + bytes.length);
      chained.set(digest);
      chained.set(bytes, digest.length);
      digest = new Uint8Array(env.sha256(chained));
    }
    await copy.syncData();
  } finally {
    await copy.close();
  }
  const name = `${layout.baseName}.${kind}.${offset}.${toHex(digest.subarray(0, NAME_DIGEST_BYTES))}`;
  const path = `${layout.strays}/${name}`;
  await disk.rename(temporary, path);
  await disk.syncDirectory(layout.strays);
  return path;
}
