import type { RandomAccess } from '@holdfast/index';
import type { Sha256Stream, StoreEnvironment } from '../environment.js';
import { bufferWithRoom } from './buffer-with-room.js';

/** Each of these of a file has a digest of its own; the last, partial one's is in the position. */
export const BLOCK_SIZE_BYTES = 1 << 16;
/** SHA-256, whole: 0.05 % of the data, and no question what it proves. */
export const DIGEST_SIZE_BYTES = 32;
/** Data and digests are read in pieces of this many blocks: 1 MiB of data, 512 bytes of digests. */
const BLOCKS_PER_READ = 16;

export type Sha256 = StoreEnvironment['sha256'];

export function blockStart(offset: number): number {
  return offset - (offset % BLOCK_SIZE_BYTES);
}

export function blockCount(lengthBytes: number): number {
  return Math.floor(lengthBytes / BLOCK_SIZE_BYTES);
}

export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

export function fromHex(text: string): Uint8Array {
  return Uint8Array.from({ length: text.length >> 1 }, (_, i) =>
    Number.parseInt(text.slice(2 * i, 2 * i + 2), 16),
  );
}

/** Digests of a stream's blocks. Holds one block at most, beside 32 bytes for each block completed and not yet taken. */
export interface BlockHasher {
  /** Takes bytes that follow those before. The array is the caller's again when the promise is through. */
  push(bytes: Uint8Array): Promise<void>;
  /** The digests of the blocks completed since the last call, one behind the other. Waits for what is not through. */
  takeCompleted(): Promise<Uint8Array>;
  /** In hex, of the bytes behind the last whole block; empty if there are none. */
  tailDigest(): string;
}

/** `partial` are the bytes from the last block boundary on: less than a block. */
export function createBlockHasher(
  { sha256, sha256Blocks }: Pick<StoreEnvironment, 'sha256' | 'sha256Blocks'>,
  partial: Uint8Array,
): BlockHasher {
  let block: Uint8Array = partial;
  let filledBytes = partial.length;
  const completed: (Uint8Array | Promise<Uint8Array>)[] = [];

  function fill(bytes: Uint8Array): void {
    block = bufferWithRoom(block, filledBytes, filledBytes + bytes.length);
    block.set(bytes, filledBytes);
    filledBytes += bytes.length;
    if (filledBytes < BLOCK_SIZE_BYTES) return;
    completed.push(sha256(block.subarray(0, BLOCK_SIZE_BYTES)));
    filledBytes = 0;
  }

  return {
    async push(bytes) {
      const headBytes = filledBytes === 0 ? 0 : Math.min(bytes.length, BLOCK_SIZE_BYTES - filledBytes);
      if (headBytes > 0) fill(bytes.subarray(0, headBytes));
      const wholeEnd = headBytes + blockStart(bytes.length - headBytes);
      const digests =
        wholeEnd > headBytes
          ? sha256Blocks(bytes.subarray(headBytes, wholeEnd), BLOCK_SIZE_BYTES)
          : undefined;
      if (digests !== undefined) completed.push(digests);
      if (wholeEnd < bytes.length) fill(bytes.subarray(wholeEnd));
      await digests;
    },
    async takeCompleted() {
      const parts = await Promise.all(completed.splice(0));
      const digests = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
      let at = 0;
      for (const part of parts) {
        digests.set(part, at);
        at += part.length;
      }
      return digests;
    },
    tailDigest: () => (filledBytes === 0 ? '' : toHex(sha256(block.subarray(0, filledBytes)))),
  };
}

/** What a file's bytes must be: as many, with these digests. */
export interface DigestedContent {
  readonly lengthBytes: number;
  readonly digests: RandomAccess;
  /** As `BlockHasher.tailDigest`. */
  readonly tailDigest: string;
}

export interface BlockDifference {
  /** Where the block begins, and how much of it is within the content. */
  readonly offset: number;
  readonly lengthBytes: number;
  /** `digest-missing`: nothing to compare with. `too-short`: the file ends inside the block. */
  readonly reason: 'digest-differs' | 'digest-missing' | 'too-short';
}

/** A piece of a file as read, and what of it is not as its digests say. */
interface ExaminedPiece {
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly differences: readonly BlockDifference[];
}

