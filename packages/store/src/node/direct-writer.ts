import { constants } from 'node:fs';
import type { FileHandle, open } from 'node:fs/promises';
import { ALIGNMENT_BYTES, isPageAligned, nodeWriteMemory } from './write-memory.js';

/** Shorter writes are left to the cache of the system: there is nothing to gain from a way around it. */
const LEAST_DIRECT_BYTES = 256 * 1024;

/** Writes past the page cache, where the file system has a way. */
export interface DirectWriter {
  /**
   * Writes the aligned part of a long write and tells what it covered: [start, end) of `bytes`. Empty where the write
   * is short or the file system refuses.
   */
  write(offset: number, bytes: Uint8Array): Promise<{ readonly start: number; readonly end: number }>;
  close(): Promise<void>;
}

const NOTHING = { start: 0, end: 0 };

/**
 * For a second descriptor of the file behind `handle`. A copy of a volume is seldom read again soon: past the cache it
 * evicts nobody's pages, costs no second copy of every byte, and a sync has little left to do (docs/benchmarks.md).
 */
export function createDirectWriter(handle: FileHandle, openHandle: typeof open): DirectWriter {
  let direct: Promise<FileHandle | undefined> | undefined;

  async function openDirect(): Promise<FileHandle | undefined> {
    try {
      // By the descriptor: the file may have another name by now. Where the system has no such path it is written as usual.
      return await openHandle(`/proc/self/fd/${handle.fd}`, constants.O_RDWR | constants.O_DIRECT);
    } catch {
      return undefined;
    }
  }

  return {
    async write(offset, bytes) {
      const start = -offset & (ALIGNMENT_BYTES - 1);
      const end = start + ((bytes.length - start) & -ALIGNMENT_BYTES);
      if (end - start < LEAST_DIRECT_BYTES) return NOTHING;
      direct ??= openDirect();
      const file = await direct;
      if (file === undefined) return NOTHING;
      try {
        const written = await writeAligned(file, offset + start, bytes.subarray(start, end));
        return { start, end: start + written };
      } catch (error) {
        if (!isRefusal(error)) throw error;
        direct = Promise.resolve(undefined);
        await file.close();
        return NOTHING;
      }
    },
    async close() {
      const file = await direct;
      direct = Promise.resolve(undefined);
      await file?.close();
    },
  };
}

/** How much of `bytes` was written: less where the file system cuts a write below one page, or no memory is aligned for it. */
async function writeAligned(file: FileHandle, offset: number, bytes: Uint8Array): Promise<number> {
  const piece = isPageAligned(bytes) ? undefined : nodeWriteMemory.borrow();
  try {
    if (piece !== undefined && !isPageAligned(piece)) return 0;
    let at = 0;
    while (at < bytes.length) {
      const part = bytes.subarray(at, piece && at + piece.length);
      if (piece !== undefined) nodeWriteMemory.put(piece, 0, part);
      const { bytesWritten } = await file.write(piece ?? part, 0, part.length, offset + at);
      const wholeBytes = bytesWritten & -ALIGNMENT_BYTES;
      if (wholeBytes === 0) break;
      at += wholeBytes;
    }
    return at;
  } finally {
    if (piece !== undefined) nodeWriteMemory.giveBack(piece);
  }
}

/** How a file system says that it opens files this way but cannot write so, or not with this alignment. */
function isRefusal(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && (error.code === 'EINVAL' || error.code === 'EOPNOTSUPP')
  );
}
