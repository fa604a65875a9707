import { readWhole, type StoreEnvironment } from '@holdfast/store';
import { hexOf, type RestoredFile } from './restored-file.js';

/** A manifest lists what was damaged on the leader: as many lines as a volume could ever have need no more. */
const MAX_MANIFEST_BYTES = 64 << 20;
const PIECE_BYTES = 1024 * 1024;

export interface NamedFiles {
  readonly out: string;
  readonly staging: string;
  /** The manifest's comes last. */
  readonly names: readonly string[];
}

/**
 * Behind a restore that ended while it gave its files their names: those that have got theirs lose it again, so that
 * the restore can be made anew. The manifest that is still in `staging` says which they are, to the last byte: what is
 * not so stays.
 */
export async function takeBackNames(
  env: StoreEnvironment,
  { out, staging, names }: NamedFiles,
): Promise<void> {
  const { disk } = env;
  const manifest = names.at(-1)!;
  const bytes = await readWhole(disk, `${staging}/${manifest}`, MAX_MANIFEST_BYTES);
  if (bytes === undefined || (await disk.stat(`${out}/${manifest}`)) !== undefined) return;
  const own = filesOf(bytes).filter(({ name }) => names.includes(name));
  for (const file of own)
    if (await isThere(env, `${out}/${file.name}`, file)) await disk.remove(`${out}/${file.name}`);
  await disk.syncDirectory(out);
}

/** None, where it is no manifest that was written to its end. */
function filesOf(manifest: Uint8Array): readonly RestoredFile[] {
  try {
    const { files } = JSON.parse(new TextDecoder().decode(manifest)) as { readonly files: RestoredFile[] };
    return files;
  } catch {
    return [];
  }
}

async function isThere(
  { disk, createSha256 }: StoreEnvironment,
  path: string,
  { sizeBytes, sha256 }: RestoredFile,
): Promise<boolean> {
  const stat = await disk.stat(path);
  if (stat?.kind !== 'file' || stat.sizeBytes !== sizeBytes) return false;
  const file = await disk.open(path, { mode: 'read' });
  try {
    const hash = createSha256();
    for (let at = 0; at < sizeBytes; at += PIECE_BYTES)
      hash.push(await file.readAt(at, Math.min(PIECE_BYTES, sizeBytes - at)));
    return hexOf(hash.digest()) === sha256;
  } finally {
    await file.close();
  }
}
