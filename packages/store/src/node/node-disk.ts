import { link, mkdir, open, readdir, rename, rmdir, stat, statfs, unlink } from 'node:fs/promises';
import type { Disk } from '../disk.js';
import { openNodeFile, toFileStat } from './node-file.js';
import { isAbsence, translateError } from './translate-error.js';

async function attempt<T>(action: string, path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    throw translateError(action, path, cause);
  }
}

/** The `Disk` of this machine. `syncData` is fdatasync, `syncDirectory` is fsync of the directory. */
export function createNodeDisk(): Disk {
  return {
    open: (path, { mode }) => openNodeFile(path, mode),
    async stat(path) {
      try {
        return toFileStat(await stat(path, { bigint: true }));
      } catch (cause) {
        if (isAbsence(cause)) return undefined;
        throw translateError('stat', path, cause);
      }
    },
    list: (path) => attempt('list', path, async () => (await readdir(path)).sort()),
    makeDirectory: (path) => attempt('make', path, () => mkdir(path)),
    removeDirectory: (path) => attempt('remove', path, () => rmdir(path)),
    rename: (from, to) => attempt('rename', from, () => rename(from, to)),
    link: (existing, added) => attempt('link', existing, () => link(existing, added)),
    remove: (path) => attempt('remove', path, () => unlink(path)),
    syncDirectory: (path) =>
      attempt('sync', path, async () => {
        const directory = await open(path, 'r');
        try {
          await directory.sync();
        } finally {
          await directory.close();
        }
      }),
    freeBytes: (path) =>
      attempt('stat', path, async () => {
        const { bavail, bsize } = await statfs(path, { bigint: true });
        return Number(bavail * bsize);
      }),
  };
}
