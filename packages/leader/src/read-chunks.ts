import { formatVolumeName, type VolumeName } from '@holdfast/format';
import type { RandomAccess } from '@holdfast/index';
import { followLimits, LeaderError } from '@holdfast/protocol';

/** The bytes [startOffset, endOffset) in chunks of at most `followLimits.chunkBytes`. `past-end` where they end first. */
export async function* readChunks(
  source: RandomAccess,
  name: VolumeName,
  startOffset: number,
  endOffset: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = startOffset; at < endOffset; ) {
    signal.throwIfAborted();
    const bytes = await source.readAt(at, Math.min(followLimits.chunkBytes, endOffset - at));
    if (bytes.length === 0) throw pastEnd(name, at);
    yield bytes;
    at += bytes.length;
  }
}

/** The failure of a read beyond the end. */
export function pastEnd(name: VolumeName, offset: number): LeaderError {
  return new LeaderError('past-end', `volume ${formatVolumeName(name)} ends before ${offset}`, {
    volumeId: name.volumeId,
    offset,
  });
}
