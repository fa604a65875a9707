import { DEFAULT_FRAME_BYTES, DEFAULT_WINDOW_BYTES, encodeFrame, frameTypes, MAX_31_BITS } from './frame.js';
import { Http2Error } from './http2-error.js';

/** Answers to settings and pings that wait for a peer which takes none of them. */
const MAX_WAITING_ANSWERS = 1000;

/** What one stream may still send. */
export interface SendWindow {
  readonly streamId: number;
  bytes: number;
  /** Set when nothing more may be sent on it. */
  isOver: boolean;
}

/** Everything that a connection sends, and what it waits for before: windows, and a socket with room. */
export interface Sender {
  /** A frame that no window holds back. */
  write(frame: Uint8Array): void;
  /** As `write`. Fails with `ENHANCE_YOUR_CALM` for a peer that asks on and on and takes no answer. */
  answer(frame: Uint8Array): void;
  /** Resolves when the socket has all of it, or when `window` is over. */
  sendData(window: SendWindow, bytes: Uint8Array): Promise<void>;
  /** The peer allows more, on one stream or, without it, on the connection. */
  allow(addedBytes: number, window?: SendWindow): void;
  /** The peer's setting. */
  setMaxFrame(bytes: number): void;
  /** The socket takes bytes again. */
  drained(): void;
  /** Resolves at the next `wake`. */
  changed(): Promise<void>;
  /** Lets whatever waits look again. */
  wake(): void;
}

/** `write` says false where the socket is full. */
export function createSender(write: (bytes: Uint8Array) => boolean): Sender {
  let windowBytes = DEFAULT_WINDOW_BYTES;
  let maxFrameBytes = DEFAULT_FRAME_BYTES;
  let isSocketFull = false;
  let waitingAnswers = 0;
  let waiters: (() => void)[] = [];

  function wake(): void {
    const woken = waiters;
    waiters = [];
    for (const resolve of woken) resolve();
  }

  function changed(): Promise<void> {
    return new Promise((resolve) => {
      waiters.push(resolve);
    });
  }

  function writeFrame(frame: Uint8Array): void {
    if (!write(frame)) isSocketFull = true;
  }

  return {
    write: writeFrame,
    answer(frame) {
      if (isSocketFull && ++waitingAnswers > MAX_WAITING_ANSWERS) {
        throw new Http2Error('ENHANCE_YOUR_CALM', 'the peer asks for answers and takes none');
      }
      writeFrame(frame);
    },
    async sendData(window, bytes) {
      for (let sentBytes = 0; sentBytes < bytes.length; ) {
        const roomBytes = isSocketFull ? 0 : Math.min(windowBytes, window.bytes, maxFrameBytes);
        if (window.isOver) return;
        if (roomBytes <= 0) {
          await changed();
          continue;
        }
        const part = bytes.subarray(sentBytes, sentBytes + roomBytes);
        sentBytes += part.length;
        windowBytes -= part.length;
        window.bytes -= part.length;
        writeFrame(encodeFrame(frameTypes.data, 0, window.streamId, part));
      }
    },
    allow(addedBytes, window) {
      const grown = (window?.bytes ?? windowBytes) + addedBytes;
      if (grown > MAX_31_BITS) throw new Http2Error('FLOW_CONTROL_ERROR', `a window of ${grown} bytes`);
      if (window === undefined) windowBytes = grown;
      else window.bytes = grown;
      wake();
    },
    setMaxFrame(bytes) {
      maxFrameBytes = bytes;
    },
    drained() {
      isSocketFull = false;
      waitingAnswers = 0;
      wake();
    },
    changed,
    wake,
  };
}
