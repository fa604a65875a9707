import type { ByteRange } from './byte-range.js';

/** The bytes of an answer, before it is known which of them are wanted. */
export interface Content {
  readonly sizeBytes: number;
  /** All of them, checked, where they are few. */
  readonly bytes: Uint8Array | undefined;
  /** Some of those at the beginning, not checked; none of an empty content. */
  first(): Promise<Uint8Array>;
  /** Those of one range. Fails in the place of the last piece where they turn out to be wrong. */
  read(range: ByteRange): AsyncIterable<Uint8Array>;
  /** Idempotent. */
  close(): Promise<void>;
}

export function contentOfBytes(bytes: Uint8Array, close: () => Promise<void>): Content {
  return {
    sizeBytes: bytes.length,
    bytes,
    first: async () => bytes,
    async *read({ start, end }) {
      yield bytes.subarray(start, end);
    },
    close,
  };
}

/** The pieces of [start, end) out of pieces that begin at 0 and are read to their end. */
export async function* cutPieces(
  pieces: AsyncIterable<Uint8Array>,
  { start, end }: ByteRange,
): AsyncGenerator<Uint8Array> {
  let at = 0;
  let held: Uint8Array | undefined;
  for await (const piece of pieces) {
    const cut = piece.subarray(Math.max(0, start - at), Math.max(0, end - at));
    at += piece.length;
    if (cut.length === 0) continue;
    // The last piece goes out when the source has come to its end, and so has found itself right.
    if (held !== undefined) yield held;
    held = cut;
  }
  if (held !== undefined) yield held;
}

export async function firstPiece(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  for await (const piece of pieces) return piece;
  return new Uint8Array(0);
}

/** All pieces in one, `undefined` where they come to more than `maxBytes`. */
export async function collectPieces(
  pieces: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  const held: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const piece of pieces) {
    sizeBytes += piece.length;
    if (sizeBytes > maxBytes) return undefined;
    held.push(piece);
  }
  return joinPieces(held);
}

export function joinPieces(pieces: readonly Uint8Array[]): Uint8Array {
  if (pieces.length === 1) return pieces[0]!;
  const joined = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}
