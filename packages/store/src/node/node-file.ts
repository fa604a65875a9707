import type { BigIntStats } from 'node:fs';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { DiskFile, FileStat, OpenOptions } from '../disk.js';
import { StoreError } from '../errors.js';
import { createDirectWriter, type DirectWriter } from './direct-writer.js';
import { translateError } from './translate-error.js';

const FLAGS: Readonly<Record<OpenOptions['mode'], number>> = {
  read: constants.O_RDONLY,
  write: constants.O_RDWR,
  create: constants.O_RDWR | constants.O_CREAT,
  'create-new': constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
};

/** From this request size up, the file's length is asked for first: nothing is allocated for bytes that are not there. */
const LARGE_READ_BYTES = 1 << 20;

export function toFileStat(stats: BigIntStats): FileStat {
  return {
    kind: stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : 'other',
    sizeBytes: Number(stats.size),
    fileKey: `${stats.dev}:${stats.ino}`,
    mtimeNs: stats.mtimeNs,
  };
}

/** `openHandle` is what the system opens files by. */
export async function openNodeFile(
  path: string,
  mode: OpenOptions['mode'],
  openHandle: typeof open = open,
): Promise<DiskFile> {
  try {
    const handle = await openHandle(path, FLAGS[mode], 0o644);
    return wrapHandle(path, handle, mode === 'read' ? undefined : createDirectWriter(handle, openHandle));
  } catch (cause) {
    throw translateError('open', path, cause);
  }
}

function wrapHandle(path: string, opened: FileHandle, directWriter: DirectWriter | undefined): DiskFile {
  let handle: FileHandle | undefined = opened;

  async function attempt<T>(action: string, run: (handle: FileHandle) => Promise<T>): Promise<T> {
    if (handle === undefined)
      throw new StoreError('closed', `cannot ${action} ${path}: it is closed`, { path });
    try {
      return await run(handle);
    } catch (cause) {
      throw translateError(action, path, cause);
    }
  }

  const sizeBytes = () => attempt('stat', async (file) => (await file.stat()).size);

  return {
    sizeBytes,
    async readAt(offset, lengthBytes) {
      let wantedBytes = lengthBytes;
      if (lengthBytes >= LARGE_READ_BYTES)
        wantedBytes = Math.min(lengthBytes, Math.max(0, (await sizeBytes()) - offset));
      return attempt('read', async (file) => {
        const bytes = new Uint8Array(new ArrayBuffer(wantedBytes));
        let filled = 0;
        while (filled < wantedBytes) {
          const { bytesRead } = await file.read(bytes, filled, wantedBytes - filled, offset + filled);
          if (bytesRead === 0) break;
          filled += bytesRead;
        }
        return filled === wantedBytes ? bytes : bytes.subarray(0, filled);
      });
    },
    writeAt: (offset, bytes) =>
      attempt('write', async (file) => {
        const direct = (await directWriter?.write(offset, bytes)) ?? { start: 0, end: 0 };
        await writeAll(file, offset, bytes.subarray(0, direct.start));
        await writeAll(file, offset + direct.end, bytes.subarray(direct.end));
      }),
    truncate: (size) => attempt('truncate', (file) => file.truncate(size)),
    syncData: () => attempt('sync', (file) => file.datasync()),
    stat: () => attempt('stat', async (file) => toFileStat(await file.stat({ bigint: true }))),
    async close() {
      const closing = handle;
      handle = undefined;
      try {
        try {
          await directWriter?.close();
        } finally {
          await closing?.close();
        }
      } catch (cause) {
        throw translateError('close', path, cause);
      }
    },
  };
}

async function writeAll(file: FileHandle, offset: number, bytes: Uint8Array): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written, offset + written);
    // No error and no progress: asking again could go on for ever.
    if (bytesWritten === 0) throw new Error(`none of ${bytes.length - written} bytes was taken`);
    written += bytesWritten;
  }
}
