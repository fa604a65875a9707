import type { VolumeName } from '@holdfast/format';
import type { RandomAccess } from '@holdfast/index';
import { type ByteRange, followLimits } from '@holdfast/protocol';
import { pastEnd, readChunks } from './read-chunks.js';

/** Ranges so near to one another are read with what lies between: a disk gives whole pages anyway. */
const NEAR_BYTES = 16 * 1024;
/** Smaller pieces go out together: a message each would cost more than they do. */
const GATHERED_BYTES = 64 * 1024;

/** The bytes of the ranges, one range after the other, many small ones in a chunk. `past-end` where the source ends first. */
export function readRanges(
  source: RandomAccess,
  name: VolumeName,
  ranges: readonly ByteRange[],
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  return gathered(readPieces(source, name, ranges, signal));
}

async function* readPieces(
  source: RandomAccess,
  name: VolumeName,
  ranges: readonly ByteRange[],
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let i = 0; i < ranges.length; ) {
    const { offset } = ranges[i]!;
    const next = endOfRun(ranges, i);
    const end = endOf(ranges[next - 1]!);
    if (end - offset > followLimits.chunkBytes) {
      yield* readChunks(source, name, offset, end, signal);
    } else {
      signal.throwIfAborted();
      const bytes = await source.readAt(offset, end - offset);
      if (bytes.length < end - offset) throw pastEnd(name, offset + bytes.length);
      for (const range of ranges.slice(i, next))
        yield bytes.subarray(range.offset - offset, endOf(range) - offset);
    }
    i = next;
  }
}

/** The ranges from i on that are one read: each a little behind the one before, and not too much together. */
function endOfRun(ranges: readonly ByteRange[], i: number): number {
  const { offset } = ranges[i]!;
  let next = i + 1;
  for (; next < ranges.length; next++) {
    const range = ranges[next]!;
    const gapBytes = range.offset - endOf(ranges[next - 1]!);
    const isNear = gapBytes >= 0 && gapBytes <= NEAR_BYTES;
    if (!isNear || endOf(range) - offset > followLimits.chunkBytes) break;
  }
  return next;
}

async function* gathered(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let chunk = new Uint8Array(GATHERED_BYTES);
  let filledBytes = 0;
  for await (const piece of pieces) {
    if (filledBytes + piece.length > GATHERED_BYTES) {
      if (filledBytes > 0) yield chunk.subarray(0, filledBytes);
      chunk = new Uint8Array(GATHERED_BYTES);
      filledBytes = 0;
    }
    if (piece.length >= GATHERED_BYTES) {
      yield piece;
      continue;
    }
    chunk.set(piece, filledBytes);
    filledBytes += piece.length;
  }
  if (filledBytes > 0) yield chunk.subarray(0, filledBytes);
}

function endOf({ offset, lengthBytes }: ByteRange): number {
  return offset + lengthBytes;
}
