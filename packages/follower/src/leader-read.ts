import type { RandomAccess } from '@holdfast/index';
import type { ByteRange, LeaderVolume } from '@holdfast/protocol';
import type { LeaderView, VolumeRun } from './run.js';

/** Whether two byte strings are equal. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The bytes of each range, in its own array. For small ranges: all of them are held at once. */
export async function readPieces(
  { volume, link, signal }: LeaderView,
  ranges: readonly ByteRange[],
): Promise<readonly Uint8Array[]> {
  return await link.time(ranges, () => readPiecesOf(volume, ranges, signal));
}

async function readPiecesOf(
  volume: LeaderVolume,
  ranges: readonly ByteRange[],
  signal: AbortSignal,
): Promise<readonly Uint8Array[]> {
  const pieces = ranges.map((range) => new Uint8Array(range.lengthBytes));
  let piece = 0;
  let filled = 0;
  const skipEmpty = () => {
    while (piece < pieces.length && filled === (pieces[piece] as Uint8Array).length) {
      piece += 1;
      filled = 0;
    }
  };
  for await (const chunk of volume.readRanges(ranges, signal)) {
    let at = 0;
    skipEmpty();
    while (at < chunk.length && piece < pieces.length) {
      const target = pieces[piece] as Uint8Array;
      const take = Math.min(chunk.length - at, target.length - filled);
      target.set(chunk.subarray(at, at + take), filled);
      at += take;
      filled += take;
      skipEmpty();
    }
  }
  return pieces;
}

/** All bytes of a stream whose length is known to be small. */
export async function collect(stream: AsyncIterable<Uint8Array>, lengthBytes: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(lengthBytes);
  let filled = 0;
  for await (const chunk of stream) {
    bytes.set(chunk, filled);
    filled += chunk.length;
  }
  return bytes.subarray(0, filled);
}

/** Whether the leader's bytes [offset, endOffset) read as `dat` has them. */
export async function isSameOnLeader(
  run: VolumeRun,
  dat: RandomAccess,
  offset: number,
  endOffset: number,
): Promise<boolean> {
  let at = offset;
  let isSame = true;
  const ranges = [{ offset, lengthBytes: endOffset - offset }];
  for await (const chunk of run.volume.readRanges(ranges, run.signal)) {
    isSame &&= equalBytes(chunk, await dat.readAt(at, chunk.length));
    at += chunk.length;
  }
  return isSame;
}
