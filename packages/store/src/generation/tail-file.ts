import type { DiskFile } from '../disk.js';
import type { StoreEnvironment } from '../environment.js';
import {
  type BlockHasher,
  blockCount,
  blockStart,
  createBlockHasher,
  DIGEST_SIZE_BYTES,
} from './block-digests.js';
import { bufferWithRoom } from './buffer-with-room.js';
import type { FileIdentity } from './position-record.js';

/** Smaller chunks are gathered into writes of this size; a chunk at least this large is written as it is, uncopied. */
export const WRITE_SIZE_BYTES = 1 << 20;

/**
 * A file that only grows at its end, with the digests of its blocks. What is behind `committedBytes` is pending: it
 * counts only once the position says so. Calls must not overlap, but for those of a `TailCommit`.
 */
export interface TailFile {
  readonly committedBytes: number;
  /** The length with everything pending. */
  readonly writtenBytes: number;
  /**
   * Appends. The file may still be at work on the array when the promise is through: it must be left alone until the
   * next call is. A failure of the file may only come out there.
   */
  write(bytes: Uint8Array): Promise<void>;
  /** Bytes of [0, writtenBytes). */
  read(offset: number, lengthBytes: number): Promise<Uint8Array>;
  /** Begins a commit: cuts what is past `sizeBytes` and hands the rest to the file. The one before must be settled. */
  prepare(sizeBytes: number): Promise<TailCommit>;
  /** Cuts what is pending. Not durable by itself. */
  rollback(): Promise<void>;
  /** Closes the file without a further write. */
  close(): Promise<void>;
}

/**
 * A commit of [0, sizeBytes) in its order; what comes between the steps is the caller's. Writes may go on meanwhile:
 * what they add is no part of it.
 */
export interface TailCommit {
  /** First: the data are durable. */
  syncData(): Promise<void>;
  /** Second: so are the digests of the blocks completed since the commit before. */
  syncDigests(): Promise<void>;
  /** For the position. */
  identity(): Promise<FileIdentity>;
  /** Last, when the position is durable: nothing of it is pending any more. */
  settle(): void;
}

export interface TailFileOptions {
  readonly file: DiskFile;
  readonly committedBytes: number;
  readonly digestsPath: string;
}

export function createTailFile(env: StoreEnvironment, options: TailFileOptions): TailFile {
  const { file, digestsPath } = options;
  let committedBytes = options.committedBytes;
  let writtenBytes = committedBytes;
  /** Bytes that have been handed to the file; those up to `writtenBytes` are in `buffer`. */
  let handedBytes = committedBytes;
  let buffer: Uint8Array | undefined;
  let spare: Uint8Array | undefined;
  let underWay: Promise<void> = Promise.resolve();
  /** Has seen exactly [0, writtenBytes), at every moment at which something is awaited. */
  let hasher: BlockHasher | undefined;
  let isWriting = false;

  async function hasherFrom(offset: number): Promise<BlockHasher> {
    const start = blockStart(offset);
    const partial = await file.readAt(start, offset - start);
    return createBlockHasher(env.sha256, partial);
  }

  /** Gives bytes that end at `writtenBytes` to the file, which works on them while the next ones come. */
  function handOver(bytes: Uint8Array): void {
    underWay = file.writeAt(handedBytes, bytes);
    // Whoever awaits it next gets the failure.
    underWay.catch(() => {});
    handedBytes = writtenBytes;
  }

  async function handOverBuffer(): Promise<void> {
    await underWay;
    if (buffer === undefined || writtenBytes === handedBytes) return;
    const full = buffer;
    handOver(full.subarray(0, writtenBytes - handedBytes));
    buffer = spare;
    spare = full;
  }

  async function drain(): Promise<void> {
    await handOverBuffer();
    await underWay;
  }

  async function gather(bytes: Uint8Array, hashing: BlockHasher): Promise<void> {
    let at = 0;
    while (at < bytes.length) {
      const bufferedBytes = writtenBytes - handedBytes;
      const part = bytes.subarray(at, at + WRITE_SIZE_BYTES - bufferedBytes);
      buffer = bufferWithRoom(buffer, bufferedBytes, bufferedBytes + part.length);
      buffer.set(part, bufferedBytes);
      hashing.push(part);
      at += part.length;
      writtenBytes += part.length;
      if (bufferedBytes + part.length === WRITE_SIZE_BYTES) await handOverBuffer();
    }
  }

  async function append(bytes: Uint8Array): Promise<void> {
    hasher ??= await hasherFrom(writtenBytes);
    if (bytes.length < WRITE_SIZE_BYTES) return gather(bytes, hasher);
    await drain();
    writtenBytes += bytes.length;
    handOver(bytes);
    // While the disk is at work.
    hasher.push(bytes);
  }

  async function cutTo(sizeBytes: number): Promise<void> {
    await drain();
    if (writtenBytes === sizeBytes) return;
    await file.truncate(sizeBytes);
    writtenBytes = sizeBytes;
    handedBytes = sizeBytes;
    // It has seen bytes that are gone now.
    hasher = await hasherFrom(committedBytes);
    for (let at = committedBytes; at < sizeBytes; at += WRITE_SIZE_BYTES)
      hasher.push(await file.readAt(at, Math.min(WRITE_SIZE_BYTES, sizeBytes - at)));
  }

  async function writeDigests(offset: number, digests: Uint8Array): Promise<void> {
    const digestsFile = await env.disk.open(digestsPath, { mode: 'create' });
    try {
      await digestsFile.writeAt(offset, digests);
      await digestsFile.syncData();
    } finally {
      await digestsFile.close();
    }
  }

  return {
    get committedBytes() {
      return committedBytes;
    },
    get writtenBytes() {
      return writtenBytes;
    },

    async write(bytes) {
      isWriting = true;
      try {
        await append(bytes);
      } finally {
        isWriting = false;
      }
    },

    async read(offset, lengthBytes) {
      await drain();
      return file.readAt(offset, Math.max(0, Math.min(lengthBytes, writtenBytes - offset)));
    },

    async prepare(sizeBytes) {
      if (sizeBytes < committedBytes || sizeBytes > writtenBytes)
        throw new RangeError(`${sizeBytes} is not between ${committedBytes} and ${writtenBytes}`);
      await cutTo(sizeBytes);
      hasher ??= await hasherFrom(sizeBytes);
      const digests = hasher.takeCompleted();
      const tailDigest = hasher.tailDigest();
      const digestsOffset = blockCount(committedBytes) * DIGEST_SIZE_BYTES;
      return {
        syncData: () => file.syncData(),
        async syncDigests() {
          if (digests.length > 0) await writeDigests(digestsOffset, digests);
        },
        async identity() {
          const { fileKey, mtimeNs } = await file.stat();
          return { fileKey, mtimeNs, tailDigest };
        },
        settle() {
          committedBytes = sizeBytes;
          if (isWriting || writtenBytes > sizeBytes) return;
          // A home is open for each volume of a server: between commits it holds no buffers.
          hasher = undefined;
          buffer = undefined;
          spare = undefined;
        },
      };
    },

    async rollback() {
      await cutTo(committedBytes);
      hasher = undefined;
    },

    async close() {
      await underWay.catch(() => {});
      await file.close();
    },
  };
}
