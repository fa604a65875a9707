import type { MemoryNetworkOptions } from '@holdfast/protocol';
import type { VirtualTime } from './virtual-time.js';

const PIECE_BYTES = 32 * 1024;

export interface SlowLinkOptions {
  readonly time: VirtualTime;
  /** Of all answers together. */
  readonly bytesPerSecond: number;
  /** Whenever so many bytes have come, the connection of the next ones breaks under them. Default: it holds. */
  readonly cutEveryBytes?: number | undefined;
}

/** For the `onFrame` of a memory network: answers take turns piece by piece, as the streams of one HTTP/2 connection do. */
export function createSlowLink(options: SlowLinkOptions): NonNullable<MemoryNetworkOptions['onFrame']> {
  const { time, bytesPerSecond, cutEveryBytes = Number.POSITIVE_INFINITY } = options;
  let busyUntilMs = 0;
  let sinceCutBytes = 0;

  return async ({ direction, sizeBytes }, onBytes) => {
    if (direction === 'request') return;
    for (let leftBytes = sizeBytes; leftBytes > 0; ) {
      const pieceBytes = Math.min(PIECE_BYTES, leftBytes);
      leftBytes -= pieceBytes;
      const nowMs = time.clock.monotonicMs();
      busyUntilMs = Math.max(busyUntilMs, nowMs) + (1000 * pieceBytes) / bytesPerSecond;
      await time.timers.sleep(busyUntilMs - nowMs);
      onBytes(pieceBytes);
      sinceCutBytes += pieceBytes;
      if (sinceCutBytes < cutEveryBytes) continue;
      sinceCutBytes = 0;
      throw new Error('the connection is cut');
    }
  };
}
