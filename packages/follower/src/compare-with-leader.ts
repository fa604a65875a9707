import type { RandomAccess } from '@holdfast/index';
import type { LeaderVolume } from '@holdfast/protocol';
import type { GenerationPosition } from '@holdfast/store';
import { FollowError } from './errors.js';
import { equalBytes } from './leader-read.js';

/** Compared and reported in blocks of this size, as digests are. */
const BLOCK_BYTES = 64 * 1024;

/** A place where the copy and its leader differ. */
export interface Divergence {
  readonly file: 'dat' | 'idx';
  /** Of the block of 64 KiB that differs. */
  readonly offset: number;
}

/** A copy to compare: one generation, cut at its committed lengths. */
export interface ComparedCopy {
  readonly position: GenerationPosition;
  readonly dat: RandomAccess;
  readonly idx: RandomAccess;
}

/**
 * Every byte of the copy against the leader's own, by whole-file streams that pin one generation there. Throws
 * `leader-unsettled` where the leader is of another revision or shorter: then nothing was compared.
 */
export async function* compareWithLeader(
  copy: ComparedCopy,
  leader: LeaderVolume,
  signal: AbortSignal,
): AsyncGenerator<Divergence, void, undefined> {
  const { position } = copy;
  const status = await leader.status(signal);
  const isComparable =
    status.revision === position.revision &&
    status.datSizeBytes >= position.datSizeBytes &&
    status.idxSizeBytes >= position.idxSizeBytes;
  if (!isComparable)
    throw new FollowError(
      'leader-unsettled',
      `volume ${leader.volumeId}: the leader is at revision ${status.revision} with ${status.datSizeBytes} bytes, the copy at revision ${position.revision} with ${position.datSizeBytes}: nothing was compared. Run backup, then verify again`,
      { volumeId: leader.volumeId },
    );
  const pinned = await leader.openPinnedCopy(status, signal);
  try {
    yield* differences('idx', copy.idx, position.idxSizeBytes, pinned.idx);
    yield* differences('dat', copy.dat, position.datSizeBytes, pinned.dat);
  } finally {
    await pinned.close();
  }
}

async function* differences(
  file: Divergence['file'],
  ours: RandomAccess,
  sizeBytes: number,
  theirs: AsyncIterable<Uint8Array>,
): AsyncGenerator<Divergence, void, undefined> {
  let at = 0;
  let lastReported = -1;
  for await (const chunk of theirs) {
    const part = chunk.subarray(0, Math.max(0, sizeBytes - at));
    for (let from = 0; from < part.length; ) {
      const block = Math.floor((at + from) / BLOCK_BYTES) * BLOCK_BYTES;
      const end = Math.min(part.length, block + BLOCK_BYTES - at);
      const piece = part.subarray(from, end);
      if (block !== lastReported && !equalBytes(piece, await ours.readAt(at + from, piece.length))) {
        lastReported = block;
        yield { file, offset: block };
      }
      from = end;
    }
    at += chunk.length;
  }
  if (at < sizeBytes) yield { file, offset: at };
}
