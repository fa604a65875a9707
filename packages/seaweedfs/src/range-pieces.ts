import type { Clock } from '@holdfast/format';
import type { ByteRange } from '@holdfast/protocol';
import type { SeaweedLimits } from './limits.js';

/** The ranges in order, cut to what `pieceBytes` says when each piece is taken. Empty ranges give none. */
export function* cutRanges(
  ranges: readonly ByteRange[],
  pieceBytes: () => number,
): Generator<ByteRange, void> {
  for (const { offset, lengthBytes } of ranges) {
    let doneBytes = 0;
    while (doneBytes < lengthBytes) {
      const piece = {
        offset: offset + doneBytes,
        lengthBytes: Math.min(pieceBytes(), lengthBytes - doneBytes),
      };
      yield piece;
      doneBytes += piece.lengthBytes;
    }
  }
}

/**
 * How large a piece may be on this link: a call that answers at once gives no sign of life while it is under way,
 * so that a piece must come well within its deadline on a slow link too.
 */
export interface RangePace {
  pieceBytes(): number;
  /** Runs one call for `lengthBytes` and learns from the time that it took. */
  measure<T>(lengthBytes: number, call: () => Promise<T>): Promise<T>;
}

const QUICK_MS = 1_000;
const SLOW_MS = 8_000;

export function createRangePace(limits: SeaweedLimits, clock: Clock): RangePace {
  let pieceBytes = Math.min(limits.minRangeBytes, limits.rangeBytes);
  return {
    pieceBytes: () => pieceBytes,
    async measure(lengthBytes, call) {
      const startedAtMs = clock.monotonicMs();
      const result = await call();
      const tookMs = clock.monotonicMs() - startedAtMs;
      if (tookMs > SLOW_MS) pieceBytes = Math.max(limits.minRangeBytes, Math.floor(pieceBytes / 2));
      else if (tookMs < QUICK_MS && lengthBytes >= pieceBytes) {
        pieceBytes = Math.min(limits.rangeBytes, pieceBytes * 2);
      }
      return result;
    },
  };
}
