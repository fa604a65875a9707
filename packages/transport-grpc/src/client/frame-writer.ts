import type { Socket } from 'node:net';

/** With so much waiting it goes out at once. */
const BATCH_BYTES = 64 * 1024;

export interface FrameWriter {
  /** False where the socket is full: its `drain` says when it no longer is. */
  write(frame: Uint8Array): boolean;
  /** What waits goes out now. */
  flush(): void;
}

/** Sends the frames of one turn together: a small call is three of them, and each write is a call of the system. */
export function createFrameWriter(socket: Socket): FrameWriter {
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;

  function flush(): void {
    if (waiting.length === 0 || socket.destroyed) return;
    const bytes = waiting.length === 1 ? waiting[0] : Buffer.concat(waiting, waitingBytes);
    waiting = [];
    waitingBytes = 0;
    socket.write(bytes as Uint8Array);
  }

  return {
    write(frame) {
      if (waiting.length === 0) process.nextTick(flush);
      waiting.push(frame);
      waitingBytes += frame.length;
      if (waitingBytes >= BATCH_BYTES) flush();
      return !socket.writableNeedDrain;
    },
    flush,
  };
}
