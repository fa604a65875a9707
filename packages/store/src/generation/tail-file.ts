import type { DiskFile } from '../disk.js';
import type { StoreEnvironment } from '../environment.js';
import {
  type BlockHasher,
  blockCount,
  blockStart,
  createBlockHasher,
  DIGEST_SIZE_BYTES,
} from './block-digests.js';
import { createGatherBuffer, type GatherBuffer, windowEnd } from './gather-buffer.js';
import type { FileIdentity } from './position-record.js';

const READ_SIZE_BYTES = 1 << 20;
/** So that neither the disk nor the digests ever wait for whoever writes. */
const WRITES_AT_ONCE = 3;

/**
 * A file that only grows at its end, with the digests of its blocks. What is behind `committedBytes` is pending: it
 * counts only once the position says so. Calls must not overlap, but for those of a `TailCommit`, and reads.
 */
export interface TailFile {
  readonly committedBytes: number;
  /** The length with everything pending. */
  readonly writtenBytes: number;
  /** Appends a copy. The file may still be at work when the promise is through: its failure may only come out at the next call. */
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

/** What was handed to the file, with the memory that it is in. */
interface Handed {
  readonly buffer: GatherBuffer;
  readonly done: Promise<void>;
}

export function createTailFile(env: StoreEnvironment, options: TailFileOptions): TailFile {
  const { file, digestsPath } = options;
  let committedBytes = options.committedBytes;
  let writtenBytes = committedBytes;
  /** Bytes that have been handed to the file; those up to `writtenBytes` are in `filling`. */
  let handedBytes = committedBytes;
  let filling = createGatherBuffer(env.writeMemory);
  /** What file and hasher may still be at work on, the oldest first. */
  const underWay: Handed[] = [];
  const spare: GatherBuffer[] = [];
  /** Has seen exactly [0, handedBytes) when nothing is under way. */
  let hasher: BlockHasher | undefined;
  let isWriting = false;

  async function hasherFrom(offset: number): Promise<BlockHasher> {
    const start = blockStart(offset);
    const partial = await file.readAt(start, offset - start);
    return createBlockHasher(env, partial);
  }

  /** Gives what was gathered to the file and the hasher, which work on it while the next bytes come. */
  function handOver(hashing: BlockHasher): void {
    const buffer = filling;
    const bytes = buffer.take();
    const hashed = hashing.push(bytes);
    const done = file.writeAt(handedBytes, bytes).finally(() => hashed);
    // Whoever awaits it next gets the failure.
    done.catch(() => {});
    underWay.push({ buffer, done });
    handedBytes = writtenBytes;
    filling = spare.pop() ?? createGatherBuffer(env.writeMemory);
  }

  /** Waits until no more than so many writes are under way. One that failed stays: so does its failure. */
  async function settleTo(writes: number): Promise<void> {
    for (let oldest = underWay[0]; oldest !== undefined && underWay.length > writes; oldest = underWay[0]) {
      await oldest.done;
      if (underWay[0] !== oldest) continue;
      underWay.shift();
      spare.push(oldest.buffer);
    }
  }

  async function drain(): Promise<void> {
    if (hasher !== undefined && handedBytes < writtenBytes) handOver(hasher);
    await settleTo(0);
  }

  async function append(bytes: Uint8Array): Promise<void> {
    hasher ??= await hasherFrom(writtenBytes);
    for (let at = 0; at < bytes.length; ) {
      const end = windowEnd(env.writeMemory, writtenBytes);
      const part = bytes.subarray(at, at + end - writtenBytes);
      filling.put(part, writtenBytes);
      at += part.length;
      writtenBytes += part.length;
      if (writtenBytes === end) {
        await settleTo(WRITES_AT_ONCE - 1);
        handOver(hasher);
      }
    }
  }

  /** A home is open for each volume of a server: between commits it holds no memory. */
  function release(): void {
    hasher = undefined;
    filling.release();
    for (const buffer of spare.splice(0)) buffer.release();
  }

  async function cutTo(sizeBytes: number): Promise<void> {
    await drain();
    if (writtenBytes === sizeBytes) return;
    await file.truncate(sizeBytes);
    writtenBytes = sizeBytes;
    handedBytes = sizeBytes;
    // It has seen bytes that are gone now.
    hasher = await hasherFrom(committedBytes);
    for (let at = committedBytes; at < sizeBytes; at += READ_SIZE_BYTES)
      await hasher.push(await file.readAt(at, Math.min(READ_SIZE_BYTES, sizeBytes - at)));
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
      const digests = await hasher.takeCompleted();
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
          if (!isWriting && writtenBytes === sizeBytes) release();
        },
      };
    },

    async rollback() {
      await cutTo(committedBytes);
      release();
    },

    async close() {
      for (const { buffer, done } of underWay.splice(0)) {
        await done.catch(() => {});
        buffer.release();
      }
      release();
      await file.close();
    },
  };
}
