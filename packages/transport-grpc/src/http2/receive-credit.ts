import { Http2Error } from './http2-error.js';

/**
 * One receive window. Of its size, part may still be sent, part has come and is held, and part has been let go and not yet been
 * given back to the peer: that is done in quarters, not by a frame for each frame.
 */
export interface ReceiveCredit {
  /** The peer sends so much. Fails with `FLOW_CONTROL_ERROR` beyond what it may. */
  take(bytes: number): void;
  /** So much is held no more. Returns what to give back to the peer now: 0 for nothing yet. */
  release(bytes: number): number;
  /** Returns what to give to the peer now. A window that shrinks does so as what has come is let go. */
  resize(sizeBytes: number): number;
}

export function createReceiveCredit(initialBytes: number): ReceiveCredit {
  let sizeBytes = initialBytes;
  let allowedBytes = initialBytes;
  let owedBytes = 0;

  function giveBack(leastBytes: number): number {
    if (owedBytes < leastBytes) return 0;
    const given = owedBytes;
    allowedBytes += given;
    owedBytes = 0;
    return given;
  }

  return {
    take(bytes) {
      if (bytes > allowedBytes)
        throw new Http2Error('FLOW_CONTROL_ERROR', 'more bytes than the window has room for');
      allowedBytes -= bytes;
    },
    release(bytes) {
      owedBytes += bytes;
      return giveBack(Math.max(1, sizeBytes / 4));
    },
    resize(newSizeBytes) {
      owedBytes += newSizeBytes - sizeBytes;
      sizeBytes = newSizeBytes;
      return giveBack(1);
    },
  };
}
