import { formatVolumeName } from '@holdfast/format';
import {
  type DirectoryLock,
  ensureDirectory,
  isFollowing,
  listIfThere,
  lockDirectory,
  readWhole,
  replaceFile,
  type StoreEnvironment,
  StoreError,
} from '@holdfast/store';
import { uploadsPath } from './staged-upload.js';
import { listVolumeNames } from './volume-names.js';

const MAX_UUID_BYTES = 1 << 10;
const UUID_BYTES = 16;

/** A directory that this process alone serves for writing. */
export interface ServedDirectory {
  readonly lock: DirectoryLock;
  /** What `vol_dir.uuid` says, by which a master sees that two servers have one directory. */
  readonly uuid: string;
}

/**
 * Takes the directory: `locked` where somebody works in it, `read-only` where volumes follow a leader. Uploads that a
 * former process left are removed. `vol_dir.uuid` is written as every volume server does, so that followers keep out.
 */
export async function serveDirectory(env: StoreEnvironment, directory: string): Promise<ServedDirectory> {
  const lock = await lockDirectory(env, directory);
  try {
    for (const volume of await listVolumeNames(env, directory)) {
      if (!(await isFollowing(env, { directory, volume }))) continue;
      const message = `volume ${formatVolumeName(volume)} in ${directory} follows a leader: serve the directory read-only, or detach it`;
      throw new StoreError('read-only', message, { path: directory, volume: formatVolumeName(volume) });
    }
    await ensureDirectory(env.disk, `${directory}/.holdfast`);
    const uploads = uploadsPath(directory);
    await ensureDirectory(env.disk, uploads);
    for (const name of await listIfThere(env.disk, uploads)) await env.disk.remove(`${uploads}/${name}`);
    return { lock, uuid: await readOrWriteUuid(env, `${directory}/vol_dir.uuid`) };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function readOrWriteUuid(env: StoreEnvironment, path: string): Promise<string> {
  const bytes = await readWhole(env.disk, path, MAX_UUID_BYTES);
  const found = new TextDecoder().decode(bytes ?? new Uint8Array(0)).trim();
  if (found !== '') return found;
  const uuid = randomUuid(env);
  await replaceFile(env.disk, path, new TextEncoder().encode(uuid));
  return uuid;
}

/** Of version 4 (RFC 9562). */
function randomUuid({ random }: StoreEnvironment): string {
  const bytes = random.bytes(UUID_BYTES);
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
