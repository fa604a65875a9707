import type { DiskFile } from '../disk.js';
import type { StoreEnvironment } from '../environment.js';
import {
  type BlockHasher,
  blockCount,
  blockStart,
  createBlockHasher,
  DIGEST_SIZE_BYTES,
} from './block-digests.js';
import type { FileIdentity } from './position-record.js';

/** Smaller chunks are gathered into writes of this size; a chunk at least this large is written as it is, uncopied. */
export const WRITE_SIZE_BYTES = 1 << 20;

/**
 * A file that only grows at its end, with the digests of its blocks. What is behind `committedBytes` is pending: it
 * counts only once the position says so. Calls must not overlap.
 */
export interface TailFile {
  readonly committedBytes: number;
  /** The length with everything pending. */
  readonly writtenBytes: number;
  /** Appends. The array may be used again when the promise is through. */
  write(bytes: Uint8Array): Promise<void>;
  /** Bytes of [0, writtenBytes). */
  read(offset: number, lengthBytes: number): Promise<Uint8Array>;
  /** Commit, first half: cuts what is past `sizeBytes` and makes the rest durable. */
  syncTo(sizeBytes: number): Promise<void>;
  /** Commit, second half: makes the digests of the blocks completed since the last commit durable. */
  syncDigests(): Promise<void>;
  identity(): Promise<FileIdentity>;
  /** Commit, when the position is durable: nothing is pending any more. */
  settle(): void;
  /** Cuts what is pending. Not durable by itself. */
  rollback(): Promise<void>;
  /** Closes the file without a further write. */
  close(): Promise<void>;
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
  let hasher: BlockHasher | undefined;

  async function hasherFrom(offset: number): Promise<BlockHasher> {
    const start = blockStart(offset);
    const partial = await file.readAt(start, offset - start);
    return createBlockHasher(env.sha256, partial);
  }

  /** Hands the buffer to the file; the next one is filled meanwhile. */
  async function handOver(): Promise<void> {
    await underWay;
    const bufferedBytes = writtenBytes - handedBytes;
    if (buffer === undefined || bufferedBytes === 0) return;
    const full = buffer;
    underWay = file.writeAt(handedBytes, full.subarray(0, bufferedBytes));
    // Whoever awaits it next gets the failure.
    underWay.catch(() => {});
    handedBytes = writtenBytes;
    buffer = spare;
    spare = full;
  }

  async function drain(): Promise<void> {
    await handOver();
    await underWay;
  }

  async function gather(bytes: Uint8Array): Promise<void> {
    let at = 0;
    while (at < bytes.length) {
      buffer ??= new Uint8Array(WRITE_SIZE_BYTES);
      const bufferedBytes = writtenBytes - handedBytes;
      const taken = Math.min(WRITE_SIZE_BYTES - bufferedBytes, bytes.length - at);
      buffer.set(bytes.subarray(at, at + taken), bufferedBytes);
      at += taken;
      writtenBytes += taken;
      if (bufferedBytes + taken === WRITE_SIZE_BYTES) await handOver();
    }
  }

  async function cutTo(sizeBytes: number): Promise<void> {
    await drain();
    if (writtenBytes === sizeBytes) return;
    await file.truncate(sizeBytes);
    writtenBytes = sizeBytes;
    handedBytes = sizeBytes;
  }

  return {
    get committedBytes() {
      return committedBytes;
    },
    get writtenBytes() {
      return writtenBytes;
    },

    async write(bytes) {
      hasher ??= await hasherFrom(committedBytes);
      if (bytes.length < WRITE_SIZE_BYTES) {
        hasher.push(bytes);
        await gather(bytes);
        return;
      }
      await drain();
      const writing = file.writeAt(writtenBytes, bytes);
      // Hashed while the disk is at work.
      hasher.push(bytes);
      await writing;
      writtenBytes += bytes.length;
      handedBytes = writtenBytes;
    },

    async read(offset, lengthBytes) {
      await drain();
      return file.readAt(offset, Math.max(0, Math.min(lengthBytes, writtenBytes - offset)));
    },

    async syncTo(sizeBytes) {
      if (sizeBytes < committedBytes || sizeBytes > writtenBytes)
        throw new RangeError(`${sizeBytes} is not between ${committedBytes} and ${writtenBytes}`);
      const isCut = sizeBytes < writtenBytes;
      await cutTo(sizeBytes);
      if (isCut) {
        // The hasher has seen bytes that are gone now.
        hasher = await hasherFrom(committedBytes);
        for (let at = committedBytes; at < sizeBytes; at += WRITE_SIZE_BYTES)
          hasher.push(await file.readAt(at, Math.min(WRITE_SIZE_BYTES, sizeBytes - at)));
      }
      await file.syncData();
    },

    async syncDigests() {
      const digests = hasher?.takeCompleted();
      if (digests === undefined || digests.length === 0) return;
      const digestsFile = await env.disk.open(digestsPath, { mode: 'create' });
      try {
        await digestsFile.writeAt(blockCount(committedBytes) * DIGEST_SIZE_BYTES, digests);
        await digestsFile.syncData();
      } finally {
        await digestsFile.close();
      }
    },

    async identity() {
      const { fileKey, mtimeNs } = await file.stat();
      hasher ??= await hasherFrom(writtenBytes);
      return { fileKey, mtimeNs, tailDigest: hasher.tailDigest() };
    },

    settle() {
      committedBytes = writtenBytes;
      // A home is open for each volume of a server: between commits it holds no buffers.
      hasher = undefined;
      buffer = undefined;
      spare = undefined;
    },

    async rollback() {
      hasher = undefined;
      await cutTo(committedBytes);
    },

    async close() {
      await underWay.catch(() => {});
      await file.close();
    },
  };
}