/** Reads `data` up to the content's length, in pieces of whole blocks. */
async function* examineBlocks(
  sha256: Sha256,
  data: RandomAccess,
  content: DigestedContent,
  signal: AbortSignal | undefined,
): AsyncGenerator<ExaminedPiece, void, undefined> {
  const { lengthBytes, digests, tailDigest } = content;
  const wholeBlocks = blockCount(lengthBytes);
  for (let first = 0; first * BLOCK_SIZE_BYTES < lengthBytes; first += BLOCKS_PER_READ) {
    signal?.throwIfAborted();
    const offset = first * BLOCK_SIZE_BYTES;
    const bytes = await data.readAt(
      offset,
      Math.min(BLOCKS_PER_READ * BLOCK_SIZE_BYTES, lengthBytes - offset),
    );
    const wanted = await digests.readAt(
      first * DIGEST_SIZE_BYTES,
      Math.min(BLOCKS_PER_READ, wholeBlocks - first) * DIGEST_SIZE_BYTES,
    );
    const differences: BlockDifference[] = [];
    for (let index = 0; index < BLOCKS_PER_READ; index++) {
      const blockOffset = offset + index * BLOCK_SIZE_BYTES;
      const blockLength = Math.min(BLOCK_SIZE_BYTES, lengthBytes - blockOffset);
      if (blockLength <= 0) break;
      const block = bytes.subarray(index * BLOCK_SIZE_BYTES, index * BLOCK_SIZE_BYTES + blockLength);
      const digest = wanted.subarray(index * DIGEST_SIZE_BYTES, (index + 1) * DIGEST_SIZE_BYTES);
      const expected = first + index < wholeBlocks ? toHex(digest) : tailDigest;
      const reason = reasonOf(block, blockLength, expected);
      if (reason !== undefined) differences.push({ offset: blockOffset, lengthBytes: blockLength, reason });
    }
    yield { offset, bytes, differences };
  }

  function reasonOf(block: Uint8Array, blockLength: number, expected: string) {
    if (block.length < blockLength) return 'too-short';
    if (expected.length < DIGEST_SIZE_BYTES * 2) return 'digest-missing';
    return toHex(sha256(block)) === expected ? undefined : 'digest-differs';
  }
}

/** Reads `data` up to the content's length and gives every block that is not as its digest says. */
export async function* differingBlocks(
  sha256: Sha256,
  data: RandomAccess,
  content: DigestedContent,
  signal?: AbortSignal,
): AsyncGenerator<BlockDifference, void, undefined> {
  for await (const { differences } of examineBlocks(sha256, data, content, signal)) yield* differences;
}

/**
 * The first `lengthBytes` of the content, each block compared with its digest before any of it is given out. `fail`
 * makes the error for the first block that differs, and for content that is shorter.
 */
export async function* checkedBytes(
  sha256: Sha256,
  data: RandomAccess,
  content: DigestedContent,
  lengthBytes: number,
  fail: (difference: BlockDifference) => Error,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const wholeBytes = blockStart(lengthBytes + BLOCK_SIZE_BYTES - 1);
  const isToItsEnd = wholeBytes >= content.lengthBytes;
  // A block that goes on behind the length has a digest as a whole only.
  const examined = isToItsEnd ? content : { ...content, lengthBytes: wholeBytes, tailDigest: '' };
  for await (const { offset, bytes, differences } of examineBlocks(sha256, data, examined, signal)) {
    for (const difference of differences) throw fail(difference);
    yield bytes.subarray(0, Math.min(bytes.length, lengthBytes - offset));
  }
  const missingBytes = lengthBytes - content.lengthBytes;
  if (missingBytes > 0)
    throw fail({ offset: content.lengthBytes, lengthBytes: missingBytes, reason: 'too-short' });
}

/** Takes every block's digest into a hash, in order, the last, partial one's behind them. */
export async function hashDigests(
  hash: Sha256Stream,
  { lengthBytes, digests, tailDigest }: DigestedContent,
  signal?: AbortSignal,
): Promise<void> {
  const listBytes = blockCount(lengthBytes) * DIGEST_SIZE_BYTES;
  for (let at = 0; at < listBytes; at += BLOCK_SIZE_BYTES) {
    signal?.throwIfAborted();
    hash.push(await digests.readAt(at, Math.min(BLOCK_SIZE_BYTES, listBytes - at)));
  }
  hash.push(fromHex(tailDigest));
}
