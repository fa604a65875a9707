import type { RandomAccess } from '@holdfast/index';

/**
 * The bytes [startOffset, endOffset) in pieces of `pieceBytes`, fewer where the source ends first. A piece is read when
 * it is asked for.
 */
export async function* streamFile(
  source: Pick<RandomAccess, 'readAt'>,
  startOffset: number,
  endOffset: number,
  pieceBytes: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
  for (let at = startOffset; at < endOffset; ) {
    signal.throwIfAborted();
    const bytes = await source.readAt(at, Math.min(pieceBytes, endOffset - at));
    if (bytes.length === 0) return;
    yield bytes;
    at += bytes.length;
  }
}
